"""What people type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import duration_words, parse_duration, parse_moment

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 10, 30, tzinfo=BERLIN)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("2h", 7_200),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1h30m", 5_400),
        ("1d 2h 3m 4s", 93_784),
        ("1.5h", 5_400),
        ("250ms", 0.25),
        ("300", 300),
        ("0.5", 0.5),
        (" 5 min ", 300),
        ("2 Days", 172_800),
        ("1 hour 30 minutes", 5_400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "m",
        "5x",
        "5m5m",
        "-5m",
        "5m!",
        "1e3s",
        "1:30",
        "\u0665m",
        "9" * 200,
        "in 5m",
        None,
        5,
    ],
)
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(InvalidTriggerError, match="a duration such as 90s") as refused:
        parse_duration(text, "timeout_s")
    assert refused.value.errors[0].field == "timeout_s"


def test_an_endless_duration_is_refused() -> None:
    with pytest.raises(InvalidTriggerError):
        parse_duration("999999999999w")


@pytest.mark.parametrize(
    "us", [1_000, 250_000, 1_500_000, 90_000_000, 93_784_000_000, 86_400_000_001]
)
def test_a_duration_in_words_can_be_typed_back(us: int) -> None:
    duration = timedelta(microseconds=us)
    assert parse_duration(duration_words(duration)) == duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11:00", "2026-11-18 11:00"),
        ("10:30", "2026-11-19 10:30"),
        ("09:00", "2026-11-19 09:00"),
        ("9:00:30", "2026-11-19 09:00:30"),
        ("today 18:00", "2026-11-18 18:00"),
        ("today 09:00", "2026-11-18 09:00"),
        ("Tomorrow 7:30", "2026-11-19 07:30"),
        ("wed 11:00", "2026-11-18 11:00"),
        ("wed 09:00", "2026-11-25 09:00"),
        ("mon 09:00", "2026-11-23 09:00"),
        ("Monday 09:00", "2026-11-23 09:00"),
        ("sun 09:00", "2026-11-22 09:00"),
        ("2026-12-24 18:00", "2026-12-24 18:00"),
        ("2026-12-24T18:00:05", "2026-12-24 18:00:05"),
        ("2025-12-24 18:00", "2025-12-24 18:00"),
        ("in 10m", "2026-11-18 10:40"),
        ("2026-12-24T17:00:00Z", "2026-12-24 18:00"),
        ("2026-12-24 18:00:00+01:00", "2026-12-24 18:00"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    moment = parse_moment(text, "Europe/Berlin", to_us(NOW))
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=BERLIN)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("us", [1, 429_050, 999_999])
def test_a_moment_from_now_is_the_next_whole_second(us: int) -> None:
    now = NOW - timedelta(microseconds=us)
    assert parse_moment("in 10m", "UTC", to_us(now)) == NOW + timedelta(minutes=10)
    assert parse_moment("in 500ms", "UTC", to_us(NOW)) == NOW + timedelta(seconds=1)
    assert parse_moment("in 10m", "UTC", to_us(NOW)) == NOW + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("zone", "now", "text", "expected"),
    [
        # skipped: the end of the gap
        ("Europe/Berlin", "2026-03-28 12:00", "02:30", "2026-03-29 01:00"),
        ("Europe/Berlin", "2026-03-28 12:00", "2026-03-29 02:30", "2026-03-29 01:00"),
        ("Australia/Lord_Howe", "2026-10-03 00:00", "2026-10-04 02:15", "2026-10-03 15:30"),
        ("Pacific/Apia", "2011-12-28 00:00", "2011-12-30 09:00", "2011-12-30 10:00"),
        # twice: the first one that is still to come
        ("Europe/Berlin", "2026-10-24 12:00", "02:30", "2026-10-25 00:30"),
        ("Europe/Berlin", "2026-10-25 00:45", "02:30", "2026-10-25 01:30"),
        ("Europe/Berlin", "2026-10-25 01:45", "02:30", "2026-10-26 01:30"),
        ("Australia/Lord_Howe", "2026-04-04 14:50", "01:45", "2026-04-04 15:15"),
    ],
)
def test_moments_where_the_clock_is_changed(zone: str, now: str, text: str, expected: str) -> None:
    now_us = to_us(datetime.fromisoformat(now).replace(tzinfo=UTC))
    moment = parse_moment(text, zone, now_us)
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "25:00",
        "09:60",
        "tomorrow",
        "mon",
        "xyz 09:00",
        "mo 09:00",
        "2026-12-24",
        "2026-02-30 09:00",
        "24.12.2026 18:00",
        "in",
        "in soon",
        "\u0660\u0669:\u0660\u0660",
        "0001-01-01 00:00",
        "9999-12-31 23:59",
        "in 99999999w",
        "9" * 200,
        None,
    ],
)
def test_what_is_no_moment_is_refused(text: Any) -> None:
    with pytest.raises(InvalidTriggerError) as refused:
        parse_moment(text, "Europe/Berlin", to_us(NOW))
    assert refused.value.errors[0].field == "typed"


def test_the_message_shows_what_can_be_typed() -> None:
    with pytest.raises(InvalidTriggerError, match="09:00, today 18:00, tomorrow 7:30, mon 09:00"):
        parse_moment("soon", "UTC", 0)
