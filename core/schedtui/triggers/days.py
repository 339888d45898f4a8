"""Which days a calendar schedule is due on: every n days, weeks or months, counted from an anchor.

Days are numbered from 1970-01-01; weeks begin on Monday.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from typing import Final, Protocol

from schedtui.triggers.timetable import EPOCH_ORDINAL, LAST_YEAR, month_length
from schedtui.triggers.wallclock import DAY_S

LAST: Final = 0
"""Stands for the last day of a month, whatever its number."""

_MONDAY: Final = date(1969, 12, 29).toordinal() - EPOCH_ORDINAL
_END: Final = date(LAST_YEAR + 1, 1, 1).toordinal() - EPOCH_ORDINAL


class Days(Protocol):
    """Some of all days."""

    def next_day(self, day: int) -> int | None:
        """The first of them from ``day`` on; None when that is after the year 2200."""

    def between(self, start: int, end: int) -> int:
        """How many of them lie in ``[start, end)``."""


class EveryDays:
    """Every n-th day.

    Args:
        every: So many days lie between two.
        anchor: One of them.
    """

    def __init__(self, every: int, anchor: int) -> None:
        self._every = every
        self._anchor = anchor

    def next_day(self, day: int) -> int | None:
        """The first of them from ``day`` on."""
        found = day + (self._anchor - day) % self._every
        return found if found < _END else None

    def between(self, start: int, end: int) -> int:
        """How many of them lie in ``[start, end)``."""
        anchor, every = self._anchor, self._every
        return max(0, (end - 1 - anchor) // every - (start - 1 - anchor) // every)


class EveryWeeks:
    """Some weekdays of every n-th week.

    Args:
        every: So many weeks from one to the next.
        anchor: A day of one of these weeks.
        weekdays: 0 is Monday; ascending.
    """

    def __init__(self, every: int, anchor: int, weekdays: tuple[int, ...]) -> None:
        self._every = every
        self._week = (anchor - _MONDAY) // 7
        self._weekdays = weekdays

    def next_day(self, day: int) -> int | None:
        """The first of them from ``day`` on."""
        week, weekday = divmod(day - _MONDAY, 7)
        wait = (self._week - week) % self._every
        at = bisect_left(self._weekdays, weekday) if wait == 0 else 0
        if at == len(self._weekdays):
            wait, at = self._every, 0
        found = _MONDAY + (week + wait) * 7 + self._weekdays[at]
        return found if found < _END else None

    def between(self, start: int, end: int) -> int:
        """How many of them lie in ``[start, end)``."""
        return self._before(end) - self._before(start) if end > start else 0

    def _before(self, day: int) -> int:
        """How many come before ``day``, from some far-off day on."""
        week, weekday = divmod(day - _MONDAY, 7)
        cycle, rest = divmod(week - self._week, self._every)
        whole = cycle + (rest > 0)
        part = bisect_left(self._weekdays, weekday) if rest == 0 else 0
        return whole * len(self._weekdays) + part


class EveryMonths:
    """Some days of every n-th month; a month that lacks a day is due on the others.

    Args:
        every: So many months from one to the next.
        anchor: A day of one of these months.
        days: Numbers of days of the month, and `LAST`.
    """

    def __init__(self, every: int, anchor: int, days: tuple[int, ...]) -> None:
        self._every = every
        self._month = _month_of(anchor)
        self._days = days
        self._of_length = {length: self._in_month(length) for length in (28, 29, 30, 31)}

    def next_day(self, day: int) -> int | None:
        """The first of them from ``day`` on."""
        asked = _month_of(day)
        month = asked + (self._month - asked) % self._every
        least = day - _first_of(month) + 1 if month == asked else 1
        while month < (LAST_YEAR + 1) * 12:
            days = self._days_of(month)
            at = bisect_left(days, least)
            if at < len(days):
                return _first_of(month) + days[at] - 1
            month, least = month + self._every, 1
        return None

    def between(self, start: int, end: int) -> int:
        """How many of them lie in ``[start, end)``."""
        if end <= start:
            return 0
        first, last = _month_of(start), _month_of(end)
        total, month = 0, first + (self._month - first) % self._every
        while month <= last:
            days = self._days_of(month)
            low = bisect_left(days, start - _first_of(month) + 1) if month == first else 0
            high = bisect_left(days, end - _first_of(month) + 1) if month == last else len(days)
            total += high - low
            month += self._every
        return total

    def _days_of(self, month: int) -> tuple[int, ...]:
        return self._of_length[month_length(month // 12, month % 12 + 1)]

    def _in_month(self, length: int) -> tuple[int, ...]:
        return tuple(sorted({day or length for day in self._days if day <= length}))


class DayTable:
    """The same times of day on each of some days: a `Table`.

    Args:
        days: The days.
        times: Seconds of the day, ascending.
    """

    def __init__(self, days: Days, times: tuple[int, ...]) -> None:
        self._days = days
        self._times = times

    def at_or_after(self, wall: int) -> int | None:
        """The first matching wall time from ``wall`` on; None when that is after the year 2200."""
        day, time = divmod(wall, DAY_S)
        found = self._days.next_day(day)
        if found == day:
            at = bisect_left(self._times, time)
            if at < len(self._times):
                return day * DAY_S + self._times[at]
            found = self._days.next_day(day + 1)
        return None if found is None else found * DAY_S + self._times[0]

    def count(self, start: int, end: int) -> int:
        """How many matching wall times lie in ``[start, end)``."""
        if end <= start:
            return 0
        (first, since), (last, until) = divmod(start, DAY_S), divmod(end, DAY_S)
        total = self._days.between(first, last) * len(self._times)
        if self.on_day(first):
            total -= bisect_left(self._times, since)
        if self.on_day(last):
            total += bisect_left(self._times, until)
        return total

    def on_day(self, day: int) -> bool:
        """Whether a day matches."""
        return self._days.next_day(day) == day


def _month_of(day: int) -> int:
    """Months since the year 0."""
    moment = date.fromordinal(day + EPOCH_ORDINAL)
    return moment.year * 12 + moment.month - 1


def _first_of(month: int) -> int:
    return date(month // 12, month % 12 + 1, 1).toordinal() - EPOCH_ORDINAL
