"""Triggers from their JSON form, and from what people type into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from schedtui.clock import to_us
from schedtui.errors import (
    FieldError,
    InvalidError,
    InvalidTriggerError,
    shorten,
    shorten_value,
)
from schedtui.triggers.base import Trigger
from schedtui.triggers.cron import Cron
from schedtui.triggers.every import Every
from schedtui.triggers.once import Once
from schedtui.triggers.timezones import check_timezone
from schedtui.triggers.typed import parse_duration, parse_moment
from schedtui.triggers.words import iso_utc

_T = TypeVar("_T")
_MOMENT: Final = "an ISO 8601 date and time with an offset, such as 2026-12-24T18:00:00Z"


def parse_trigger(data: Mapping[str, Any], timezone: str, now_us: int) -> Trigger:
    """The trigger that a JSON form means, bound to a time zone.

    ::

        {"type": "cron", "expression": "0 9 * * 1"[, "timezone": "Europe/Berlin"]}
        {"type": "every", "seconds": 300 | "typed": "5m"[, "anchor": "2026-01-01T00:00:00Z"]}
        {"type": "once", "at": "2026-12-24T18:00:00Z" | "typed": "tomorrow 7:30"}

    Args:
        data: The JSON form. What was typed is resolved here, once: the trigger's own JSON form
            holds the seconds or the moment.
        timezone: The job's IANA zone; typed times are meant in it.
        now_us: Now, in microseconds since 1970; typed times count from it.

    Raises:
        InvalidTriggerError: with every field that is wrong.
    """
    if not isinstance(data, Mapping):
        expected = 'an object, such as {"type": "cron", "expression": "0 9 * * *"}'
        raise InvalidTriggerError(
            f"trigger: got {shorten(data)}; expected {expected}",
            (FieldError(field="", got=shorten_value(data), expected=expected),),
        )
    check_timezone(timezone)
    kind = data.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise InvalidTriggerError.one("type", kind, "cron, every or once")
    return reader(data, timezone, now_us).with_timezone(timezone)


class _Form:
    """The fields of a JSON form; gathers everything that is wrong with them."""

    def __init__(self, data: Mapping[str, Any], *known: str) -> None:
        self._data = data
        wanted = f"only {', '.join(('type', *known))} in this type of trigger"
        self._problems: list[InvalidError] = [
            InvalidTriggerError.one(str(field)[:80], value, wanted)
            for field, value in data.items()
            if field not in ("type", *known)
        ]

    def read(self, field: str, reader: Callable[[Any], _T]) -> _T | None:
        """What ``reader`` makes of a field; None when that is wrong."""
        try:
            return reader(self._data.get(field))
        except InvalidTriggerError as problem:
            self._problems.append(problem)
            return None

    def read_optional(self, field: str, reader: Callable[[Any], _T]) -> _T | None:
        """The same; None also when the field is missing or null."""
        return None if self._data.get(field) is None else self.read(field, reader)

    def read_either(self, readers: Mapping[str, Callable[[Any], _T]]) -> _T | None:
        """The same of the only one of several fields that is there."""
        given = [field for field in readers if self._data.get(field) is not None]
        if len(given) == 1:
            return self.read(given[0], readers[given[0]])
        field = given[-1] if given else next(iter(readers))
        expected = f"either {' or '.join(readers)}" + (", not both" if given else "")
        self._problems.append(InvalidTriggerError.one(field, self._data.get(field), expected))
        return None

    def done(self, value: _T | None) -> _T:
        """``value``, when nothing is wrong."""
        if self._problems or value is None:
            raise InvalidTriggerError(
                "; ".join(str(problem) for problem in self._problems),
                tuple(error for problem in self._problems for error in problem.errors),
            )
        return value


def _read_cron(data: Mapping[str, Any], _timezone: str, _now_us: int) -> Trigger:
    form = _Form(data, "expression", "timezone")
    zone = form.read_optional("timezone", check_timezone)
    cron = form.done(form.read("expression", Cron))
    return Cron(cron.expression, zone)


def _read_every(data: Mapping[str, Any], _timezone: str, _now_us: int) -> Trigger:
    form = _Form(data, "seconds", "typed", "anchor")
    anchor = form.read_optional("anchor", lambda text: _moment(text, "anchor"))
    readers: dict[str, Callable[[Any], Every]] = {"seconds": Every, "typed": _typed_interval}
    every = form.done(form.read_either(readers))
    return Every(every.interval, anchor=anchor)


def _read_once(data: Mapping[str, Any], timezone: str, now_us: int) -> Trigger:
    form = _Form(data, "at", "typed")
    moment = form.read_either(
        {
            "at": lambda text: _moment(text, "at"),
            "typed": lambda text: _future(text, timezone, now_us),
        }
    )
    return Once(form.done(moment))


_READERS: Final = {"cron": _read_cron, "every": _read_every, "once": _read_once}


def _moment(text: object, field: str) -> datetime:
    if not isinstance(text, str):
        raise InvalidTriggerError.one(field, text, _MOMENT)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidTriggerError.one(field, text, _MOMENT) from None
    if moment.tzinfo is None:
        raise InvalidTriggerError.one(field, text, f"{_MOMENT} (this one has no offset)")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidTriggerError.one(field, text, "a date in the years 1 to 9999") from None


def _typed_interval(text: Any) -> Every:
    interval = parse_duration(text)
    try:
        return Every(interval)
    except InvalidTriggerError:
        wanted = "a duration from 1 ms to 36,500 days"
        raise InvalidTriggerError.one("typed", text, wanted) from None


def _future(text: Any, timezone: str, now_us: int) -> datetime:
    moment = parse_moment(text, timezone, now_us)
    if to_us(moment) <= now_us:
        raise InvalidTriggerError.one(
            "typed", text, f"a time in the future (this one was {iso_utc(moment)})"
        )
    return moment
