"""Calendar schedules from JSON, and as people type them: ``every 2 weeks on mon at 9:00``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from schedtui.clock import EPOCH, from_us, to_us
from schedtui.errors import InvalidTriggerError
from schedtui.triggers.base import SECOND_US
from schedtui.triggers.calendar import UNITS, Calendar
from schedtui.triggers.forms import Form, Reading, read_date
from schedtui.triggers.timezones import check_timezone
from schedtui.triggers.typed import read_weekday
from schedtui.triggers.wallclock import wall_clock

_TYPED: Final = (
    "a schedule such as every 3 days at 9:00, every mon, thu at 9:00, every 2 weeks at 9:00 or "
    "every month on 1, 15, last at 9:00 and 17:00 (from 2026-01-05)"
)
_LONGEST: Final = 200
_FORM: Final = re.compile(
    r"(?:every )?(?:(?P<count>[0-9]{1,4}|other) )?(?P<unit>\S.*?)(?: on (?P<on>.+?))?"
    r" at (?P<at>.+?)(?: from (?P<anchor>\S+))?"
)
_PLURALS: Final = {"day": "days", "week": "weeks", "month": "months", "year": "months"}
_NOISE: Final = re.compile(r"\b(?:and|the|day)\b|(?<=[0-9])(?:st|nd|rd|th)\b")


def read_calendar(data: Mapping[str, Any], reading: Reading) -> Calendar:
    """A calendar schedule from its JSON form.

    Raises:
        InvalidTriggerError: with every field that is wrong.
    """
    if data.get("typed") is not None:
        form = Form(data, "typed", "timezone")
        zone = form.read_optional("timezone", check_timezone)
        near = zone or reading.timezone
        typed = form.done(form.read("typed", lambda text: _typed(text, near, reading.now_us)))
        return Calendar(**typed, timezone=zone)
    form = Form(data, *UNITS, "at", "on", "anchor", "timezone")
    zone = form.read_optional("timezone", check_timezone)
    fields = (*UNITS, "on", "anchor")
    given = {field: data[field] for field in fields if data.get(field) is not None}
    return form.build(lambda: Calendar(**given, at=data.get("at", ""), timezone=zone))


def _typed(text: object, timezone: str, now_us: int) -> dict[str, Any]:
    """The arguments of the `Calendar` that a text means."""
    if not isinstance(text, str) or len(text) > _LONGEST or not text.isascii():
        raise InvalidTriggerError.one("typed", text, _TYPED)
    found = _FORM.fullmatch(" ".join(text.lower().split()))
    if found is None:
        raise InvalidTriggerError.one("typed", text, _TYPED)
    every = 2 if found["count"] == "other" else int(found["count"] or 1)
    name = found["unit"]
    unit = _PLURALS.get(name) or _PLURALS.get(name.removesuffix("s"))
    on = _days(found["on"] or "")
    if unit is None:  # every mon, thu at 9:00
        unit, on = "weeks", _days(name)
        if found["on"] or any(isinstance(day, int) or read_weekday(day) is None for day in on):
            raise InvalidTriggerError.one("typed", text, _TYPED)
    arguments: dict[str, Any] = {
        unit: every * 12 if name.startswith("year") else every,
        "at": _list(found["at"]),
        "on": on,
    }
    try:
        written = found["anchor"]
        soonest = _first_day(arguments, unit, timezone, now_us)
        arguments["anchor"] = read_date(written, "from") if written else soonest
        Calendar(**arguments)
    except InvalidTriggerError as error:
        wrong = "; ".join(f"{one.field}: {one.expected}" for one in error.errors)
        raise InvalidTriggerError.one("typed", text, f"{_TYPED} ({wrong})") from None
    return arguments


def _first_day(arguments: dict[str, Any], unit: str, timezone: str, now_us: int) -> date:
    """The date of the soonest time that fits: the phase counts from there."""
    # With an interval of one, every day that fits is due.
    clock = wall_clock(timezone)
    today = (EPOCH + timedelta(seconds=clock.local(now_us // SECOND_US))).date()
    loose = {key: value for key, value in arguments.items() if key != unit}
    if unit != "days" and not arguments["on"]:
        loose, unit = {key: value for key, value in loose.items() if key != "on"}, "days"
    soonest = Calendar(**loose | {unit: 1}, anchor=today, timezone=timezone)
    due = soonest.next_after(from_us(now_us))
    if due is None:
        return today
    return (EPOCH + timedelta(seconds=clock.local(to_us(due) // SECOND_US))).date()


def _days(text: str) -> list[str | int]:
    return [int(word) if word.isdigit() else word for word in _list(_NOISE.sub(" ", text))]


def _list(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word and word != "and"]
