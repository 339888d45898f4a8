"""JSON as it travels: ASCII only, finite numbers, bounded depth."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 100
"""Lists and objects within each other; more is a mistake or an attack."""

_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def dump(value: Any) -> bytes:
    """``value`` as compact ASCII JSON.

    Raises:
        TypeError: it holds something that JSON does not know.
        ValueError: it holds NaN or an infinity.
    """
    return _ENCODER.encode(value).encode("ascii")


def dump_finite(value: Any) -> bytes:
    """Like `dump`, with ``null`` for the numbers that JSON does not know."""
    try:
        return dump(value)
    except ValueError:
        return dump(_finite(value))


def parse(data: bytes, *, max_depth: int | None = MAX_DEPTH) -> Any:
    """The JSON value in ``data``.

    Args:
        data: One document, UTF-8.
        max_depth: None where the caller checks the whole shape itself.

    Raises:
        ValueError: with a sentence fragment that says what is wrong.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_float)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if max_depth is not None and _deeper_than(value, max_depth):
        raise ValueError(f"nested deeper than {max_depth} levels")
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"not JSON: {constant} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
        level = [node for node in below if isinstance(node, dict | list)]
        if not level:
            return False
    return True
