"""Arguments as TOML, which has no null: what it cannot say stands beside the rest, as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from schedtui.errors import FieldError, InvalidError, shorten_value
from schedtui.models.gathering import gathered, refuse

_INT64: Final = range(-(2**63), 2**63)  # what TOML promises to keep
_DEEPEST: Final = 64
_BITS: Final = 4_096  # Python writes no number of more than 4,300 digits
_VALUE: Final = (
    "a text, a finite number, true, false, a list or a table; a date goes in as text in quotes"
)


def plain_kwargs(kwargs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Arguments as the tables ``kwargs`` and ``kwargs_json`` of a file, without loss."""
    said = {name: sorted_keys(value) for name, value in sorted(kwargs.items()) if _fits(value)}
    rest = {
        name: json.dumps(value, ensure_ascii=False, sort_keys=True)
        for name, value in sorted(kwargs.items())
        if name not in said
    }
    if not rest:
        return {"kwargs": said}
    return {"kwargs": said, "kwargs_json": rest} if said else {"kwargs_json": rest}


def typed_kwargs(plain: Mapping[str, Any], as_json: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that both tables hold.

    Raises:
        InvalidError: with each that is not to be had.
    """
    wrong: list[FieldError] = []
    found = dict(plain)
    for name, value in plain.items():
        with gathered(wrong, f"kwargs.{name}"):
            _check(value, 0)
    for name, text in as_json.items():
        with gathered(wrong, f"kwargs_json.{name}"):
            if name in plain:
                raise InvalidError.one("", text, "the argument once: kwargs has it too")
            found[name] = _json(text)
    refuse(wrong)
    return found


def sorted_keys(value: Any) -> Any:
    """``value`` with the keys of every object in order, so that equal ones are written alike."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(item) for item in value] if isinstance(value, list | tuple) else value


def _fits(value: Any) -> bool:
    """Whether TOML, as any program reads it, keeps a JSON value."""
    if isinstance(value, Mapping):
        return all(map(_fits, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_fits, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return value in _INT64
    return value is not None


def _check(value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidError.one("", "more", f"at most {_DEEPEST} levels of nesting")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth + 1)
    elif isinstance(value, int) and value.bit_length() > _BITS:
        raise InvalidError.one("", "a longer one", f"a number of at most {_BITS:,} bits")
    elif not isinstance(value, str | int) and not (
        isinstance(value, float) and math.isfinite(value)
    ):
        raise InvalidError.one("", str(value), _VALUE)


def _json(text: Any) -> Any:
    def refused(constant: str) -> Any:
        raise ValueError(constant)

    try:
        if isinstance(text, str):
            return json.loads(text, parse_constant=refused)
    except (ValueError, RecursionError):
        pass
    raise InvalidError.one("", shorten_value(text), "JSON in quotes, such as 'null' or '[1, null]'")
