"""Query parameters: declared once, read strictly, documented from the same declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from starlette.requests import Request

from schedtui.api.headers import refuse_unknown
from schedtui.client.local import MAX_PAGE
from schedtui.errors import FieldError, InvalidError, shorten_value
from schedtui.models.wire import from_wire

_MAX_ID = 2**63 - 1
_MAX_TEXT = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Param:
    """One query parameter."""

    name: str
    read: Callable[[str], Any]
    """Raises `ValueError` for what it does not take."""
    expected: str
    schema: Mapping[str, Any]
    """JSON schema, for the documentation."""
    default: Any = None
    about: str = ""
    """What it means, for the documentation; a sentence without its full stop."""
    required: bool = False
    many: bool = False
    """Whether it may be given again; its value is then a list of all."""


class Params:
    """The query parameters of a route; any other is an error, not a silent nothing."""

    def __init__(self, *params: Param) -> None:
        self._params = {param.name: param for param in params}

    def read(self, request: Request) -> dict[str, Any]:
        """The value of each parameter, its default where it is not given.

        Raises:
            InvalidError: with every parameter that is wrong, unknown or given twice; or for a
                precondition that the call does not know.
        """
        refuse_unknown(request)
        values = {name: param.default for name, param in self._params.items()}
        errors: list[FieldError] = []
        seen: set[str] = set()
        for name, text in request.query_params.multi_items():
            param = self._params.get(name)
            if param is None:
                known = ", ".join(self._params) or "none"
                errors.append(_error(name, text, f"no such parameter here; known: {known}"))
            elif name in seen and not param.many:
                errors.append(_error(name, text, "the parameter once"))
            else:
                try:
                    value = param.read(text)
                    if not param.many:
                        values[name] = value
                    elif name in seen:
                        values[name].append(value)
                    else:
                        values[name] = [value]
                    seen.add(name)
                except ValueError:
                    errors.append(_error(name, text, param.expected))
        errors += [
            _error(name, None, param.expected)
            for name, param in self._params.items()
            if param.required and name not in seen and name not in request.query_params
        ]
        if errors:
            first = errors[0]
            raise InvalidError(
                f"{first.field}: got {first.got!r}; expected {first.expected}", tuple(errors)
            )
        return values

    def openapi(self) -> list[dict[str, Any]]:
        """The parameters as OpenAPI wants them."""
        return [
            {
                "name": param.name,
                "in": "query",
                "required": param.required,
                "description": _sentences(param.about, param.expected),
                "schema": {**param.schema, "default": param.default}
                if param.default is not None
                else dict(param.schema),
            }
            for param in self._params.values()
        ]


def whole(
    name: str,
    *,
    low: int = 0,
    high: int = _MAX_ID,
    default: int | None = None,
    about: str = "",
) -> Param:
    """A whole number in a range, both ends included."""

    def read(text: str) -> int:
        if (
            not text.isascii()
            or not text.isdigit()
            or len(text) > 19
            or not low <= int(text) <= high
        ):
            raise ValueError(text)
        return int(text)

    return Param(
        name=name,
        read=read,
        expected=f"a whole number from {low} to {high}",
        schema={"type": "integer", "minimum": low, "maximum": high},
        default=default,
        about=about,
    )


def text(
    name: str, *, about: str = "", required: bool = False, pattern: str | None = None
) -> Param:
    """Any text of a sensible length; ``pattern`` is what the engine will take of it."""

    def read(value: str) -> str:
        if not 1 <= len(value) <= _MAX_TEXT:
            raise ValueError(value)
        return value

    expected = f"1 to {_MAX_TEXT} characters"
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": _MAX_TEXT}
    if pattern is not None:
        schema["pattern"] = pattern
    return Param(
        name=name, read=read, expected=expected, schema=schema, about=about, required=required
    )


def repeated(param: Param) -> Param:
    """``param``, which may be given several times."""
    schema = {"type": "array", "items": dict(param.schema)}
    return replace(param, many=True, schema=schema)


def flag(name: str, *, about: str = "") -> Param:
    """``true`` or ``false``."""

    def read(value: str) -> bool:
        if value not in {"true", "false"}:
            raise ValueError(value)
        return value == "true"

    schema = {"type": "boolean"}
    return Param(
        name=name, read=read, expected="true or false", schema=schema, default=False, about=about
    )


def member(name: str, kind: type[Enum], *, about: str = "") -> Param:
    """One of an enumeration's values."""
    values = [one.value for one in kind]
    expected = f"one of {', '.join(values)}"
    schema = {"type": "string", "enum": values}
    return Param(name=name, read=kind, expected=expected, schema=schema, about=about)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Moment:
    at: datetime


def moment(name: str, *, about: str = "") -> Param:
    """A date and time with an offset."""

    def read(value: str) -> datetime:
        return from_wire(_Moment, {"at": value}).at

    return Param(
        name=name,
        read=read,
        expected="an ISO 8601 date and time with an offset, such as 2026-12-24T18:00:00Z "
        "(a plus sign is written %2B in a URL)",
        schema={"type": "string", "format": "date-time"},
        about=about,
    )


def limit(*, default: int = 100, high: int = MAX_PAGE) -> Param:
    """How many items at most."""
    return whole("limit", low=1, high=high, default=default, about="How many at most")


CURSOR = text(
    "cursor", pattern="^[0-9]{1,18}$", about="Where the page before ended, as its answer said"
)
"""Where the page before ended."""
EXPECT_ID = whole(
    "expect_id",
    about="The id that the job must still have; 409 where another one has its name by now",
)
"""The id that the job must still have."""
NONE = Params()


def path_id(name: str, value: str) -> int | None:
    """An id in a path; None for a number that no id can be.

    Raises:
        InvalidError: it is not a number.
    """
    if not value.isascii() or not value.isdigit():
        raise InvalidError.one(name, value, "a whole number")
    return int(value) if len(value) <= 19 and int(value) <= _MAX_ID else None


def _sentences(*texts: str) -> str:
    return " ".join(f"{one[0].upper()}{one[1:]}." for one in texts if one)


def _error(name: str, got: str | None, expected: str) -> FieldError:
    return FieldError(field=name[:80], got=shorten_value(got), expected=expected)
