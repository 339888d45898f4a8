"""Trigger objects of APScheduler: what they say is taken over, and what they do is guarded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from schedtui.clock import to_us
from schedtui.errors import ForeignTriggerError, InvalidTriggerError
from schedtui.triggers import AllOf, AnyOf, Cron, Foreign, Trigger, as_trigger, foreign

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
NOW = to_us(NOON)
BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400_000_000


class Own(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no annotations
    """What a user may write: a function of the time before and of now."""

    def __init__(self, answer: Callable[[datetime | None, datetime], Any]) -> None:
        self.answer = answer

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> Any:
        return self.answer(previous, now)


def due(trigger: Trigger, count: int) -> list[str]:
    found: list[str] = []
    moment: datetime | None = NOON
    for _ in range(count):
        moment = trigger.next_after(moment) if moment is not None else None
        found.append("never" if moment is None else moment.strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("given", "expected", "count"),
    [
        (
            CronTrigger(hour=9, timezone=BERLIN),
            ["03-28 08:00", "03-29 07:00", "03-30 07:00"],
            10,
        ),
        (
            IntervalTrigger(hours=5, start_date=datetime(2026, 1, 1, tzinfo=UTC)),
            ["03-27 15:00", "03-27 20:00", "03-28 01:00"],
            48,
        ),
        (DateTrigger(datetime(2026, 3, 28, tzinfo=UTC)), ["03-28 00:00", "never", "never"], 1),
        (DateTrigger(datetime(2026, 3, 26, tzinfo=UTC)), ["never"], 0),
        # It steps from date to date, by the dates of its own zone.
        (
            CalendarIntervalTrigger(days=3, start_date=date(2026, 1, 1), timezone=BERLIN),
            ["03-28 23:00", "03-31 22:00", "04-03 22:00"],
            3,
        ),
        (
            OrTrigger(
                [
                    CronTrigger(hour=9, timezone=BERLIN),
                    DateTrigger(datetime(2026, 1, 1, tzinfo=UTC)),
                ]
            ),
            ["03-28 08:00", "03-29 07:00"],
            10,
        ),
    ],
)
def test_stock_triggers(given: Any, expected: list[str], count: int) -> None:
    trigger = as_trigger(given)
    assert due(trigger, len(expected)) == expected
    assert trigger.count(NOW, NOW + 10 * DAY) == count
    newest = trigger.newest(NOW, NOW + 10 * DAY, 2)
    assert len(newest) == min(2, count)
    assert all(trigger.next_after_us(one - 1) == one for one in newest)
    assert trigger.to_json() == as_trigger(given).to_json()


def test_an_and_trigger_ends_because_it_becomes_an_all_of() -> None:
    """The stock one searches for ever where its parts do not meet."""
    parts = [CronTrigger(hour=hour, timezone="UTC") for hour in (9, 10)]
    trigger = as_trigger(AndTrigger(parts))
    assert isinstance(trigger, AllOf)
    assert due(trigger, 1) == ["never"]
    with pytest.raises(InvalidTriggerError, match="use AllOf"):
        Foreign(AndTrigger(parts))


def test_combined_with_ours_each_instant_is_due_once() -> None:
    trigger = AnyOf([Foreign(CronTrigger(hour=9, timezone="UTC")), Cron("0 9,10 * * *")])
    assert due(trigger, 3) == ["03-28 09:00", "03-28 10:00", "03-29 09:00"]
    assert trigger.count(NOW, NOW + 5 * DAY) == 10


def test_one_that_only_steps_from_its_start_is_followed() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    trigger = Foreign(
        Own(lambda previous, _: start if previous is None else previous + timedelta(1))
    )
    assert due(trigger, 3) == ["03-28 00:00", "03-29 00:00", "03-30 00:00"]
    assert trigger.next_after(datetime(2026, 3, 3, 1, tzinfo=UTC)) == start + timedelta(3)


def raises(_: datetime | None, __: datetime) -> datetime:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (raises, "raised ZeroDivisionError: division by zero"),
        (lambda _, now: now.replace(tzinfo=None) + timedelta(1), "which is naive"),
        (lambda _, __: "tomorrow", "it answered str"),
        (lambda _, __: NOON - timedelta(1), "must increase"),
        (
            lambda previous, _: (previous or NOON - timedelta(1)) + timedelta(microseconds=1),
            "steps",
        ),
    ],
)
def test_what_it_does_wrong_is_said(answer: Any, part: str) -> None:
    trigger = Foreign(Own(answer))
    for ask in (
        lambda: trigger.next_after_us(NOW),
        lambda: trigger.newest(NOW, NOW + DAY, 5),
        lambda: trigger.count(NOW, NOW + DAY),
    ):
        with pytest.raises(ForeignTriggerError, match=part):
            ask()


def test_one_that_never_answers_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "ANSWER_S", 0.05)
    gate = threading.Event()
    asked: list[int] = []

    def hang(_: datetime | None, __: datetime) -> None:
        asked.append(1)
        gate.wait(30)

    trigger = Foreign(Own(hang))
    try:
        for _ in range(3):
            with pytest.raises(ForeignTriggerError, match="asked no more"):
                trigger.next_after_us(NOW)
    finally:
        gate.set()
    assert len(asked) == 1


def test_counting_ends() -> None:
    trigger = Foreign(IntervalTrigger(seconds=1, start_date=datetime(2026, 1, 1, tzinfo=UTC)))
    assert trigger.count(NOW, NOW + DAY) == 20_000
    assert trigger.newest(NOW, NOW + DAY, 2) == [NOW + DAY - 1_000_000, NOW + DAY]


def test_jitter_of_its_own_is_refused() -> None:
    for given in (
        IntervalTrigger(seconds=10, jitter=3),
        OrTrigger([CronTrigger(hour=9, jitter=5)]),
        OrTrigger([CronTrigger(hour=9)], jitter=5),
    ):
        with pytest.raises(InvalidTriggerError, match="jitter is a policy"):
            as_trigger(given)


@pytest.mark.parametrize("given", [None, "0 9 * * *", CronTrigger, object()])
def test_what_is_no_trigger_is_refused(given: object) -> None:
    with pytest.raises(InvalidTriggerError, match="a trigger object of APScheduler 3"):
        as_trigger(given)


def test_its_words_hold_no_address_and_no_control_characters() -> None:
    """An address would make another declaration of it at each start."""
    assert Foreign(Own(raises)).short() == "Own"

    class Loud(Own):
        def __str__(self) -> str:
            return f"red \x1b[31m {object()!r}"

    assert Foreign(Loud(raises)).short() == "red [31m <object object>"
    assert Foreign(IntervalTrigger(minutes=5)).describe() == "interval[0:05:00] (APScheduler)"
