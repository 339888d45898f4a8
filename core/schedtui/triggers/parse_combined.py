"""Triggers that are made of others, from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schedtui.errors import InvalidTriggerError
from schedtui.triggers.all_of import AllOf
from schedtui.triggers.any_of import AnyOf
from schedtui.triggers.base import Trigger
from schedtui.triggers.between import Between
from schedtui.triggers.excepting import Except
from schedtui.triggers.forms import Form, Reading, read_moment
from schedtui.triggers.timezones import check_timezone


def read_any_of(data: Mapping[str, Any], reading: Reading) -> Trigger:
    """``{"type": "any_of", "triggers": [...]}``, or with ``{name: trigger}``."""
    form = Form(data, "triggers")
    return form.done(form.read("triggers", lambda given: _any_of(given, reading)))


def read_all_of(data: Mapping[str, Any], reading: Reading) -> Trigger:
    """``{"type": "all_of", "triggers": [...]}``."""
    form = Form(data, "triggers")
    parts = form.done(form.read("triggers", lambda given: _listed(given, reading)))
    return form.build(lambda: AllOf(parts))


def read_except(data: Mapping[str, Any], reading: Reading) -> Trigger:
    """``{"type": "except", "trigger": {...}, "windows": ["sat,sun"]}`` and so on."""
    lists = ("dates", "windows", "calendars", "holidays")
    form = Form(data, "trigger", *lists, "timezone")
    zone = form.read_optional("timezone", check_timezone)
    inner = form.read("trigger", lambda given: reading.within(given, "trigger"))
    given = {field: data[field] for field in lists if data.get(field) is not None}
    return form.build(lambda: Except(_there(inner), **given, timezone=zone))


def read_between(data: Mapping[str, Any], reading: Reading) -> Trigger:
    """``{"type": "between", "trigger": {...}, "start": ..., "end": ...}``."""
    form = Form(data, "trigger", "start", "end")
    start = form.read_optional("start", lambda text: read_moment(text, "start"))
    end = form.read_optional("end", lambda text: read_moment(text, "end"))
    inner = form.read("trigger", lambda given: reading.within(given, "trigger"))
    return form.build(lambda: Between(_there(inner), start=start, end=end))


def _any_of(given: Any, reading: Reading) -> AnyOf:
    if not isinstance(given, Mapping):
        return AnyOf(_listed(given, reading))
    fields = {name: f"triggers.{str(name)[:80]}" for name in given}
    return AnyOf({name: reading.within(given[name], field) for name, field in fields.items()})


def _listed(given: Any, reading: Reading) -> list[Trigger]:
    if not isinstance(given, list | tuple):
        raise InvalidTriggerError.one("triggers", given, "a list of triggers")
    return [reading.within(one, f"triggers.{at}") for at, one in enumerate(given)]


def _there(trigger: Trigger | None) -> Trigger:
    if trigger is None:
        raise InvalidTriggerError.one("trigger", None, "a trigger")
    return trigger
