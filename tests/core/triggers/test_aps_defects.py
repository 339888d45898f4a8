"""Schedules that APScheduler 3.11's triggers get wrong, and these do not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from schedtui.errors import InvalidTriggerError
from schedtui.triggers import Cron, Every


def walls(expression: str, zone: str, after: str, count: int) -> list[str]:
    """The next due times on the clock of the zone."""
    cron, tz = Cron(expression, zone), ZoneInfo(zone)
    at: datetime | None = datetime.fromisoformat(after).replace(tzinfo=tz)
    found: list[str] = []
    while len(found) < count and at is not None:
        at = cron.next_after(at)
        if at is not None:
            found.append(at.astimezone(tz).strftime("%a %m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("0", ["Sun"] * 3),
        ("7", ["Sun"] * 3),
        ("1", ["Mon"] * 3),
        ("5-7", ["Fri", "Sat", "Sun"]),
        ("sun-tue", ["Sun", "Mon", "Tue"]),
        ("sun,mon", ["Sun", "Mon", "Sun"]),
    ],
)
def test_weekdays_are_numbered_as_in_a_crontab(weekday: str, days: list[str]) -> None:
    found = walls(f"0 9 * * {weekday}", "UTC", "2026-07-01 12:00", 3)  # a Wednesday
    assert [wall[:3] for wall in found] == days


def test_day_of_month_or_day_of_week_when_both_are_restricted() -> None:
    found = walls("0 9 13 * fri", "UTC", "2026-07-09 12:00", 4)
    assert found == ["Fri 07-10 09:00", "Mon 07-13 09:00", "Fri 07-17 09:00", "Fri 07-24 09:00"]


def test_day_of_month_and_day_of_week_when_one_begins_with_a_star() -> None:
    found = walls("0 9 */2 * fri", "UTC", "2026-07-01 00:00", 3)
    assert found == ["Fri 07-03 09:00", "Fri 07-17 09:00", "Fri 07-31 09:00"]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", "2026-03-08"),
        ("America/Chicago", "2026-03-08"),
        ("America/Los_Angeles", "2026-03-08"),
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Paris", "2026-03-29"),
        ("Europe/Helsinki", "2026-03-29"),
        ("Australia/Sydney", "2026-10-04"),
        ("Europe/London", "2026-03-29"),
    ],
)
def test_the_midnight_after_the_clock_is_set_forward_is_not_lost(zone: str, day: str) -> None:
    following = (datetime.fromisoformat(day) + timedelta(days=1)).strftime("Mon %m-%d 00:00")
    assert walls("0 0 * * *", zone, f"{day} 12:00", 1) == [following]
    assert walls("0 0 * * mon", zone, f"{day} 12:00", 1) == [following]


def test_a_time_that_is_skipped_is_due_once_right_after_the_gap() -> None:
    found = walls("30 2 * * *", "America/New_York", "2026-03-07 12:00", 2)
    assert found == ["Sun 03-08 03:00", "Mon 03-09 02:30"]


def test_a_time_that_comes_twice_is_due_once() -> None:
    found = walls("30 1 * * *", "America/New_York", "2026-10-31 12:00", 2)
    assert found == ["Sun 11-01 01:30", "Mon 11-02 01:30"]


@pytest.mark.parametrize("expression", ["*/15 * * * *", "0 * * * *", "*/7 1-3 * * *"])
@pytest.mark.parametrize("change", ["2026-03-08 07:00", "2026-11-01 06:00"])
def test_no_instant_twice_and_none_that_does_not_exist(expression: str, change: str) -> None:
    cron = Cron(expression, "America/New_York")
    at: datetime | None = datetime.fromisoformat(change).replace(tzinfo=UTC) - timedelta(hours=4)
    times: list[datetime] = []
    while len(times) < 40 and at is not None:
        at = cron.next_after(at)
        if at is not None:
            times.append(at)
    assert len(times) == 40
    assert all(earlier < later for earlier, later in pairwise(times))
    if expression != "*/7 1-3 * * *":
        # On the hour and on the quarter, no jump of an hour makes the distance another one.
        assert len({later - earlier for earlier, later in pairwise(times)}) == 1


def test_the_first_monday_is_not_every_monday() -> None:
    found = walls("0 9 * * mon#1", "UTC", "2026-07-01 00:00", 2)
    assert found == ["Mon 07-06 09:00", "Mon 08-03 09:00"]


def test_a_step_on_named_days_is_not_dropped() -> None:
    found = walls("0 9 * * mon-fri/2", "UTC", "2026-07-05 00:00", 4)
    assert [wall[:3] for wall in found] == ["Mon", "Wed", "Fri", "Mon"]


def test_a_step_beyond_the_range_is_the_first_value() -> None:
    found = walls("*/90 * * * *", "UTC", "2026-07-05 00:30", 2)
    assert found == ["Sun 07-05 01:00", "Sun 07-05 02:00"]


def test_macros_are_known() -> None:
    assert walls("@daily", "UTC", "2026-07-05 00:30", 1) == ["Mon 07-06 00:00"]


def test_what_is_never_due_is_refused_and_not_silent() -> None:
    with pytest.raises(InvalidTriggerError, match="never"):
        Cron("0 0 30 2 *")


@pytest.fixture
def machine_in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the platform has no tzset")
@pytest.mark.usefixtures("machine_in_tokyo")
def test_the_zone_of_the_machine_plays_no_part() -> None:
    assert os.environ["TZ"] == "Asia/Tokyo"
    at = Cron("0 9 * * *").next_after(datetime(2026, 7, 1, tzinfo=UTC))
    assert at == datetime(2026, 7, 1, 9, tzinfo=UTC)
    at = Every(3600).next_after(datetime(2026, 7, 1, 0, 30, tzinfo=UTC))
    assert at == datetime(2026, 7, 1, 1, tzinfo=UTC)


def test_running_at_another_time_does_not_shift_an_interval() -> None:
    """Due times follow from the moment that is asked for alone; a trigger remembers nothing."""
    every = Every(3600)
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    every.next_after(noon + timedelta(minutes=17))
    assert every.next_after(noon + timedelta(minutes=18)) == noon + timedelta(hours=1)


def test_a_month_of_seconds_is_counted_and_its_newest_are_listed() -> None:
    """A job that was down for 30 days; listing 2.6 million due times would block the engine."""
    cron = Cron("* * * * * *", "Europe/Berlin")
    end = 1_780_000_000_000_000
    start = end - 30 * 86_400_000_000
    assert cron.count(start, end) == 30 * 86_400
    assert cron.newest(start, end, 2) == [end - 1_000_000, end]
