"""Triggers of APScheduler as ours, and ours as those of APScheduler: by when they are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from schedtui import Cron, Every, Once
from schedtui.clock import to_us
from schedtui.integrations.apscheduler.triggers import Theirs, is_over, read, write

START = datetime(2026, 1, 5, tzinfo=UTC)
START_US = to_us(START)


def theirs_due(trigger: Any, count: int) -> list[datetime]:
    """The due times after `START` as APScheduler goes through them."""
    due: list[datetime] = []
    previous, moment = None, START + timedelta(microseconds=1)
    while len(due) < count:
        previous = trigger.get_next_fire_time(previous, moment)
        due.append(previous.astimezone(UTC))
        moment = previous
    return due


def ours_due(trigger: Any, count: int) -> list[datetime]:
    due: list[datetime] = []
    moment = START
    while len(due) < count:
        moment = trigger.next_after(moment)
        due.append(moment)
    return due


@pytest.mark.parametrize(
    ("fields", "expression"),
    [
        ({"day_of_week": "0"}, "0 0 * * mon"),
        ({"day_of_week": "6", "hour": 9}, "0 9 * * sun"),
        ({"day_of_week": "mon-fri", "hour": 9}, "0 9 * * mon-fri"),
        ({"day_of_week": "sat,sun", "hour": "8-10"}, "0 8-10 * * sat,sun"),
        ({"minute": "*/15"}, "*/15 * * * *"),
        ({"second": "5,35"}, "5,35 * * * * *"),
        ({"day": "1-7/2", "hour": 3}, "0 3 1,3,5,7 * *"),
        ({"month": "jan-mar", "day": 1}, "0 0 1 1-3 *"),
    ],
)
def test_a_cron_trigger_read(fields: dict[str, Any], expression: str) -> None:
    trigger = CronTrigger(**fields, timezone="UTC")
    found = read(trigger)
    assert isinstance(found, Cron)
    assert found.expression == expression
    assert ours_due(found, 12) == theirs_due(trigger, 12)


@pytest.mark.parametrize(
    "expression",
    [
        "30 8 * * 1",
        "0 9 * * 0",
        "0 9 * * 7",
        "0 0 1,15 * 5",
        "0 0 */2 * mon",
        "*/7 * * * *",
        "0 9 * * 1-5/2",
        "5/20 3 * jan,jul *",
        "15 30 9 * * sat",
        "@weekly",
        "0 12 1-7 * *",
    ],
)
def test_a_crontab_line_written(expression: str) -> None:
    """Their weekdays begin with Monday, and want the day of month too; the due times agree."""
    ours = Cron(expression)
    assert theirs_due(write(ours, "UTC", START_US), 30) == ours_due(ours, 30)


def test_intervals_and_moments_both_ways() -> None:
    anchor = START + timedelta(seconds=7)
    found = read(IntervalTrigger(minutes=5, start_date=anchor, timezone="UTC"))
    assert found == Every(300, anchor=anchor)
    every = write(Every(90), "Europe/Berlin", START_US)
    assert theirs_due(every, 3) == ours_due(Every(90), 3)
    at = datetime(2090, 1, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    once = read(DateTrigger(at))
    assert isinstance(once, Once)
    assert once.at == at
    assert write(Once(at), "Europe/Berlin", START_US).run_date == at
    both = read(OrTrigger([CronTrigger(hour=9, timezone="UTC"), DateTrigger(at)]))
    assert both is not None
    assert ours_due(both, 1) == [START.replace(hour=9)]


@pytest.mark.parametrize(
    "trigger",
    [
        CronTrigger(day="last", timezone="UTC"),
        CronTrigger(day="2nd fri", timezone="UTC"),
        CronTrigger(day=13, day_of_week="fri", timezone="UTC"),
        CronTrigger(week=7, timezone="UTC"),
        CronTrigger(year=2027, timezone="UTC"),
        CronTrigger(hour=9, end_date="2030-01-01", timezone="UTC"),
        CronTrigger(hour=9, jitter=30, timezone="UTC"),
        IntervalTrigger(hours=1, jitter=10, timezone="UTC"),
        CalendarIntervalTrigger(weeks=2, timezone="UTC"),
        AndTrigger([IntervalTrigger(hours=1, timezone="UTC"), CronTrigger(hour=3, timezone="UTC")]),
    ],
)
def test_what_ours_cannot_say_is_foreign(trigger: Any) -> None:
    assert read(trigger) is None
    shown = Theirs(trigger)
    assert shown.to_json()["type"] == "foreign"
    assert shown.short() == str(trigger)
    assert shown.describe() == f"{trigger}, by APScheduler"
    assert shown.count(START_US, START_US) == 0


def test_an_and_trigger_is_never_asked() -> None:
    """It may search for ever."""

    class Trap(AndTrigger):  # type: ignore[misc]  # APScheduler has no types
        def get_next_fire_time(self, *_: object) -> None:
            raise AssertionError("it was asked")

    trap = OrTrigger([Trap([IntervalTrigger(hours=1, timezone="UTC")])])
    assert Theirs(trap).next_after(START) is None
    assert not is_over(trap, START_US)


def test_whether_it_is_over() -> None:
    assert is_over(DateTrigger(START - timedelta(days=1)), START_US)
    assert not is_over(DateTrigger(START + timedelta(days=1)), START_US)
