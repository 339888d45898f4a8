"""Triggers from their JSON form, and from what people type into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from schedtui.clock import to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers.base import FLOOR_US, Trigger
from schedtui.triggers.combined import Combined
from schedtui.triggers.cron import Cron
from schedtui.triggers.every import Every
from schedtui.triggers.forms import Form, Reading, not_a_form, read_moment
from schedtui.triggers.never import Never
from schedtui.triggers.once import Once
from schedtui.triggers.parse_calendar import read_calendar
from schedtui.triggers.parse_combined import read_all_of, read_any_of, read_between, read_except
from schedtui.triggers.timezones import check_timezone
from schedtui.triggers.typed import parse_duration, parse_moment
from schedtui.triggers.words import iso_utc


def parse_trigger(data: Mapping[str, Any], timezone: str, now_us: int) -> Trigger:
    """The trigger that a JSON form means, bound to a time zone.

    ::

        {"type": "cron", "expression": "0 9 * * 1"[, "timezone": "Europe/Berlin"]}
        {"type": "every", "seconds": 300 | "typed": "5m"[, "anchor": "2026-01-01T00:00:00Z"]}
        {"type": "once", "at": "2026-12-24T18:00:00Z" | "typed": "tomorrow 7:30"}
        {"type": "calendar", "weeks": 2, "at": ["09:00"][, "on": ["mon"]][, "anchor": "2026-01-05"]
            [, "timezone": ...]} | {"type": "calendar", "typed": "every 2 weeks at 9:00"}
        {"type": "any_of", "triggers": [...] | {"morning": {...}}}
        {"type": "all_of", "triggers": [...]}
        {"type": "except", "trigger": {...}[, "dates": [...]][, "windows": [...]]
            [, "calendars": [...]][, "holidays": [...]][, "timezone": ...]}
        {"type": "between", "trigger": {...}[, "start": "2026-12-01T00:00:00Z"][, "end": ...]}
        {"type": "never"}

    Args:
        data: The JSON form. What was typed is resolved here, once: the trigger's own JSON form
            holds the seconds or the moment.
        timezone: The job's IANA zone; typed times are meant in it.
        now_us: Now, in microseconds since 1970; typed times count from it.

    Raises:
        InvalidTriggerError: with every field that is wrong; or it could never be due at all.
    """
    check_timezone(timezone)
    trigger = _read(data, Reading(timezone=timezone, now_us=now_us, read=_read))
    bound = trigger.with_timezone(timezone)
    # Plain triggers that are never due are refused where they are made.
    if isinstance(bound, Combined) and _never(bound, now_us):
        raise bound.refusal()
    return bound


def _never(trigger: Trigger, now_us: int) -> bool:
    return trigger.next_after_us(now_us) is None and trigger.next_after_us(FLOOR_US) is None


def _read(data: Any, reading: Reading) -> Trigger:
    if not isinstance(data, Mapping):
        raise not_a_form(data)
    kind = data.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise InvalidTriggerError.one("type", kind, _KINDS)
    return reader(data, reading)


def _read_cron(data: Mapping[str, Any], _: Reading) -> Trigger:
    form = Form(data, "expression", "timezone")
    zone = form.read_optional("timezone", check_timezone)
    cron = form.done(form.read("expression", _cron))
    return cron if zone is None else Cron(cron.expression, zone)


def _cron(expression: Any) -> Cron:
    # Kept: of many jobs most have one of few schedules.
    return _kept_cron(expression) if isinstance(expression, str) else Cron(expression)


@lru_cache(maxsize=1_024)
def _kept_cron(expression: str) -> Cron:
    return Cron(expression)


def _read_every(data: Mapping[str, Any], _: Reading) -> Trigger:
    form = Form(data, "seconds", "typed", "anchor")
    anchor = form.read_optional("anchor", lambda text: read_moment(text, "anchor"))
    readers: dict[str, Callable[[Any], Every]] = {"seconds": Every, "typed": _typed_interval}
    every = form.done(form.read_either(readers))
    return Every(every.interval, anchor=anchor)


def _read_once(data: Mapping[str, Any], reading: Reading) -> Trigger:
    form = Form(data, "at", "typed")
    moment = form.read_either(
        {
            "at": lambda text: read_moment(text, "at"),
            "typed": lambda text: _future(text, reading),
        }
    )
    return Once(form.done(moment))


def _read_never(data: Mapping[str, Any], _: Reading) -> Trigger:
    return Form(data).done(Never())


def _read_foreign(data: Mapping[str, Any], _: Reading) -> Trigger:
    expected = "a trigger with a JSON form; this one is an object, for jobs declared in code alone"
    raise InvalidTriggerError.one("type", data.get("type"), expected)


_READERS: Final[dict[str, Callable[[Mapping[str, Any], Reading], Trigger]]] = {
    "cron": _read_cron,
    "every": _read_every,
    "once": _read_once,
    "calendar": read_calendar,
    "any_of": read_any_of,
    "all_of": read_all_of,
    "except": read_except,
    "between": read_between,
    "never": _read_never,
    "foreign": _read_foreign,
}
_KINDS: Final = "cron, every, once, calendar, any_of, all_of, except, between or never"


def _typed_interval(text: Any) -> Every:
    interval = parse_duration(text)
    try:
        return Every(interval)
    except InvalidTriggerError:
        wanted = "a duration from 1 ms to 36,500 days"
        raise InvalidTriggerError.one("typed", text, wanted) from None


def _future(text: Any, reading: Reading) -> datetime:
    moment = parse_moment(text, reading.timezone, reading.now_us)
    if to_us(moment) <= reading.now_us:
        raise InvalidTriggerError.one(
            "typed", text, f"a time in the future (this one was {iso_utc(moment)})"
        )
    return moment
