"""Intervals: anchored, exact, and durations rather than times of day."""

from __future__ import annotations

import datetime as dt
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers import Cron, Every

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_restart_keeps_the_phase() -> None:
    """Two processes, started at different moments, agree on every due time."""
    first, second = Every(300), Every(timedelta(minutes=5))
    early, late = NOON + timedelta(seconds=1), NOON + timedelta(seconds=299.9)
    assert first.next_after(early) == second.next_after(late) == NOON + timedelta(minutes=5)


def test_a_late_run_does_not_push_the_later_ones() -> None:
    assert Every(60).next_after(NOON + timedelta(seconds=59)) == NOON + timedelta(seconds=60)


def test_it_does_not_drift() -> None:
    every = Every(0.1)
    assert every.count(0, 10**9 * 1_000_000) == 10**10
    assert every.newest(0, 10**9 * 1_000_000, 1) == [10**15]


def test_it_is_strictly_after() -> None:
    assert Every(60).next_after(NOON) == NOON + timedelta(seconds=60)


def test_the_anchor_sets_the_phase() -> None:
    anchor = datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)
    every = Every(60, anchor=anchor)
    assert every.next_after(NOON) == NOON + timedelta(seconds=7)
    assert every.next_after(anchor - timedelta(seconds=61)) == anchor - timedelta(seconds=60)


def test_a_day_is_a_duration_and_not_a_time_of_day() -> None:
    zone = ZoneInfo("America/New_York")
    nine = datetime(2026, 3, 7, 9, tzinfo=zone)
    by_duration = Every(timedelta(days=1), anchor=nine).next_after(nine)
    by_clock = Cron("0 9 * * *", "America/New_York").next_after(nine)
    assert by_duration is not None
    assert by_clock is not None
    assert by_duration.astimezone(zone).hour == 10
    assert by_clock.astimezone(zone).hour == 9


@pytest.mark.parametrize(
    "interval",
    [
        0,
        -1,
        0.0009,
        float("nan"),
        float("inf"),
        float("-inf"),
        1e300,
        10**400,
        timedelta(0),
        timedelta(days=-1),
        timedelta(microseconds=999),
        timedelta.max,
        True,
        "5m",
        None,
    ],
)
def test_what_is_no_interval_is_refused(interval: Any) -> None:
    with pytest.raises(InvalidTriggerError, match=r"from 0\.001 to 3,153,600,000") as refused:
        Every(interval)
    assert refused.value.errors[0].field == "seconds"


@pytest.mark.parametrize("interval", [0.001, 36_500 * 86_400, timedelta(days=36_500)])
def test_the_shortest_and_the_longest(interval: float | timedelta) -> None:
    assert Every(interval).next_after(NOON) is not None


def test_a_naive_anchor_is_refused() -> None:
    with pytest.raises(InvalidTriggerError, match="naive"):
        Every(60, anchor=datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_it_ends_with_the_year_2199() -> None:
    end = to_us(datetime(2200, 1, 1, tzinfo=UTC))
    every = Every(60)
    assert every.next_after_us(end - 1) is None
    assert every.next_after(datetime.max.replace(tzinfo=UTC)) is None
    assert every.count(end - 60_000_001, end + 10**12) == 1
    assert every.newest(end - 60_000_001, end + 10**12, 9) == [end - 60_000_000]


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (300, "every 5 min"),
        (10, "every 10 s"),
        (1, "every 1 s"),
        (0.25, "every 250 ms"),
        (1.5, "every 1.5 s"),
        (90, "every 1 min 30 s"),
        (5400, "every 1 h 30 min"),
        (86_400, "every 1 day"),
        (timedelta(days=2, hours=1), "every 2 days 1 h"),
        (0.001001, "every 0.001001 s"),
    ],
)
def test_words(interval: float | timedelta, words: str) -> None:
    assert Every(interval).describe() == Every(interval).short() == words


def test_words_name_an_anchor() -> None:
    every = Every(60, anchor=datetime(2026, 1, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")))
    assert every.describe() == "every 1 min, counted from 2026-01-01 00:00:00 UTC"
    assert every.short() == "every 1 min"


@pytest.mark.parametrize("every", [Every(300), Every(0.1), Every(60, anchor=NOON)])
def test_its_repr_makes_an_equal_one(every: Every) -> None:
    copy = eval(repr(every), {"Every": Every, "datetime": dt})
    assert copy == every
    assert hash(copy) == hash(every)


def test_it_has_no_zone_and_follows_the_clock() -> None:
    every = Every(300)
    assert every.timezone is None
    assert every.with_timezone("Europe/Berlin") is every
    assert not every.fixed
    assert every != Every(300, anchor=NOON + timedelta(seconds=1))
