"""Trigger objects of APScheduler, for jobs that are declared in code.

They are the user's code, so that nothing they do is taken for granted: each question has a thread
and a deadline of its own, and what comes back is checked. Whoever asks waits for the answer; the
engine does so off its loop (`Trigger.foreign`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, TypeVar

from schedtui.clock import from_us, to_us
from schedtui.errors import ForeignTriggerError, InvalidTriggerError
from schedtui.triggers.all_of import AllOf
from schedtui.triggers.any_of import AnyOf
from schedtui.triggers.base import HORIZON_US, SECOND_US, Trigger

ANSWER_S: Final = 5.0
"""Seconds that a question may take; a trigger that takes longer is asked no more."""
MOST_STEPS: Final = 20_000
"""Due times that one question goes through; counting ends there."""

_T = TypeVar("_T")
_MICROSECOND: Final = timedelta(microseconds=1)
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")
_FIRST_REACH_US: Final = SECOND_US


class Foreign(Trigger):
    """An APScheduler 3 trigger: anything with ``get_next_fire_time(previous_fire_time, now)``.

    For static jobs only: its JSON form is for display and cannot be read back. An interval without
    a ``start_date`` begins anew with the process. `count` goes up to 20,000.

    Args:
        trigger: The object.

    Raises:
        InvalidTriggerError: it is no such object; or an ``AndTrigger``, which may search for ever
            (use `AllOf`); or it has a jitter of its own, which would move its due times.
    """

    __slots__ = ("_broken", "_known", "_trigger", "_words")

    COST: ClassVar[int] = 4

    def __init__(self, trigger: Any) -> None:
        if not callable(getattr(trigger, "get_next_fire_time", None)):
            expected = "an object with get_next_fire_time(previous_fire_time, now)"
            raise InvalidTriggerError.one("trigger", trigger, expected)
        if any(kind.__name__ == "AndTrigger" for kind in type(trigger).__mro__):
            expected = "a trigger that cannot search for ever, as AndTrigger does; use AllOf"
            raise InvalidTriggerError.one("trigger", trigger, expected)
        _refuse_jitter(trigger)
        self._trigger = trigger
        # Once, where it is declared: later it may be asked for on the engine's loop.
        self._words = _words(trigger)
        self._broken = ""
        # A due time from which one that can only step from firing to firing may go on.
        self._known: datetime | None = None

    @property
    def trigger(self) -> Any:
        """The object."""
        return self._trigger

    @property
    def fixed(self) -> bool:
        """False for intervals alone."""
        return type(self._trigger).__name__ != "IntervalTrigger"

    @property
    def foreign(self) -> bool:
        """True."""
        return True

    def next_after_us(self, us: int) -> int | None:
        """The first due time strictly after ``us``; None when there is none before 2200.

        Raises:
            ForeignTriggerError: the object raised, took too long, or answered nonsense.
        """
        return self._ask(lambda: self._next(us))

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        """The newest ``limit`` due times in ``(after_us, until_us]``, oldest of them first.

        Raises:
            ForeignTriggerError: as for `next_after_us`.
        """
        return self._ask(lambda: self._newest(after_us, until_us, limit))

    def count(self, after_us: int, until_us: int) -> int:
        """How many due times lie in ``(after_us, until_us]``; at most `MOST_STEPS`.

        Raises:
            ForeignTriggerError: as for `next_after_us`.
        """
        return self._ask(lambda: len(self._list(after_us, until_us, MOST_STEPS)))

    def describe(self) -> str:
        """``interval[0:05:00] (APScheduler)``."""
        return f"{self.short()} (APScheduler)"

    def short(self) -> str:
        """What the object called itself when it was declared."""
        return self._words

    def to_json(self) -> dict[str, Any]:
        """``{"type": "foreign", "class": ..., "words": ...}``: for display."""
        return {"type": "foreign", "class": _kind(self._trigger), "words": self.short()}

    # --- in the thread of the question

    def _next(self, us: int) -> int | None:
        due = self._call(None, us)
        if due is None or to_us(due) > us:
            return _searched(due)
        known = self._known
        return self._step(known if known is not None and due < known <= from_us(us) else due, us)

    def _step(self, due: datetime, us: int) -> int | None:
        """On from a due time, as from firing to firing, until one comes after ``us``."""
        for _ in range(MOST_STEPS):
            following = self._call(due, us)
            if following is None:
                return None
            if following <= due:
                raise ForeignTriggerError(
                    f"it answered {following.isoformat()} as the time after {due.isoformat()}; "
                    "its due times must increase"
                )
            if to_us(following) > us:
                self._known = due
                return _searched(following)
            due = following
        raise ForeignTriggerError(f"it did not come to {from_us(us)} in {MOST_STEPS:,} steps")

    def _list(self, after_us: int, until_us: int, limit: int) -> list[int]:
        found: list[int] = []
        while len(found) < limit:
            due = self._next(after_us)
            if due is None or due > until_us:
                break
            found.append(due)
            after_us = due
        return found

    def _newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        if limit <= 0 or until_us <= after_us:
            return []
        reach = _FIRST_REACH_US
        while True:
            found = self._list(max(after_us, until_us - reach), until_us, MOST_STEPS)
            if len(found) >= limit or until_us - reach <= after_us:
                return found[-limit:]
            reach *= 4

    def _call(self, previous: datetime | None, us: int) -> datetime | None:
        # What it answered goes back as it was: its date is a date in its own zone.
        due = self._trigger.get_next_fire_time(previous, from_us(us) + _MICROSECOND)
        if due is None:
            return None
        if not isinstance(due, datetime):
            raise ForeignTriggerError(f"it answered {type(due).__name__}; expected a datetime")
        if due.utcoffset() is None:
            raise ForeignTriggerError(
                f"it answered {due.isoformat()}, which is naive; expected a time zone"
            )
        return due

    # --- around it

    def _ask(self, question: Callable[[], _T]) -> _T:
        if self._broken:
            raise ForeignTriggerError(self._broken)
        answers: list[_T] = []
        failures: list[BaseException] = []

        def run() -> None:
            try:
                answers.append(question())
            except BaseException as error:  # noqa: BLE001 - told to who asked
                failures.append(error)

        thread = threading.Thread(target=run, name="schedtui-foreign-trigger", daemon=True)
        thread.start()
        thread.join(ANSWER_S)
        if answers:
            return answers[0]
        name = f"the trigger {self.short()!r}"
        if not failures:
            self._broken = f"{name} did not answer within {ANSWER_S:g} s, and is asked no more"
            raise ForeignTriggerError(self._broken)
        error = failures[0]
        if isinstance(error, ForeignTriggerError):
            raise ForeignTriggerError(f"{name}: {error}")
        raise ForeignTriggerError(f"{name} raised {type(error).__name__}: {error}") from error

    def _key(self) -> tuple[object, ...]:
        return (id(self._trigger),)

    def __repr__(self) -> str:
        return f"Foreign({self.short()})"


def as_trigger(given: object, field: str = "trigger") -> Trigger:
    """``given`` when it is a trigger, else what an APScheduler one means.

    Its ``AndTrigger``, which may search for ever, becomes an `AllOf`, its ``OrTrigger`` an `AnyOf`.

    Raises:
        InvalidTriggerError: it is neither, or an APScheduler one that cannot be used.
    """
    if isinstance(given, Trigger):
        return given
    if not callable(getattr(given, "get_next_fire_time", None)) or isinstance(given, type):
        expected = "a trigger, such as Cron('0 9 * * *'), or a trigger object of APScheduler 3"
        raise InvalidTriggerError.one(field, given, expected)
    maker = _COMBINING.get(_kind(given))
    if maker is None:
        return Foreign(given)
    _refuse_jitter(given)
    return maker([as_trigger(part, field) for part in getattr(given, "triggers", ())])


_COMBINING: Final[dict[str, Callable[[list[Trigger]], Trigger]]] = {
    "apscheduler.triggers.combining.AndTrigger": AllOf,
    "apscheduler.triggers.combining.OrTrigger": AnyOf,
}


def _words(trigger: object) -> str:
    kind = type(trigger)
    if not any({"__str__", "__repr__"} & vars(one).keys() for one in kind.__mro__[:-1]):
        return kind.__name__
    try:
        text = str(trigger)
    except Exception:  # noqa: BLE001 - it is the user's code
        return kind.__name__
    # An address would make another declaration of it at each start.
    return "".join(sign for sign in _ADDRESS.sub("", text)[:200] if sign.isprintable())


def _kind(given: object) -> str:
    return f"{type(given).__module__}.{type(given).__qualname__}"


def _refuse_jitter(given: object) -> None:
    if getattr(given, "jitter", None):
        expected = "a trigger without jitter, which would change its due times; jitter is a policy"
        raise InvalidTriggerError.one("trigger", given, expected)


def _searched(due: datetime | None) -> int | None:
    found = None if due is None else to_us(due)
    return found if found is None or found < HORIZON_US else None
