"""Debian's cron(8), in any time zone."""

from __future__ import annotations

import copy
from typing import Any, Final, Self

from schedtui.triggers.base import FLOOR_US, HORIZON_US, SECOND_US, Trigger
from schedtui.triggers.fields import read_fields
from schedtui.triggers.timetable import timetable
from schedtui.triggers.timezones import check_timezone
from schedtui.triggers.wallclock import DAY_S, Span, wall_clock
from schedtui.triggers.words import cron_words

_FLOOR_S: Final = FLOOR_US // SECOND_US
_HORIZON_S: Final = HORIZON_US // SECOND_US
# More than the wall clock can ever be set forward or back at once.
_ANY_JUMP_S: Final = 2 * DAY_S
_FIRST_REACH_S: Final = 60


class Cron(Trigger):
    """A crontab line's schedule, with the meaning it has for Debian's cron(8).

    - Five fields: minute, hour, day of month, month, day of week; six have a second before them.
    - 0 and 7 are Sunday; names (``mon``, ``jan``), lists, ranges and steps as in crontab(5).
    - Day of month and day of week: either, when both are restricted; both, when one of them
      begins with ``*``.
    - When the clock is set forward by less than three hours, a time in the gap is due once, right
      after it. When it is set back by up to three hours, a time in the overlap is due once, the
      first time. This is for fixed times; where minute or hour begin with ``*``, the schedule
      follows the clock and is due in each pass of the overlap.
    - Beyond crontab(5): ``L`` and ``LW`` (last day, last weekday of the month), ``5L`` (last
      Friday), ``mon#1`` (first Monday). ``@hourly``, ``@daily``, ``@midnight``, ``@weekly``,
      ``@monthly``, ``@yearly`` and ``@annually`` are understood, ``@reboot`` is not a time.

    Args:
        expression: Such as ``0 9 * * mon-fri`` or ``@daily``.
        timezone: An IANA zone of its own. Without one it is bound to its job's, and means UTC
            until then.

    Raises:
        InvalidTriggerError: naming the field of the expression, the value and the allowed range.
    """

    __slots__ = ("_clock", "_expression", "_fields", "_fixed", "_table", "_timezone")

    def __init__(self, expression: str, timezone: str | None = None) -> None:
        self._timezone = None if timezone is None else check_timezone(timezone)
        self._fields = read_fields(expression)
        self._table = timetable(self._fields)
        self._expression = " ".join(expression.split())
        self._clock = wall_clock(self._timezone or "UTC")
        self._fixed = not (self._fields[1].startswith("*") or self._fields[2].startswith("*"))

    @property
    def expression(self) -> str:
        """As it was given."""
        return self._expression

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
        """Whether neither minute nor hour begin with ``*``: cron(8)'s job at a particular time."""
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

    def describe(self) -> str:
        """``At 09:00 every Monday (Europe/Berlin)``."""
        return f"{cron_words(self._fields)} ({self.zone})"

    def short(self) -> str:
        """The expression."""
        return self._expression

    def to_json(self) -> dict[str, Any]:
        """``{"type": "cron", "expression": "0 9 * * 1"}``, with its own ``timezone``."""
        data: dict[str, Any] = {"type": "cron", "expression": self._expression}
        if self._timezone is not None:
            data["timezone"] = self._timezone
        return data

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

    def _key(self) -> tuple[object, ...]:
        return (self._expression, self._timezone, self.zone)

    def __repr__(self) -> str:
        if self._timezone is not None:
            return f"Cron({self._expression!r}, timezone={self._timezone!r})"
        if self.zone != "UTC":
            return f"Cron({self._expression!r}).with_timezone({self.zone!r})"
        return f"Cron({self._expression!r})"


def _seconds(after_us: int, until_us: int) -> tuple[int, int]:
    """The first and the last whole second in ``(after_us, until_us]`` that is ever searched."""
    first, last = after_us // SECOND_US + 1, until_us // SECOND_US
    return max(first, _FLOOR_S), min(last, _HORIZON_S - 1)
