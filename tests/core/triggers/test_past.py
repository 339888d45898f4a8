"""Moments of the past as people type them, and what a blackout left out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedtui.clock import from_us, to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import (
    AnyOf,
    Between,
    Cron,
    Every,
    Except,
    Trigger,
    left_out,
    parse_past_moment,
)

NOW = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)
"""A Wednesday; noon in Berlin."""
SPRING = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)


def past(text: str, now: datetime = NOW) -> tuple[str, str]:
    found, skipped = parse_past_moment(text, "Europe/Berlin", to_us(now))
    return f"{found:%m-%d %H:%M:%S}", skipped


@pytest.mark.parametrize(
    ("typed", "utc"),
    [
        ("9:00", "03-04 08:00:00"),
        ("12:00", "03-04 11:00:00"),
        ("12:01", "03-03 11:01:00"),
        ("today 18:00", "03-04 17:00:00"),
        ("Yesterday  9:00:30", "03-03 08:00:30"),
        ("tomorrow 9:00", "03-05 08:00:00"),
        ("wed 11:00", "03-04 10:00:00"),
        ("wednesday 13:00", "02-25 12:00:00"),
        ("mon 9:00", "03-02 08:00:00"),
        ("thu 9:00", "02-26 08:00:00"),
        ("2026-02-01 00:30", "01-31 23:30:00"),
        ("2026-02-01T00:30", "01-31 23:30:00"),
        ("2026-02-01T00:30Z", "02-01 00:30:00"),
        ("2026-02-01T00:30:00-05:00", "02-01 05:30:00"),
        ("now", "03-04 11:00:00"),
        ("90m ago", "03-04 09:30:00"),
        ("1h30m ago", "03-04 09:30:00"),
    ],
)
def test_a_moment_that_has_been(typed: str, utc: str) -> None:
    assert past(typed) == (utc, "")


def test_a_wall_time_that_was_skipped_is_the_end_of_the_gap() -> None:
    assert past("2:30", SPRING) == ("03-29 01:00:00", "2026-03-29 02:30")
    assert past("3:00", SPRING) == ("03-29 01:00:00", "")


def test_a_wall_time_that_came_twice_is_the_first_one() -> None:
    assert past("2:30", AUTUMN) == ("10-25 00:30:00", "")


@pytest.mark.parametrize(
    "typed", ["", "whenever", "25:00", "9", "2026-02-30 9:00", "x ago", "9999999d ago", "\u0669:00"]
)
def test_what_is_no_moment_is_refused(typed: str) -> None:
    with pytest.raises(InvalidTriggerError) as caught:
        past(typed)
    assert caught.value.errors[0].field == "at"


def left(trigger: Trigger, hour: int, minutes: int = 60) -> tuple[str, tuple[str, ...]] | None:
    start = to_us(datetime(2026, 12, 25, hour, 0, tzinfo=UTC))
    found = left_out(trigger, start, start + minutes * 60_000_000)
    return None if found is None else (f"{from_us(found.due_us):%H:%M}", found.by)


def test_what_leaves_a_moment_out_is_named() -> None:
    hourly = Cron("30 * * * *")
    quiet = Except(hourly, windows=["22:00-06:00", "fri 12:00-14:00", "sat,sun"])
    day = Except(hourly, dates=["2026-12-25", "2026-12-24..2026-12-26", "2026-01-01"])

    assert left(quiet, 23) == ("23:30", ("22:00-06:00",))
    assert left(quiet, 3) == ("03:30", ("22:00-06:00",))
    assert left(quiet, 12) == ("12:30", ("fri 12:00-14:00",))
    assert left(quiet, 14) is None
    assert left(quiet, 12, minutes=30) is None
    assert left(day, 9) == ("09:30", ("2026-12-25", "2026-12-24..2026-12-26"))


def test_a_blackout_is_found_within_combinations() -> None:
    quiet = Except(Cron("30 * * * *"), dates=["2026-12-25"])
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    for trigger in (AnyOf([Cron("0 4 * * *"), quiet]), Between(quiet, start=begin)):
        assert left(trigger, 9) == ("09:30", ("2026-12-25",))
    assert left(Every(60), 9) is None


def test_public_holidays_are_named_by_their_region() -> None:
    pytest.importorskip("holidays")
    assert left(Except(Cron("30 * * * *"), holidays=["DE", "US-NY"]), 9) == (
        "09:30",
        ("holidays of DE", "holidays of US-NY"),
    )
