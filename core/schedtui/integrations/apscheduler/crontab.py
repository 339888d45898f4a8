"""Crontab expressions as sets of values, and back: what two readings of one text can agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schedtui.errors import InvalidTriggerError
from schedtui.triggers.fields import FIELDS, WEEKDAY, Field, read_fields

_NAMES: Final = ("second", "minute", "hour", "day", "month", "day_of_week")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """A crontab expression, taken apart."""

    text: Mapping[str, str]
    """Its fields but the day of week, in numbers, by APScheduler's names of them."""
    weekdays: frozenset[int]
    """0 is Sunday."""
    either: bool
    """Whether day of month or day of week is enough, because both are restricted."""


def fields_of(expression: str) -> Fields:
    """Take a crontab expression apart.

    Raises:
        InvalidTriggerError: it is none, or has ``L``, ``LW``, ``5L`` or ``mon#1`` in it.
    """
    read = dict(zip(_NAMES, read_fields(expression), strict=True))
    sets = {
        name: _set(field, read[name], expression)
        for name, field in zip(_NAMES, FIELDS, strict=True)
    }
    weekdays = frozenset(day % 7 for day in sets.pop("day_of_week"))
    text = {
        name: _text(field, sets[name])
        for name, field in zip(_NAMES, FIELDS, strict=True)
        if name in sets
    }
    starred = read["day"].startswith("*") or read["day_of_week"].startswith("*")
    return Fields(text=text, weekdays=weekdays, either=not starred)


def expression_of(sets: Mapping[str, frozenset[int]]) -> str:
    """The crontab expression of sets of values, with a leading second where that is not 0.

    Args:
        sets: By APScheduler's names; of ``day_of_week`` 0 is Sunday.
    """
    parts = [
        _text(field, sets[name])
        for name, field in zip(_NAMES, FIELDS, strict=True)
        if field is not WEEKDAY
    ]
    days = sets["day_of_week"]
    parts.append("*" if len(days) == 7 else _day_names(days))
    return " ".join(parts if sets["second"] != frozenset({0}) else parts[1:])


def _set(field: Field, text: str, expression: str) -> frozenset[int]:
    found: set[int] = set()
    for term in text.split(","):
        span, _, step = term.partition("/")
        first, _, last = span.partition("-")
        low, high = _number(field, first), _number(field, last or first)
        if span == "*":
            low, high = field.low, min(field.high, 6) if field is WEEKDAY else field.high
        elif step and not last:
            high = field.high
        if low is None or high is None:
            raise InvalidTriggerError.one(
                "expression", expression, f"a {field.name} that is a set of values: {term} is not"
            )
        found.update(range(low, high + 1, int(step) if step else 1))
    return frozenset(found)


def _number(field: Field, text: str) -> int | None:
    if text in field.names:
        return field.names.index(text) + field.low
    return int(text) if text.isdigit() else None


def _text(field: Field, values: frozenset[int]) -> str:
    """A set as it would be written: ``*``, ``*/5``, ``9-17``, ``0,30``."""
    ordered = sorted(values)
    every = range(field.low, field.high + 1)
    if ordered == list(every):
        return "*"
    if len(ordered) > 2:
        step = ordered[1] - ordered[0]
        if ordered == list(every)[::step]:
            return f"*/{step}"
    return ",".join(_runs(ordered))


def _runs(ordered: list[int]) -> list[str]:
    runs: list[list[int]] = []
    for value in ordered:
        if runs and runs[-1][-1] == value - 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    found: list[str] = []
    for run in runs:
        found += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(one) for one in run]
    return found


def _day_names(days: frozenset[int]) -> str:
    """Weekdays by name, Monday first, in which a range does not go round the end."""
    week = sorted((day - 1) % 7 for day in days)
    names = [_DAYS[(day + 1) % 7] for day in range(7)]
    return ",".join("-".join(names[int(one)] for one in run.split("-")) for run in _runs(week))
