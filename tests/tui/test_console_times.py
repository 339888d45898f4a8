"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedtui.clock import to_us
from schedtui_tui import times
from schedtui_tui.times import ZoneMode

NOW = to_us(datetime(2026, 8, 3, 12, 0, tzinfo=UTC))
SECOND = 1_000_000


def due(seconds: float, width: int = 18, **more: object) -> str:
    us = NOW + int(seconds * SECOND)
    return times.next_due(us, NOW, "Europe/Berlin", width=width, **more)  # type: ignore[arg-type] # forwarded


def test_next_counts_down_below_an_hour() -> None:
    assert due(4) == "in 4s"
    assert due(3.2) == "in 4s"
    assert due(728) == "in 12m 08s"
    assert due(0) == "now"
    assert due(-12) == "late 12s"
    assert times.next_due(None, NOW, "UTC", width=18) == "—"


def test_next_is_a_clock_with_its_zone_above_an_hour() -> None:
    assert due(3600) == "15:00 CEST"
    assert due(20 * 3600) == "Tue 10:00 CEST"
    assert due(20 * 3600, width=11) == "10:00 CEST"
    assert due(3 * 86_400) == "Thu 14:00 CEST"
    assert due(3 * 86_400, width=11) == "Thu 14:00"
    assert due(7 * 86_400, width=11) == "10 Aug CEST"
    assert due(300 * 86_400) == "2027-05-30 CEST"
    assert due(40 * 86_400) == "12 Sep 14:00 CEST"


def test_next_in_other_zones() -> None:
    assert due(3600, mode=ZoneMode.UTC) == "13:00 UTC"
    assert due(60, absolute=True) == "14:01 CEST"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("once 2026-12-24 18:00", "24 Dec 18:00"),
        ("once 2026-08-03 18:00:30.5", "3 Aug 18:00"),
        ("once 2027-01-01 00:30 UTC", "1 Jan 2027"),
        ("every 1 min | once 2026-11-22 12:00", "every 1 min | 22 Nov 12:00"),
        ("0 9 * * mon-fri", "0 9 * * mon-fri"),
        ("once 2026-99-99 99:99", "99 99 99:99"),
        ("once upon a time", "once upon a time"),
    ],
)
def test_a_schedule_leaves_out_what_goes_without_saying(text: str, shown: str) -> None:
    assert times.schedule(text, NOW, "Europe/Berlin", width=12) == shown
    assert times.schedule_cells(text) >= len(shown)


def test_a_schedule_is_in_its_jobs_year() -> None:
    new_year = to_us(datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    text = "once 2027-01-01 09:00"
    assert times.schedule(text, new_year, "Europe/Berlin", width=12) == "1 Jan 09:00"
    assert times.schedule(text, new_year, "UTC", width=12) == "1 Jan 2027"
    assert times.schedule(text, new_year, "UTC", width=16) == "1 Jan 2027 09:00"


@pytest.mark.parametrize("us", [10**30, -(10**30), 2**63])
@pytest.mark.parametrize("width", [11, 18])
def test_times_beyond_the_calendar_do_no_harm(us: int, width: int) -> None:
    assert len(times.next_due(us, NOW, "UTC", width=width)) <= width
    assert times.full(us, "UTC") == "never"
    assert times.clock(us, "UTC") == "--:--:--"
    assert len(times.ago(us, NOW)) < 12
    assert len(times.duration(us)) <= 5


@pytest.mark.parametrize("name", ["", "Mars/Base", "../../etc/passwd", "\x1b[2J", "x" * 5000])
def test_an_unknown_zone_is_utc(name: str) -> None:
    assert times.full(NOW, name) == "2026-08-03 12:00:00 UTC"


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, "—"),
        (10, "<1ms"),
        (820_000, "820ms"),
        (999_900, "1.0s"),
        (1_100_000, "1.1s"),
        (83_000_000, "1m23s"),
        (728_000_000, "12m"),
        (7_500_000_000, "2h05m"),
        (90_000_000_000, "1d01h"),
    ],
)
def test_durations(us: int | None, text: str) -> None:
    assert times.duration(us) == text


def test_ages() -> None:
    assert times.ago(NOW - 205 * SECOND, NOW) == "3m ago"
    assert times.ago(NOW, NOW) == "now"
    assert times.short(86_400 * 800) == "2y"


def test_a_description_says_its_zone_once() -> None:
    assert times.in_zone("every 5 min", "Asia/Tokyo") == "every 5 min (Asia/Tokyo)"
    assert times.in_zone("At 09:00 (Asia/Tokyo)", "Asia/Tokyo") == "At 09:00 (Asia/Tokyo)"
