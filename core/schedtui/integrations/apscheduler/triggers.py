"""Triggers of APScheduler as ours, where ours can say the same, and ours as those of APScheduler.

Its ``CronTrigger`` counts weekdays from Monday, wants day and weekday both, and goes its own ways
where clocks change. So sets of values are translated, never the text of an expression.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.cron.expressions import (
    AllExpression,
    MonthRangeExpression,
    RangeExpression,
    WeekdayRangeExpression,
)
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from schedtui.clock import from_us, to_us
from schedtui.errors import InvalidTriggerError, SchedtuiError
from schedtui.integrations.apscheduler.crontab import expression_of, fields_of
from schedtui.triggers import AnyOf, Cron, Every, Once, Trigger
from schedtui.triggers.foreign import Foreign
from schedtui.triggers.timezones import check_timezone

_LOW: Final = {"second": 0, "minute": 0, "hour": 0, "day": 1, "month": 1, "day_of_week": 0}
_HIGH: Final = {"second": 59, "minute": 59, "hour": 23, "day": 31, "month": 12, "day_of_week": 6}
_RANGES: Final = (RangeExpression, MonthRangeExpression, WeekdayRangeExpression)


class Theirs(Trigger):
    """A trigger of APScheduler. It says itself when it is due; nothing here fires by it.

    Args:
        trigger: The object.
    """

    __slots__ = ("_ask", "_ours", "_trigger")

    def __init__(self, trigger: Any) -> None:
        self._trigger = trigger
        self._ours = read(trigger)
        self._ask: Foreign | None = None
        try:
            if not _searches(trigger):
                self._ask = Foreign(trigger)
        except InvalidTriggerError:
            pass  # one with jitter answers otherwise each time

    def is_of(self, trigger: Any) -> bool:
        """Whether it is of this very object."""
        return self._trigger is trigger

    @property
    def words(self) -> str:
        """What it is, whole: two of the same words are the same trigger."""
        return f"{type(self._trigger).__qualname__} {self._trigger!r} {self.timezone}"

    @property
    def timezone(self) -> str | None:
        """The IANA zone it follows; None where it has none that can be named."""
        return zone_name(getattr(self._trigger, "timezone", None))

    @property
    def ours(self) -> Trigger | None:
        """The trigger of ours that says the same; None where there is none."""
        return self._ours

    def moved(self, zone: str) -> Trigger | None:
        """What says the same in another zone; None where that cannot be said."""
        ours = self._ours
        return Cron(ours.expression, timezone=zone) if isinstance(ours, Cron) else None

    def next_after_us(self, us: int) -> int | None:
        """The first due time after ``us``; None also where it cannot be asked.

        Raises:
            ForeignTriggerError: it raised, took too long, or answered nonsense.
        """
        return None if self._ask is None else self._ask.next_after_us(us)

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        """The newest ``limit`` due times in ``(after_us, until_us]``."""
        return [] if self._ask is None else self._ask.newest(after_us, until_us, limit)

    def count(self, after_us: int, until_us: int) -> int:
        """How many due times lie in ``(after_us, until_us]``; at most 20,000."""
        return 0 if self._ask is None else self._ask.count(after_us, until_us)

    def describe(self) -> str:
        """In words, and that APScheduler reckons it."""
        said = self.short() if self._ours is None else self._ours.describe()
        return f"{said}, by APScheduler"

    def short(self) -> str:
        """For a column of a table."""
        if self._ours is not None:
            return self._ours.short()
        return self._ask.short() if self._ask is not None else _printable(str(self._trigger))

    def to_json(self) -> dict[str, Any]:
        """The form of ours that says the same, else one for display: ``{"type": "foreign", …}``."""
        if self._ours is not None:
            return self._ours.to_json()
        kind = type(self._trigger)
        name = f"{kind.__module__}.{kind.__qualname__}"
        return {"type": "foreign", "class": name, "words": self.short()}

    def _key(self) -> tuple[object, ...]:
        return (id(self._trigger),)


def zone_name(zone: Any) -> str | None:
    """The IANA name of a time zone; None where it has none."""
    if zone is None:
        return None
    try:
        return check_timezone(str(zone))
    except InvalidTriggerError:
        return None


def jitter_s(trigger: Any) -> float:
    """Seconds by which its due times are moved by chance, at most; 0: they are not."""
    return float(getattr(trigger, "jitter", None) or 0)


def read(trigger: Any, *, jitter: bool = False) -> Trigger | None:
    """The trigger of ours that says the same; None where there is none.

    Args:
        trigger: The object. Never one whose due times end.
        jitter: Also one whose due times are moved by chance, without that.
    """
    if (jitter_s(trigger) and not jitter) or getattr(trigger, "end_date", None):
        return None
    try:
        if type(trigger) is CronTrigger:
            return _read_cron(trigger)
        if type(trigger) is IntervalTrigger:
            return Every(trigger.interval, anchor=trigger.start_date)
        if type(trigger) is DateTrigger:
            found: Trigger = Once(trigger.run_date)
            zone = zone_name(trigger.run_date.tzinfo)
            return found if zone is None else found.with_timezone(zone)
        if type(trigger) is OrTrigger:
            parts = [read(part) for part in trigger.triggers]
            whole = [part for part in parts if part is not None]
            return AnyOf(whole) if len(whole) == len(parts) else None
    except SchedtuiError:
        return None
    return None


def _read_cron(trigger: Any) -> Trigger | None:
    zone = zone_name(trigger.timezone)
    values = {field.name: _values(field) for field in trigger.fields}
    if zone is None or trigger.start_date is not None:
        return None
    if values.pop("year") != "*" or values.pop("week") != "*":
        return None
    sets = {name: found for name, found in values.items() if isinstance(found, frozenset)}
    if len(sets) < len(values):
        return None
    whole = {name: len(sets[name]) == _HIGH[name] - _LOW[name] + 1 for name in sets}
    if not (whole["day"] or whole["day_of_week"]):
        return None  # it wants both, crontab(5) either
    # APScheduler's Monday is 0.
    weekdays = frozenset((day + 1) % 7 for day in sets["day_of_week"])
    return Cron(expression_of({**sets, "day_of_week": weekdays}), timezone=zone)


def _values(field: Any) -> frozenset[int] | str | None:
    """The values of a field of a ``CronTrigger``.

    Returns:
        ``*`` for all years or weeks; None where it is more than a set of values.
    """
    low, high = _LOW.get(field.name), _HIGH.get(field.name)
    found: set[int] = set()
    for one in field.expressions:
        step = one.step or 1
        if low is None or high is None:
            if type(one) is not AllExpression or one.step:
                return None
            return "*"
        if type(one) is AllExpression:
            found.update(range(low, high + 1, step))
        elif type(one) in _RANGES:
            last = high if one.last is None else one.last
            found.update(range(one.first, last + 1, step))
        else:
            return None
    return frozenset(found)


def write(trigger: Trigger, zone: str, now_us: int) -> Any:
    """The trigger object of APScheduler that means the same.

    Raises:
        InvalidTriggerError: APScheduler has none.
    """
    if isinstance(trigger, Cron):
        return _write_cron(trigger, ZoneInfo(trigger.timezone or zone))
    if isinstance(trigger, Every):
        # It counts from a moment of its own: ours, where this was due next anyway.
        first = trigger.next_after_us(now_us)
        start = None if first is None else from_us(first).astimezone(ZoneInfo(zone))
        seconds = trigger.interval.total_seconds()
        return IntervalTrigger(seconds=seconds, start_date=start, timezone=ZoneInfo(zone))
    if isinstance(trigger, Once):
        return DateTrigger(trigger.at.astimezone(ZoneInfo(zone)))
    if isinstance(trigger, AnyOf):
        return OrTrigger([write(part, zone, now_us) for part in trigger.triggers])
    raise InvalidTriggerError.one(
        "trigger", trigger.short(), "a trigger that APScheduler has: cron, interval or one moment"
    )


def _write_cron(trigger: Cron, zone: ZoneInfo) -> Any:
    fields = fields_of(trigger.expression)
    given = dict(fields.text)
    given["day_of_week"] = _their_weekdays(fields.weekdays)
    if not fields.either:
        return CronTrigger(**given, timezone=zone)
    day, weekday = given.pop("day"), given.pop("day_of_week")
    return OrTrigger(
        [
            CronTrigger(**given, day=day, timezone=zone),
            CronTrigger(**given, day_of_week=weekday, timezone=zone),
        ]
    )


def _their_weekdays(days: frozenset[int]) -> str:
    """Weekdays, 0 for Sunday, by name: their numbers mean other days there."""
    names = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
    return "*" if len(days) == 7 else ",".join(names[day] for day in sorted(days))


def is_over(trigger: Any, now_us: int) -> bool:
    """Whether a trigger of APScheduler is never due again; False where it cannot be asked."""
    if _searches(trigger):
        return False
    zone = getattr(trigger, "timezone", None) or ZoneInfo("UTC")
    now: datetime = from_us(now_us).astimezone(zone)
    due = trigger.get_next_fire_time(None, now)
    return due is None or to_us(due) < now_us


def _searches(trigger: Any) -> bool:
    """Whether asking it may take for ever."""
    parts = getattr(trigger, "triggers", ())
    return isinstance(trigger, AndTrigger) or any(_searches(part) for part in parts)


def _printable(text: str) -> str:
    return "".join(sign for sign in text[:200] if sign.isprintable())


__all__ = ["Theirs", "is_over", "read", "write", "zone_name"]
