"""Every so many days, weeks or months, at a time of day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any, Final

from schedtui.errors import InvalidTriggerError
from schedtui.triggers.calendar_words import calendar_words, day_words, short_calendar_words
from schedtui.triggers.days import LAST, Days, DayTable, EveryDays, EveryMonths, EveryWeeks
from schedtui.triggers.timetable import EPOCH_ORDINAL
from schedtui.triggers.typed import read_clock_time, read_weekday
from schedtui.triggers.wall_trigger import WallTrigger
from schedtui.triggers.words import WEEKDAYS, clock_text

UNITS: Final = ("days", "weeks", "months")
"""What a calendar counts."""

_MOST: Final = {"days": 3_660, "weeks": 520, "months": 1_200}
_MOST_TIMES: Final = 100
_EPOCH: Final = date(1970, 1, 1)
_FLOOR: Final = date(1900, 1, 1)
_HORIZON: Final = date(2200, 1, 1)

TimeOfDay = str | time
"""``"9:00"``, ``"09:00:30"``, or a naive `datetime.time` in whole seconds."""


class Calendar(WallTrigger):
    """Every n days, weeks or months at a wall time; right over changes of summer time.

    The rules of `Cron` for fixed times hold: a time in a gap is due once, right after it; a time
    in an overlap is due once, the first time.

    Which of the days, weeks or months count is set by the anchor, and by neither the moment of
    creation nor a restart: "every 2 weeks" keeps its phase. The anchor is a phase and not a start;
    due times lie before it as well (`Between` gives a schedule a start).

    Args:
        days: Every so many days. Exactly one of ``days``, ``weeks``, ``months`` is given.
        weeks: Every so many weeks, which begin on Monday.
        months: Every so many months; 12 is every year.
        at: A time of day, or several: ``"9:00"``, ``["9:00", "17:30"]``.
        on: With weeks: weekdays (``"mon"``, ``["mon", "thu"]``). With months: days of the month
            (``1``, ``[1, 15, "last"]``); a month that lacks the day is left out. Without it, the
            weekday or the day of the month of the anchor.
        anchor: A date that counts, or its ISO text; 1970-01-01, a Thursday, by default.
        timezone: An IANA zone of its own. Without one it is bound to its job's, and means UTC
            until then.

    Raises:
        InvalidTriggerError: an argument is wrong, or no date there is matches; says which.
    """

    __slots__ = ("_anchor", "_every", "_on", "_times", "_unit")

    def __init__(
        self,
        *,
        days: int | None = None,
        weeks: int | None = None,
        months: int | None = None,
        at: TimeOfDay | Iterable[TimeOfDay],
        on: str | int | Iterable[str | int] = (),
        anchor: str | date | None = None,
        timezone: str | None = None,
    ) -> None:
        self._unit, self._every = _one_unit({"days": days, "weeks": weeks, "months": months})
        self._times = _times(at)
        self._anchor = _check_anchor(anchor)
        self._on = _read_on(self._unit, on)
        chosen = self._chosen()
        super().__init__(DayTable(chosen, self._times), fixed=True, timezone=timezone)
        if chosen.next_day(_FLOOR.toordinal() - EPOCH_ORDINAL) is None:
            raise InvalidTriggerError.one(
                "on", day_words(self._on), "a day that these months have; this would never be due"
            )

    def describe(self) -> str:
        """``every 2 weeks on Monday at 09:00 (Europe/Berlin), counted from 2026-01-05``."""
        shown, month = self._shown(), self._anchor.month
        words = calendar_words(self._unit, self._every, shown, self._times, month)
        counted = f", counted from {self._anchor}" if self._every > 1 else ""
        return f"{words} ({self.zone}){counted}"

    def short(self) -> str:
        """``every 2 weeks mon 09:00``."""
        return short_calendar_words(self._unit, self._every, self._shown(), self._times)

    def to_json(self) -> dict[str, Any]:
        """``{"type": "calendar", "weeks": 2, "at": ["09:00"], "on": ["mon"], "anchor": …}``."""
        data: dict[str, Any] = {"type": "calendar", self._unit: self._every}
        data["at"] = [clock_text(second) for second in self._times]
        if self._on:
            data["on"] = [
                WEEKDAYS[day][:3].lower() if self._unit == "weeks" else day or "last"
                for day in self._on
            ]
        if self._anchor != _EPOCH:
            data["anchor"] = self._anchor.isoformat()
        if self._timezone is not None:
            data["timezone"] = self._timezone
        return data

    def _shown(self) -> tuple[int, ...]:
        """The weekdays or days of the month, the anchor's where none were given."""
        if self._unit == "weeks":
            return self._on or (self._anchor.weekday(),)
        return () if self._unit == "days" else self._on or (self._anchor.day,)

    def _chosen(self) -> Days:
        anchor = self._anchor.toordinal() - EPOCH_ORDINAL
        if self._unit == "days":
            return EveryDays(self._every, anchor)
        if self._unit == "weeks":
            return EveryWeeks(self._every, anchor, self._shown())
        return EveryMonths(self._every, anchor, self._shown())

    def _key(self) -> tuple[object, ...]:
        counted = (self._unit, self._every, self._times, self._on, self._anchor)
        return (*counted, self._timezone, self.zone)

    def __repr__(self) -> str:
        data = self.to_json()
        given = ", ".join(f"{field}={data[field]!r}" for field in data if field != "type")
        return f"Calendar({given})"


