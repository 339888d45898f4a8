"""Models to JSON values and back.

Datetimes travel as ISO 8601 with an offset, enums as their value, tuples as lists. Reading is
strict: the problems of an input are reported at once, each with its field.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

from schedtui.errors import FieldError, InvalidError, shorten, shorten_value

T = TypeVar("T")
_Reader = Callable[[Any, str, list[FieldError], bool], Any]
_BAD = object()
_PLAIN = frozenset({str, int, bool, float, type(None)})
_MAX_ERRORS = 1_000  # that are collected from a list


def to_wire(value: Any) -> Any:
    """``value`` as plain JSON values: dict, list, str, int, float, bool, None."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, str | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_wire(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {
            name: to_wire(getattr(value, name)) for name in _field_names(cast(Any, type(value)))
        }
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_wire(cls: type[T], data: Any, *, strict: bool = True) -> T:
    """Build ``cls`` (a model, or a named tuple) from JSON values.

    Args:
        cls: A dataclass or named tuple of this package.
        data: What `to_wire` gave, or a person wrote.
        strict: Refuse unknown fields. False when reading another engine's answers, which may be
            newer.

    Raises:
        InvalidError: with every field that is wrong.
    """
    errors: list[FieldError] = []
    value = _reader(cast(Any, cls))(data, "", errors, strict)
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise InvalidError(
            f"{first.field or 'body'}: got {shorten(first.got)}; expected {first.expected}{more}",
            tuple(errors),
        )
    return cast(T, value)


@cache
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


def _fail(errors: list[FieldError], field: str, got: Any, expected: str) -> Any:
    errors.append(FieldError(field=field, got=shorten_value(got), expected=expected))
    return _BAD


@cache
def _reader(hint: Any) -> _Reader:
    origin = typing.get_origin(hint)
    args = typing.get_args(hint)
    if hint is Any:
        return lambda data, *_: data
    if hint is datetime:
        return _read_datetime
    if origin in (typing.Union, types.UnionType):
        return _optional([arg for arg in args if arg is not type(None)], type(None) in args)
    if origin is typing.Literal:
        return _words(args)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return _sequence(args[0])
    if origin is tuple:
        return _fixed(args)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping
    if origin is not None and dataclasses.is_dataclass(origin):
        parameters = cast(Any, origin).__parameters__
        return _record(cast(type, origin), dict(zip(parameters, args, strict=True)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if hint in (str, int, float, bool):
        return _scalar(hint)
    if dataclasses.is_dataclass(hint):
        return _record(cast(type, hint), {})
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return _named_tuple(hint)
    raise TypeError(f"no wire form for {hint!r}")


def _read_datetime(data: Any, field: str, errors: list[FieldError], _strict: bool) -> Any:
    expected = "an ISO 8601 date and time with an offset, such as 2026-12-24T18:00:00Z"
    if not isinstance(data, str):
        return _fail(errors, field, data, expected)
    try:
        moment = datetime.fromisoformat(data)
    except ValueError:
        return _fail(errors, field, data, expected)
    if moment.tzinfo is None:
        return _fail(errors, field, data, f"{expected} (this one has no offset)")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _fail(errors, field, data, "a date between the years 1 and 9999")


def _scalar(kind: type) -> _Reader:
    words = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}

    def read(data: Any, field: str, errors: list[FieldError], _strict: bool) -> Any:
        if kind is float and isinstance(data, int) and not isinstance(data, bool):
            try:
                return float(data)
            except OverflowError:
                return _fail(errors, field, data, "a smaller number")
        if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
            return _fail(errors, field, data, words[kind])
        if kind is float and not math.isfinite(cast(float, data)):
            return _fail(errors, field, data, "a finite number")
        return data

    return read


def _enum(kind: type[Enum]) -> _Reader:
    allowed = ", ".join(repr(member.value) for member in kind)

    def read(data: Any, field: str, errors: list[FieldError], _strict: bool) -> Any:
        try:
            return kind(data)
        except ValueError:
            return _fail(errors, field, data, f"one of {allowed}")

    return read


def _words(allowed: tuple[Any, ...]) -> _Reader:
    expected = f"one of {', '.join(map(repr, allowed))}"

    def read(data: Any, field: str, errors: list[FieldError], _strict: bool) -> Any:
        return data if data in allowed else _fail(errors, field, data, expected)

    return read


def _optional(options: list[Any], nullable: bool) -> _Reader:
    readers = [_reader(option) for option in options]

    def read(data: Any, field: str, errors: list[FieldError], strict: bool) -> Any:
        if data is None and nullable:
            return None
        for reader in readers[:-1]:
            attempt: list[FieldError] = []
            value = reader(data, field, attempt, strict)
            if not attempt:
                return value
        return readers[-1](data, field, errors, strict)

    return read


def _sequence(item: Any) -> _Reader:
    reader = _reader(item)

    def read(data: Any, field: str, errors: list[FieldError], strict: bool) -> Any:
        if not isinstance(data, list | tuple):
            return _fail(errors, field, data, "a list")
        found = []
        for i, one in enumerate(data):
            found.append(reader(one, f"{field}.{i}", errors, strict))
            if len(errors) >= _MAX_ERRORS:
                return _BAD
        return tuple(found)

    return read


def _fixed(items: tuple[Any, ...]) -> _Reader:
    readers = [_reader(item) for item in items]

    def read(data: Any, field: str, errors: list[FieldError], strict: bool) -> Any:
        if not isinstance(data, list | tuple) or len(data) != len(readers):
            return _fail(errors, field, data, f"a list of {len(readers)}")
        pairs = zip(readers, data, strict=True)
        return tuple(r(one, f"{field}.{i}", errors, strict) for i, (r, one) in enumerate(pairs))

    return read


def _named_tuple(cls: Any) -> _Reader:
    hints = typing.get_type_hints(cls)
    fields = _fixed(tuple(hints[name] for name in cls._fields))

    def read(data: Any, field: str, errors: list[FieldError], strict: bool) -> Any:
        values = fields(data, field, errors, strict)
        return values if values is _BAD else cls._make(values)

    return read


def _mapping(data: Any, field: str, errors: list[FieldError], _strict: bool) -> Any:
    if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
        return _fail(errors, field, data, "an object")
    return dict(data)


def _record(cls: Any, bound: Mapping[Any, Any]) -> _Reader:
    """A dataclass; ``bound`` says what its type variables stand for (``Page[Job]``)."""
    hints = typing.get_type_hints(cls)

    def resolve(hint: Any) -> Any:
        free = getattr(hint, "__parameters__", ())
        return hint[tuple(bound[one] for one in free)] if free else bound.get(hint, hint)

    readers = {field.name: _reader(resolve(hints[field.name])) for field in dataclasses.fields(cls)}
    required = {
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    def read(data: Any, field: str, errors: list[FieldError], strict: bool) -> Any:
        if not isinstance(data, Mapping):
            return _fail(errors, field, data, "an object")
        below = f"{field}." if field else ""
        found = len(errors)
        for name in required - data.keys():
            _fail(errors, below + name, None, "a value; it is missing")
        values = {}
        for name, item in data.items():
            reader = readers.get(name)
            if reader is not None:
                values[name] = reader(item, below + name, errors, strict)
            elif strict:
                _fail(errors, f"{below}{name}", item, f"no such field; known: {', '.join(readers)}")
        return cls(**values) if len(errors) == found else _BAD

    return read
