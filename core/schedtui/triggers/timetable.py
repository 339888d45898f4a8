"""The wall-clock times a cron expression matches, without any time zone.

cronsim reads the fields and decides which days match. The times of day are a product of hours,
minutes and seconds, which small tables step through; the days of a month depend only on its length
and the weekday of its first, so 28 bit masks hold every month there is.

Wall times are seconds since 1970-01-01T00:00:00 on the clock; days are days since then.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from cronsim import CronSim, CronSimError

from schedtui.errors import FieldError, InvalidTriggerError, shorten
from schedtui.triggers.wallclock import DAY_S

EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
"""`date.toordinal` of the day 0."""
LAST_YEAR: Final = 2_200
"""No date after it is looked at."""
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Within 28 years each kind of year occurs: leap or not, beginning on each weekday.
_EVERY_KIND: Final = range(2000, 2028)
_NONE: Final = -1


class Timetable:
    """What an expression matches on a wall clock that is never changed.

    Args:
        fields: Six fields as `read_fields` gives them.

    Raises:
        InvalidTriggerError: no date there is matches.
    """

    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = fields
        self._days = _read(fields)
        self._months = frozenset(self._days.months)
        self._masks: dict[int, int] = {}
        self._hours = sorted(self._days.hours)
        self._minutes = sorted(self._days.minutes)
        self._seconds = sorted(self._days.seconds)
        self._next_hour = _following(self._hours, 24)
        self._next_minute = _following(self._minutes, 60)
        self._next_second = _following(self._seconds, 60)
        self._per_hour = len(self._minutes) * len(self._seconds)
        self._per_day = len(self._hours) * self._per_hour
        self._first_time = self._hours[0] * 3600 + self._minutes[0] * 60 + self._seconds[0]
        self._every_day = fields[3:] == ("*", "*", "*")
        self._refuse_never()

    def at_or_after(self, wall: int) -> int | None:
        """The first matching wall time from ``wall`` on; None when that is after the year 2200."""
        day, time = divmod(wall, DAY_S)
        if self._every_day or self._next_day(day) == day:
            found = self._next_time(time)
            if found != _NONE:
                return day * DAY_S + found
        following = day + 1 if self._every_day else self._next_day(day + 1)
        return None if following is None else following * DAY_S + self._first_time

    def count(self, start: int, end: int) -> int:
        """How many matching wall times lie in ``[start, end)``."""
        if end <= start:
            return 0
        (first_day, first_time), (last_day, last_time) = divmod(start, DAY_S), divmod(end, DAY_S)
        total = self._days_between(first_day, last_day) * self._per_day
        if self._next_day(first_day) == first_day:
            total -= self._times_before(first_time)
        if self._next_day(last_day) == last_day:
            total += self._times_before(last_time)
        return total

    def on_day(self, day: int) -> bool:
        """Whether a day matches."""
        return self._every_day or self._next_day(day) == day

    def _next_time(self, time: int) -> int:
        """The first matching second of the day from ``time`` on, or ``_NONE``."""
        minute_of_day, second = divmod(time, 60)
        hour, minute = divmod(minute_of_day, 60)
        if self._next_hour[hour] == hour:
            if self._next_minute[minute] == minute:
                found = self._next_second[second]
                if found != _NONE:
                    return hour * 3600 + minute * 60 + found
            found = self._next_minute[minute + 1]
            if found != _NONE:
                return hour * 3600 + found * 60 + self._seconds[0]
        found = self._next_hour[hour + 1]
        if found == _NONE:
            return _NONE
        return found * 3600 + self._minutes[0] * 60 + self._seconds[0]

    def _times_before(self, time: int) -> int:
        """How many matching seconds of a day lie before ``time``."""
        minute_of_day, second = divmod(time, 60)
        hour, minute = divmod(minute_of_day, 60)
        total = bisect_left(self._hours, hour) * self._per_hour
        if self._next_hour[hour] == hour:
            total += bisect_left(self._minutes, minute) * len(self._seconds)
            if self._next_minute[minute] == minute:
                total += bisect_left(self._seconds, second)
        return total

    def _next_day(self, day: int) -> int | None:
        """The first matching day from ``day`` on."""
        start = date.fromordinal(day + EPOCH_ORDINAL)
        year, month, skipped = start.year, start.month, start.day
        first = day - skipped + 1
        while year <= LAST_YEAR:
            length = month_length(year, month)
            if month in self._months:
                left = self._mask(year, month, first, length) >> skipped
                if left:
                    return first + skipped - 1 + (left & -left).bit_length() - 1
            first += length
            skipped = 1
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        return None

    def _days_between(self, start: int, end: int) -> int:
        """How many matching days lie in ``[start, end)``."""
        if self._every_day:
            return end - start
        total, day = 0, start
        while day < end:
            moment = date.fromordinal(day + EPOCH_ORDINAL)
            length = month_length(moment.year, moment.month)
            first = day - moment.day + 1
            if moment.month in self._months:
                mask = self._mask(moment.year, moment.month, first, length) >> moment.day
                total += (mask & ((1 << min(length, end - day)) - 1)).bit_count()
            day = first + length
        return total

    def _mask(self, year: int, month: int, first: int, length: int) -> int:
        """The matching days of a month, as bits numbered like the days."""
        kind = (first + 3) % 7 * 32 + length  # 1970-01-01 was a Thursday
        mask = self._masks.get(kind)
        if mask is None:
            mask = sum(
                1 << day
                for day in range(1, length + 1)
                if self._days.match_day(date(year, month, day))
            )
            self._masks[kind] = mask
        return mask

    def _refuse_never(self) -> None:
        for month in sorted(self._months):
            for year in _EVERY_KIND:
                first = date(year, month, 1).toordinal() - EPOCH_ORDINAL
                if self._mask(year, month, first, month_length(year, month)):
                    return
        raise _never(self._fields)


@lru_cache(maxsize=2048)
def timetable(fields: tuple[str, ...]) -> Timetable:
    """The timetable of six checked fields; many jobs share one.

    Raises:
        InvalidTriggerError: no date there is matches.
    """
    return Timetable(fields)


def _read(fields: tuple[str, ...]) -> CronSim:
    try:
        # The moment only has to be a date: nothing is iterated.
        return CronSim(" ".join(fields), datetime(2000, 1, 1))  # noqa: DTZ001
    except CronSimError:
        raise _never(fields) from None


def _never(fields: tuple[str, ...]) -> InvalidTriggerError:
    days, months, weekdays = (field.lower() for field in fields[3:])
    got = f"{shorten(days)} with month {shorten(months)}"
    if weekdays != "*":
        got += f" and day of week {shorten(weekdays)}"
    expected = "a day that some year has; this would never be due"
    return InvalidTriggerError(
        f"day of month: got {got}; expected {expected}",
        (FieldError(field="expression", got=got, expected=f"day of month: {expected}"),),
    )


def month_length(year: int, month: int) -> int:
    """Days in a month."""
    if month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        return 29
    return _LENGTHS[month - 1]


def _following(values: list[int], size: int) -> tuple[int, ...]:
    """For each number up to ``size`` the least of ``values`` that is not below it."""
    table = [_NONE] * (size + 1)
    for number in range(size - 1, -1, -1):
        table[number] = number if number in values else table[number + 1]
    return tuple(table)
