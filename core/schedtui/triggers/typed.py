"""What people type: durations such as ``1h30m``, moments such as ``tomorrow 7:30``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from schedtui.clock import EPOCH, from_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers.base import SECOND_US
from schedtui.triggers.timezones import check_timezone
from schedtui.triggers.wallclock import WallClock, wall_clock
from schedtui.triggers.words import WEEKDAYS, moment_words

_LONGEST: Final = 100
_DURATION: Final = "a duration such as 90s, 5m, 2h, 1d, 1h30m, or a number of seconds"
_MOMENT: Final = (
    "a time such as 09:00, today 18:00, tomorrow 7:30, mon 09:00, 2026-12-24 18:00 or in 10m"
)
_PAST: Final = (
    "a time such as 09:00, today 9:00, yesterday 9:00, mon 09:00, 2026-12-24 18:00, 10m ago or now"
)
_UNITS: Final = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "sec": timedelta(seconds=1),
    "second": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "minute": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "hour": timedelta(hours=1),
    "d": timedelta(days=1),
    "day": timedelta(days=1),
    "w": timedelta(weeks=1),
    "week": timedelta(weeks=1),
}
_NUMBER: Final = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"
_PART: Final = re.compile(rf"({_NUMBER})\s*([a-z]+)\s*", re.ASCII)
_PLAIN: Final = re.compile(_NUMBER)
_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_DATE: Final = re.compile(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})t")
_WEEKDAYS: Final = tuple(name.lower() for name in WEEKDAYS)


def parse_duration(text: str, field: str = "typed") -> timedelta:
    """A duration as people type it.

    Args:
        text: ``90s``, ``5m``, ``2h``, ``1d``, ``1h30m``, ``1.5 h``, or a plain number of seconds.
        field: The field to name in the error.

    Raises:
        InvalidTriggerError: it is not one.
    """
    typed = _clean(text, field, _DURATION)
    if _PLAIN.fullmatch(typed):
        return timedelta(seconds=float(typed))
    total, position, seen = timedelta(0), 0, set[timedelta]()
    while position < len(typed):
        part = _PART.match(typed, position)
        unit = part and (_UNITS.get(part[2]) or _UNITS.get(part[2].removesuffix("s")))
        if not part or not unit or unit in seen:
            raise InvalidTriggerError.one(field, text, _DURATION)
        seen.add(unit)
        try:
            total += float(part[1]) * unit
        except OverflowError:
            raise InvalidTriggerError.one(field, text, "less than 2,700,000 years") from None
        position = part.end()
    if not seen:
        raise InvalidTriggerError.one(field, text, _DURATION)
    return total


def parse_moment(text: str, timezone: str, now_us: int, field: str = "typed") -> datetime:
    """A moment as people type it, in UTC.

    A wall time that is skipped in the zone means the end of the gap; one that comes twice means
    the first one still to come.

    Args:
        text: ``09:00`` (the next time the clock shows it), ``today 18:00``, ``tomorrow 7:30``,
            ``mon 09:00`` (the next Monday on which it is still to come), ``2026-12-24 18:00``,
            ``in 10m`` (up to the next whole second), or ISO 8601 with an offset.
        timezone: The IANA zone in which it is meant.
        now_us: Now, in microseconds since 1970.
        field: The field to name in the error.

    Raises:
        InvalidTriggerError: it is none of these, or there is no such zone.
    """
    clock = wall_clock(check_timezone(timezone))
    typed = _clean(text, field, _MOMENT)
    try:
        if typed.startswith("in "):
            exact = from_us(now_us) + parse_duration(typed.removeprefix("in "), field)
            return _whole_second(exact)
        moment = _wall_moment(typed, clock, now_us) or _exact_moment(typed)
    except OverflowError:
        raise InvalidTriggerError.one(field, text, f"{_MOMENT}, before the year 9999") from None
    if moment is None:
        raise InvalidTriggerError.one(field, text, _MOMENT)
    return moment


def parse_past_moment(
    text: str, timezone: str, now_us: int, field: str = "at"
) -> tuple[datetime, str]:
    """A moment as people type it who ask about what has been.

    A wall time that comes twice in the zone means the first one; one that is skipped means the end
    of the gap.

    Args:
        text: ``9:00`` (the last time the clock showed it), ``today 9:00``, ``yesterday 9:00``,
            ``mon 09:00`` (the last Monday on which it has come), ``2026-12-24 18:00``,
            ``10m ago``, ``now``, or ISO 8601 with an offset.
        timezone: The IANA zone in which it is meant.
        now_us: Now, in microseconds since 1970.
        field: The field to name in the error.

    Returns:
        The moment, UTC; and the wall time that was meant where the zone's clock skipped it.

    Raises:
        InvalidTriggerError: it is none of these, or there is no such zone.
    """
    clock = wall_clock(check_timezone(timezone))
    typed = _clean(text, field, _PAST)
    try:
        if typed == "now":
            return from_us(now_us), ""
        if typed.endswith(" ago"):
            return from_us(now_us) - parse_duration(typed.removesuffix(" ago"), field), ""
        exact = _exact_moment(typed)
        found = (exact, "") if exact is not None else _past_wall_moment(typed, clock, now_us)
    except OverflowError:
        found = None
    if found is None:
        raise InvalidTriggerError.one(field, text, _PAST)
    return found


def _past_wall_moment(typed: str, clock: WallClock, now_us: int) -> tuple[datetime, str] | None:
    day, _, wall_time = _ISO_DATE.sub(r"\1 ", typed).rpartition(" ")
    at = read_clock_time(wall_time)
    if at is None:
        return None
    today = (EPOCH + timedelta(seconds=clock.local(now_us // SECOND_US))).date()
    named = {"today": 0, "yesterday": -1, "tomorrow": 1}
    if day in named:
        days = [today + timedelta(days=named[day])]
    elif not day:
        days = [today, today - timedelta(days=1)]
    elif (weekday := read_weekday(day)) is not None:
        last = today - timedelta(days=(today.weekday() - weekday) % 7)
        days = [last, last - timedelta(days=7)]
    elif _DATE.fullmatch(day):
        try:
            days = [date.fromisoformat(day)]
        except ValueError:
            return None
    else:
        return None
    return _first_that_came([datetime.combine(one, at, tzinfo=UTC) for one in days], clock, now_us)


def _first_that_came(walls: list[datetime], clock: WallClock, now_us: int) -> tuple[datetime, str]:
    """The first of these wall times that has come, else the last one."""
    seconds = [int(wall.timestamp()) for wall in walls]
    instants = [clock.instants(second)[0] for second in seconds]
    came = (at for at, instant in enumerate(instants) if instant * SECOND_US <= now_us)
    at = next(came, len(walls) - 1)
    skipped = "" if clock.local(instants[at]) == seconds[at] else moment_words(walls[at])
    return from_us(instants[at] * SECOND_US), skipped


def _clean(text: object, field: str, expected: str) -> str:
    if not isinstance(text, str) or len(text) > _LONGEST or not text.isascii():
        raise InvalidTriggerError.one(field, text, expected)
    return " ".join(text.lower().split())


def _whole_second(moment: datetime) -> datetime:
    """The moment, or the whole second after it: never earlier than was asked for."""
    return moment + timedelta(microseconds=-moment.microsecond % 1_000_000)


def _exact_moment(typed: str) -> datetime | None:
    """ISO 8601 with an offset."""
    try:
        moment = datetime.fromisoformat(typed.upper())
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC)


def _wall_moment(typed: str, clock: WallClock, now_us: int) -> datetime | None:
    """``[day] 9:00``, by the clock of the zone; None when it is something else."""
    day, _, wall_time = _ISO_DATE.sub(r"\1 ", typed).rpartition(" ")
    at = read_clock_time(wall_time)
    if at is None:
        return None
    today = (EPOCH + timedelta(seconds=clock.local(now_us // SECOND_US))).date()
    if day in ("today", "tomorrow"):
        return _still_to_come([today + timedelta(days=day == "tomorrow")], at, clock, now_us)
    if _DATE.fullmatch(day):
        try:
            return _still_to_come([date.fromisoformat(day)], at, clock, now_us)
        except ValueError:
            return None
    if not day:
        ahead = 0
    elif (weekday := read_weekday(day)) is not None:
        ahead = (weekday - today.weekday()) % 7
    else:
        return None
    step = 7 if day else 1
    days = [today + timedelta(days=ahead), today + timedelta(days=ahead + step)]
    return _still_to_come(days, at, clock, now_us)


def _still_to_come(days: list[date], at: time, clock: WallClock, now_us: int) -> datetime:
    """The first instant after now at which one of ``days`` has that time; else the last one."""
    instants = [
        instant * SECOND_US
        for day in days
        for instant in clock.instants(int(datetime.combine(day, at, tzinfo=UTC).timestamp()))
    ]
    return from_us(next((instant for instant in instants if instant > now_us), instants[-1]))


def read_clock_time(text: str) -> time | None:
    """``9:00`` or ``09:00:30``; None when it is no time of day."""
    found = _CLOCK.fullmatch(text)
    if not found:
        return None
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0))
    except ValueError:
        return None


def read_weekday(text: str) -> int | None:
    """``mon`` to ``monday``, in small letters, as 0 for Monday and so on; else None."""
    if len(text) < 3:
        return None
    return next((day for day, name in enumerate(_WEEKDAYS) if name.startswith(text)), None)