def _one_unit(units: dict[str, int | None]) -> tuple[str, int]:
    given = [(unit, value) for unit, value in units.items() if value is not None]
    if len(given) != 1:
        got = " and ".join(unit for unit, _ in given) or None
        raise InvalidTriggerError.one("days", got, "exactly one of days, weeks, months")
    unit, every = given[0]
    most = _MOST[unit]
    if isinstance(every, bool) or not isinstance(every, int) or not 1 <= every <= most:
        raise InvalidTriggerError.one(unit, every, f"a whole number from 1 to {most:,}")
    return unit, every


def _times(at: object) -> tuple[int, ...]:
    given = at if isinstance(at, list | tuple | set | frozenset) else [at]
    if not 1 <= len(given) <= _MOST_TIMES:
        raise InvalidTriggerError.one("at", len(given), f"1 to {_MOST_TIMES} times of day")
    return tuple(sorted({_second_of_day(one) for one in given}))


def _second_of_day(given: object) -> int:
    found = read_clock_time(given) if isinstance(given, str) else given
    if not isinstance(found, time) or found.tzinfo is not None or found.microsecond:
        expected = "a time of day such as 09:00 or 17:30:15, by the clock of the zone"
        raise InvalidTriggerError.one("at", given, expected)
    return found.hour * 3600 + found.minute * 60 + found.second


def _date(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _check_anchor(anchor: object) -> date:
    if anchor is None:
        return _EPOCH
    if isinstance(anchor, str):
        anchor = _date(anchor)
    if isinstance(anchor, datetime) or not isinstance(anchor, date):
        raise InvalidTriggerError.one("anchor", anchor, "a date, such as 2026-01-05")
    if not _FLOOR <= anchor < _HORIZON:
        raise InvalidTriggerError.one("anchor", anchor.isoformat(), "a date from 1900 to 2199")
    return anchor


def _read_on(unit: str, on: object) -> tuple[int, ...]:
    given = [on] if isinstance(on, str | int) else on
    if not isinstance(given, list | tuple | set | frozenset) or len(given) > _MOST_TIMES:
        raise InvalidTriggerError.one("on", on, "a day, or a list of days")
    if given and unit == "days":
        raise InvalidTriggerError.one("on", on, "nothing with days; use weeks=1 for weekdays")
    days = {_read_day(unit, one) for one in given}
    return tuple(sorted(days, key=lambda day: 99 if unit == "months" and day == LAST else day))


def _read_day(unit: str, day: object) -> int:
    if unit == "weeks":
        weekday = read_weekday(day.lower()) if isinstance(day, str) else None
        if weekday is None:
            raise InvalidTriggerError.one("on", day, "a weekday, such as mon or monday")
        return weekday
    if isinstance(day, str) and day.lower() == "last":
        return LAST
    if isinstance(day, bool) or not isinstance(day, int) or not 1 <= day <= 31:
        raise InvalidTriggerError.one("on", day, "a day of the month from 1 to 31, or last")
    return day
