"""Reading the JSON form of a trigger field by field; gathers everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar

from schedtui.errors import FieldError, InvalidError, InvalidTriggerError, shorten, shorten_value
from schedtui.triggers.base import Trigger

_T = TypeVar("_T")
_MOMENT: Final = "an ISO 8601 date and time with an offset, such as 2026-12-24T18:00:00Z"
_DEEPEST: Final = 4
_MOST: Final = 50


@dataclass(kw_only=True, slots=True)
class Reading:
    """One reading of a trigger, with all that lies within it."""

    timezone: str
    """The job's zone: typed times are meant in it."""
    now_us: int
    """Typed times count from it."""
    read: Callable[[Any, Reading], Trigger]
    """Reads a trigger within a trigger."""
    depth: int = 0
    """How deep within the outermost one it is."""
    triggers: int = 0
    """How many were read so far."""

    def within(self, data: Any, field: str) -> Trigger:
        """A trigger that is part of another.

        Raises:
            InvalidTriggerError: it is wrong; the fields it names lie below ``field``.
        """
        self.depth += 1
        self.triggers += 1
        try:
            if self.depth > _DEEPEST or self.triggers > _MOST:
                expected = f"at most {_DEEPEST} triggers within each other, and {_MOST} in all"
                raise InvalidTriggerError.one("", "more", expected)
            return self.read(data, self)
        except InvalidError as error:
            raise error.below(field) from None
        finally:
            self.depth -= 1


class Form:
    """The fields of a JSON form.

    Args:
        data: The form.
        known: The names of all its fields, but ``type``.
    """

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
        except InvalidError as problem:
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

    def build(self, maker: Callable[[], _T]) -> _T:
        """What ``maker`` makes, when nothing is wrong so far."""
        return self.done(None if self._problems else self.read("", lambda _: maker()))

    def done(self, value: _T | None) -> _T:
        """``value``, when nothing is wrong."""
        if self._problems or value is None:
            raise InvalidTriggerError(
                "; ".join(str(problem) for problem in self._problems),
                tuple(error for problem in self._problems for error in problem.errors),
            )
        return value


def read_moment(text: object, field: str) -> datetime:
    """ISO 8601 with an offset.

    Raises:
        InvalidTriggerError: it is something else.
    """
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


def read_date(text: object, field: str) -> date:
    """``2026-12-24``.

    Raises:
        InvalidTriggerError: it is something else.
    """
    try:
        return date.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise InvalidTriggerError.one(field, text, "a date, such as 2026-12-24") from None


def not_a_form(data: object) -> InvalidError:
    """What to say of something that is no JSON object."""
    expected = 'an object, such as {"type": "cron", "expression": "0 9 * * *"}'
    return InvalidTriggerError(
        f"trigger: got {shorten(data)}; expected {expected}",
        (FieldError(field="", got=shorten_value(data), expected=expected),),
    )
