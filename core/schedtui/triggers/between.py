"""A schedule with a start or an end."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from schedtui.clock import from_us
from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.triggers.base import DAY_US, Trigger, aware_us
from schedtui.triggers.combined import Combined, Work, check_part, first_of, last_of, most_of
from schedtui.triggers.timezones import check_timezone, load_zone
from schedtui.triggers.words import iso_utc, moment_words

_BEGIN_US = -(1 << 62)
_END_US = 1 << 62


class Between(Combined):
    """A trigger that is only due from a start on, or up to an end, both included.

    Args:
        trigger: Any trigger.
        start: The first moment at which it may be due; aware.
        end: The last one.

    Raises:
        InvalidTriggerError: neither is given, the end is before the start, or one is naive.
    """

    __slots__ = ("_end_us", "_start_us", "_zone")

    def __init__(
        self, trigger: Trigger, *, start: datetime | None = None, end: datetime | None = None
    ) -> None:
        super().__init__((check_part(trigger, "trigger"),))
        if start is None and end is None:
            raise InvalidTriggerError.one("start", None, "a start, an end, or both")
        self._start_us = _BEGIN_US if start is None else aware_us(start, "start")
        self._end_us = _END_US if end is None else aware_us(end, "end")
        self._zone = "UTC"
        if self._end_us < self._start_us:
            begins = iso_utc(from_us(self._start_us))
            got = iso_utc(from_us(self._end_us))
            raise InvalidTriggerError.one("end", got, f"a moment from the start on ({begins})")

    @property
    def trigger(self) -> Trigger:
        """What it bounds."""
        return self._parts[0]

    def with_timezone(self, name: str) -> Self:
        """The same by the clock of the zone ``name``; the bounds are moments and do not move.

        Raises:
            InvalidTriggerError: there is no such zone.
        """
        bound = super().with_timezone(name)
        bound._zone = check_timezone(name)  # noqa: SLF001 - of this very class
        return bound

    def names_at(self, due_us: int) -> tuple[str, ...]:
        """The names that its trigger has for ``due_us``."""
        return self.trigger.names_at(due_us)

    def refusal(self) -> InvalidError:
        """Nothing is due between its bounds."""
        expected = "a trigger that is due at least once from now on, between its start and its end"
        return InvalidTriggerError.one("trigger", self.describe(), expected)

    def first(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The first due time in ``(after_us, until_us]``."""
        after_us, until_us = self._within(after_us, until_us)
        return first_of(self.trigger, after_us, until_us, work) if after_us < until_us else None

    def last(self, after_us: int, until_us: int, work: Work) -> int | None:
        """The last due time in ``(after_us, until_us]``."""
        after_us, until_us = self._within(after_us, until_us)
        return last_of(self.trigger, after_us, until_us, work) if after_us < until_us else None

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        """The newest ``limit`` due times in ``(after_us, until_us]``, oldest of them first."""
        return self.trigger.newest(*self._within(after_us, until_us), limit)

    def count(self, after_us: int, until_us: int) -> int:
        """How many due times lie in ``(after_us, until_us]``."""
        return self.trigger.count(*self._within(after_us, until_us))

    def most(self, after_us: int, until_us: int) -> int:
        """All due times of its trigger between the bounds."""
        return most_of(self.trigger, *self._within(after_us, until_us))

    def day_key(self, start_us: int) -> object:
        """Its trigger's key on a day that is between the bounds."""
        last_us = start_us + DAY_US - 1
        if last_us < self._start_us or start_us > self._end_us:
            return ()
        if start_us < self._start_us or last_us > self._end_us:
            return None
        return self.trigger.day_key(start_us)

    def describe(self) -> str:
        """``At 09:00 (UTC), from 2026-12-01 00:00 until 2026-12-24 18:00 (UTC)``."""
        return f"{self.trigger.describe()}, {self._words()} ({self._zone})"

    def short(self) -> str:
        """``0 9 * * * until 2026-12-24 18:00``."""
        return f"{self.trigger.short()} {self._words()}"

    def to_json(self) -> dict[str, Any]:
        """``{"type": "between", "trigger": {...}, "start": ..., "end": ...}``."""
        data: dict[str, Any] = {"type": "between", "trigger": self.trigger.to_json()}
        if self._start_us != _BEGIN_US:
            data["start"] = iso_utc(from_us(self._start_us))
        if self._end_us != _END_US:
            data["end"] = iso_utc(from_us(self._end_us))
        return data

    def _within(self, after_us: int, until_us: int) -> tuple[int, int]:
        return max(after_us, self._start_us - 1), min(until_us, self._end_us)

    def _words(self) -> str:
        words = []
        if self._start_us != _BEGIN_US:
            words.append(f"from {self._moment(self._start_us)}")
        if self._end_us != _END_US:
            words.append(f"until {self._moment(self._end_us)}")
        return " ".join(words)

    def _moment(self, us: int) -> str:
        try:
            return moment_words(from_us(us).astimezone(load_zone(self._zone)))
        except OverflowError:  # the first and the last day that a datetime can hold
            return f"{moment_words(from_us(us))} UTC"

    def _key(self) -> tuple[object, ...]:
        return (self.trigger, self._start_us, self._end_us)

    def __repr__(self) -> str:
        start = "" if self._start_us == _BEGIN_US else f", start={from_us(self._start_us)!r}"
        end = "" if self._end_us == _END_US else f", end={from_us(self._end_us)!r}"
        return f"Between({self.trigger!r}{start}{end})"
