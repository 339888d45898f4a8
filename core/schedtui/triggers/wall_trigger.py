"""Triggers that follow a wall clock: any table of wall times, with cron(8)'s rules for changes.

Where the clock is set forward by less than three hours, a fixed time in the gap is due once, right
after it; where it is set back, a fixed time in the overlap is due once, the first time.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable
from typing import Final, Protocol, Self

from schedtui.triggers.base import FLOOR_US, HORIZON_US, SECOND_US, Trigger
from schedtui.triggers.timezones import check_timezone
from schedtui.triggers.wallclock import DAY_S, Span, WallClock, wall_clock

_FLOOR_S: Final = FLOOR_US // SECOND_US
_HORIZON_S: Final = HORIZON_US // SECOND_US
# More than the wall clock can ever be set forward or back at once.
_ANY_JUMP_S: Final = 2 * DAY_S
_FIRST_REACH_S: Final = 60


class Table(Protocol):
    """The wall times of a clock that is never changed, the same on every day that matches."""

    def at_or_after(self, wall: int) -> int | None:
        """The first matching wall time from ``wall`` on; None when that is after the year 2200."""

    def count(self, start: int, end: int) -> int:
        """How many matching wall times lie in ``[start, end)``."""

    def on_day(self, day: int) -> bool:
        """Whether a day matches."""


class WallTrigger(Trigger):
    """Due when the clock of a zone shows a time of a table.

    Args:
        table: The wall times.
        fixed: False where the schedule follows the clock, and is due in each pass of an overlap.
        timezone: An IANA zone of its own; None: bound to its job's, and UTC until then.

    Raises:
        InvalidTriggerError: there is no such zone.
    """

    __slots__ = ("_clock", "_fixed", "_table", "_timezone")

    def __init__(self, table: Table, *, fixed: bool, timezone: str | None) -> None:
        self._timezone = None if timezone is None else check_timezone(timezone)
        self._table = table
        self._fixed = fixed
        self._clock: WallClock = wall_clock(self._timezone or "UTC")

    @property
    def timezone(self) -> str | None:
        """The zone it was given itself, or None."""
        return self._timezone

    @property
    def zone(self) -> str:
        """The zone whose clock it follows: its own, else the one it is bound to, else UTC."""
        return self._clock.name

    @property
    def fixed(self) -> bool:
        """Whether it is what cron(8) calls a job at a particular time."""
        return self._fixed

    def with_timezone(self, name: str) -> Self:
        """The same schedule by the clock of the zone ``name``, unless it has a zone of its own.

        Raises:
            InvalidTriggerError: there is no such zone.
        """
        clock = wall_clock(check_timezone(name))
        if self._timezone is not None or clock is self._clock:
            return self
        bound = copy.copy(self)
        bound._clock = clock  # noqa: SLF001 - a copy of this very object
        return bound

    def next_after_us(self, us: int) -> int | None:
        """The first due time strictly after ``us``; None from the year 2200 on."""
        due = self._next(us // SECOND_US + 1)
        return None if due is None else due * SECOND_US

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        """The newest ``limit`` due times in ``(after_us, until_us]``, oldest of them first."""
        first, last = _seconds(after_us, until_us)
        if limit <= 0 or last < first:
            return []
        reach = _FIRST_REACH_S
        while last - reach >= first and self._count(last - reach + 1, last) < limit:
            reach *= 2
        low, high = max(first, last - reach + 1), last + 1
        while low < high:
            middle = (low + high) // 2
            if self._count(middle, last) > limit:
                low = middle + 1
            else:
                high = middle
        listed: list[int] = []
        due = self._next(low)
        while due is not None and due <= last:
            listed.append(due * SECOND_US)
            due = self._next(due + 1)
        return listed

    def count(self, after_us: int, until_us: int) -> int:
        """How many due times lie in ``(after_us, until_us]``."""
        return self._count(*_seconds(after_us, until_us))

    def day_key(self, start_us: int) -> Hashable | None:
        """The time of day it begins with, and which of the dates it touches match."""
        start = start_us // SECOND_US
        span = self._clock.span_at(start)
        wall = start + span.offset
        # Around a change of the clock each day is its own.
        if start + DAY_S > span.end or self._first_wall(span, start) != wall:
            return None
        day, time = divmod(wall, DAY_S)
        return (time, self._table.on_day(day), self._table.on_day(day + 1))

    def _next(self, second: int) -> int | None:
        """The first due UTC second from ``second`` on."""
        second = max(second, _FLOOR_S)
        while second < _HORIZON_S:
            span = self._clock.span_at(second)
            wall = self._table.at_or_after(self._first_wall(span, second))
            if wall is None:
                return None
            # What was skipped by a gap comes out before the span, and is due when it begins.
            due = max(wall - span.offset, second)
            if due < span.end:
                return due if due < _HORIZON_S else None
            if span.end - second > _ANY_JUMP_S:
                second = max(span.end, due - _ANY_JUMP_S)
            else:
                second = span.end
        return None

    def _first_wall(self, span: Span, second: int) -> int:
        """The first wall time that may be due from the UTC second on, within its span."""
        wall = second + span.offset
        if self._fixed and (span.fresh > wall or second == span.start):
            return span.fresh
        return wall

    def _count(self, first: int, last: int) -> int:
        """How many due UTC seconds lie in ``[first, last]``."""
        total = 0
        while first <= last:
            span = self._clock.span_at(first)
            end = min(span.end, last + 1) + span.offset
            wall, start = self._first_wall(span, first), first + span.offset
            if wall < start:
                # However many times a gap has skipped, they are due together, when it ends.
                total += min(1, self._table.count(wall, start + 1))
                wall = start + 1
            total += self._table.count(wall, end)
            first = span.end
        return total


def _seconds(after_us: int, until_us: int) -> tuple[int, int]:
    """The first and the last whole second in ``(after_us, until_us]`` that is ever searched."""
    first, last = after_us // SECOND_US + 1, until_us // SECOND_US
    return max(first, _FLOOR_S), min(last, _HORIZON_S - 1)
