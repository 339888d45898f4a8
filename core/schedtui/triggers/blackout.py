"""When nothing is due: dates, hours of the day or the week, calendars, public holidays."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Sequence
from datetime import date
from typing import Final

from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.triggers.base import SECOND_US
from schedtui.triggers.date_files import day_range
from schedtui.triggers.daysoff import calendar_days, check_region, holidays_of
from schedtui.triggers.timetable import EPOCH_ORDINAL
from schedtui.triggers.typed import read_clock_time, read_weekday
from schedtui.triggers.wallclock import DAY_S, WallClock

WEEK_S: Final = 7 * DAY_S
_MONDAY_S: Final = -3 * DAY_S  # 1970-01-01 was a Thursday
_MOST: Final = 1_000
_HOURS: Final = re.compile(r"(?:(\S+) +)?([0-9:]+) ?- ?([0-9:]+)")


class Blackout:
    """Wall times, in whole seconds, at which nothing is due.

    Args:
        dates: ``2026-12-25`` or ``2026-12-27..2027-01-02``, or `datetime.date` objects.
        windows: ``22:00-06:00``, ``sat,sun``, ``mon-fri 12:00-13:00``. A window begins on the days
            it names, may go on after midnight, and ends right before its end.
        calendars: Names of registered calendars.
        holidays: Regions of the `holidays` library.

    Raises:
        InvalidTriggerError: one of them is wrong, or there are none.
    """

    def __init__(
        self,
        dates: Sequence[str | date],
        windows: Sequence[str],
        calendars: Sequence[str],
        holidays: Sequence[str],
    ) -> None:
        self.dates = _texts("dates", [_date_text(one) for one in _list("dates", dates)])
        self.windows = _texts("windows", _list("windows", windows))
        self.calendars = _texts("calendars", _list("calendars", calendars))
        self.holidays = tuple(check_region(one) for one in _list("holidays", holidays))
        if not (self.dates or self.windows or self.calendars or self.holidays):
            raise InvalidTriggerError.one("dates", None, "dates, windows, calendars or holidays")
        ranges = sorted((_range(one) for one in self.dates), key=lambda one: one.start)
        self._starts = [one.start for one in ranges]
        self._ends: list[int] = []
        for one in ranges:
            self._ends.append(max(one.stop, self._ends[-1] if self._ends else one.stop))
        self._days: frozenset[int] = frozenset().union(*map(calendar_days, self.calendars))
        self._week = _merged([part for one in self.windows for part in _window(one)])
        self._week_starts = [start for start, _ in self._week]
        if self._week == [(0, WEEK_S)]:
            raise InvalidTriggerError.one("windows", ", ".join(self.windows), "some time left over")

    def key(self) -> tuple[object, ...]:
        """What makes two of them the same."""
        return (self.dates, self.windows, self.calendars, self.holidays)

    def end_after(self, us: int, clock: WallClock) -> int | None:
        """A moment up to which nothing is due from ``us`` on; None when ``us`` is free.

        What follows may be part of the blackout as well.
        """
        span = clock.span_at(us // SECOND_US)
        covered = self._covered(us // SECOND_US + span.offset)
        return None if covered is None else min(covered[1] - span.offset, span.end) * SECOND_US

    def start_before(self, us: int, clock: WallClock) -> int:
        """The first moment from which nothing is due up to ``us``, which is not free."""
        span = clock.span_at(us // SECOND_US)
        covered = self._covered(us // SECOND_US + span.offset)
        start = us // SECOND_US if covered is None else covered[0] - span.offset
        return max(start, span.start) * SECOND_US

    def day_key(self, start_us: int, clock: WallClock) -> Hashable | None:
        """What decides about the 24 hours from ``start_us`` on; None around a clock change."""
        start = start_us // SECOND_US
        span = clock.span_at(start)
        if start + DAY_S > span.end:
            return None
        day, time = divmod(start + span.offset, DAY_S)
        return (time, (day + 3) % 7, self._off(day) is None, self._off(day + 1) is None)

    def covering(self, us: int, clock: WallClock) -> tuple[str, ...]:
        """Those of its entries that cover a moment, as `words` calls them."""
        wall = clock.local(us // SECOND_US)
        day, second = wall // DAY_S, (wall - _MONDAY_S) % WEEK_S
        found = [
            one
            for one in self.windows
            if any((second - start) % WEEK_S < end - start for start, end in _window(one))
        ]
        found += [one for one in self.dates if day in _range(one)]
        found += [f"calendar {one}" for one in self.calendars if day in calendar_days(one)]
        year = date.fromordinal(day + EPOCH_ORDINAL).year
        found += [f"holidays of {one}" for one in self.holidays if day in holidays_of(one, year)]
        return tuple(found)

    def words(self) -> str:
        """``22:00-06:00, 2026-12-25 and the holidays of DE``."""
        words = [*self.windows, *self.dates]
        words += [f"calendar {name}" for name in self.calendars]
        words += [f"holidays of {region}" for region in self.holidays]
        return ", ".join(words)

    def _covered(self, wall: int) -> tuple[int, int] | None:
        """The stretch of wall time around ``wall`` that is blacked out; the whole of one reason."""
        days = self._off(wall // DAY_S)
        if days is not None:
            return days.start * DAY_S, days.stop * DAY_S
        second = (wall - _MONDAY_S) % WEEK_S
        at = bisect_right(self._week_starts, second) - 1
        if at < 0 or second >= self._week[at][1]:
            return None
        start, end = self._week[at]
        return wall - second + start, wall - second + end

    def _off(self, day: int) -> range | None:
        """The days in a row around ``day`` on which nothing is due at all."""
        at = bisect_right(self._starts, day) - 1
        if at >= 0 and day < self._ends[at]:
            return range(self._starts[at], self._ends[at])
        if day in self._days or (self.holidays and self._holiday(day)):
            return range(day, day + 1)
        return None

    def _holiday(self, day: int) -> bool:
        year = date.fromordinal(day + EPOCH_ORDINAL).year
        return any(day in holidays_of(region, year) for region in self.holidays)


def _list(field: str, given: object) -> list[object]:
    items = [given] if isinstance(given, str | date) else given
    if not isinstance(items, list | tuple | set | frozenset) or len(items) > _MOST:
        raise InvalidTriggerError.one(field, given, f"a list of at most {_MOST:,}")
    return list(items)


def _texts(field: str, items: Sequence[object]) -> tuple[str, ...]:
    for item in items:
        if not isinstance(item, str):
            raise InvalidTriggerError.one(field, item, "text")
    return tuple(str(item) for item in items)


def _date_text(given: object) -> object:
    return given.isoformat() if type(given) is date else given


def _range(text: str) -> range:
    found = day_range(text)
    if found is None:
        expected = "a date such as 2026-12-25, or 2026-12-27..2027-01-02"
        raise InvalidTriggerError.one("dates", text, expected)
    return found


def _window(text: str) -> list[tuple[int, int]]:
    """The stretches of a window, in seconds from the beginning of Monday on."""
    found = _HOURS.fullmatch(text.strip())
    names = text.strip() if found is None else found[1]
    days = list(range(7)) if names is None else _weekdays(names, text)
    start, end = (0, DAY_S) if found is None else (_second(found[2], text), _second(found[3], text))
    if start in (DAY_S, end):
        raise _wrong_window(text)
    length = end - start if end > start else end - start + DAY_S
    return [(day * DAY_S + start, day * DAY_S + start + length) for day in days]


def _weekdays(names: str, text: str) -> list[int]:
    days: list[int] = []
    for name in names.lower().split(","):
        first, dash, last = name.strip().partition("-")
        low, high = read_weekday(first.strip()), read_weekday((last if dash else first).strip())
        if low is None or high is None:
            raise _wrong_window(text)
        days += [(low + more) % 7 for more in range((high - low) % 7 + 1)]
    return days


def _second(clock: str, text: str) -> int:
    if clock == "24:00":
        return DAY_S
    time = read_clock_time(clock)
    if time is None:
        raise _wrong_window(text)
    return time.hour * 3600 + time.minute * 60 + time.second


def _wrong_window(text: str) -> InvalidError:
    expected = "a window such as 22:00-06:00, sat,sun or mon-fri 12:00-13:00"
    return InvalidTriggerError.one("windows", text, expected)


def _merged(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of the week, none beyond its end, none touching another."""
    cut = [(start, min(end, WEEK_S)) for start, end in parts]
    cut += [(0, end - WEEK_S) for _, end in parts if end > WEEK_S]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(cut):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
