"""Values of a user as bounded text: the work stays small however large the value is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from schedtui.capture.text import clip, plain_type_name, safe_repr, storable, utf8_size

_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    dict: ("{", "}"),
}
_MAX_DEPTH = 20


def bounded_json(value: Any, limit_bytes: int) -> str | None:
    """``value`` as JSON text, or None where it is not JSON or longer than ``limit_bytes``."""
    try:
        if not _may_fit(value, limit_bytes):
            return None
        text = storable(json.dumps(value, allow_nan=False, ensure_ascii=False))
    except BaseException:  # noqa: BLE001 - subclasses of dict and list may raise anything
        return None
    return text if utf8_size(text) <= limit_bytes else None


def preview(value: Any, limit_bytes: int) -> str:
    """What ``repr`` says, made piece by piece and only as far as ``limit_bytes`` goes."""
    pieces: list[str] = []
    size = 0
    try:
        for piece in _pieces(value, limit_bytes, 0):
            pieces.append(piece)
            size += len(piece)
            if size > limit_bytes:
                break
    except BaseException as error:  # noqa: BLE001 - what a container holds may raise anything
        pieces.append(f"… ({plain_type_name(error)} while reading it)")
    return clip("".join(pieces), limit_bytes)


def _may_fit(value: Any, limit: int) -> bool:
    """Whether a lower bound of the JSON text's length is within ``limit``.

    Also what ends a value that holds itself: every visit costs.
    """
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            limit -= len(item) + 2
        elif isinstance(item, dict):
            limit -= 2 + 2 * len(item)
            if limit >= 0:
                stack.extend(item)
                stack.extend(item.values())
        elif isinstance(item, list | tuple):
            limit -= 1 + max(1, len(item))
            if limit >= 0:
                stack.extend(item)
        elif isinstance(item, int):
            limit -= 1 + item.bit_length() // 4
        else:
            limit -= 1
        if limit < 0:
            return False
    return True


def _pieces(value: Any, limit: int, depth: int) -> Iterator[str]:
    kind = type(value)
    brackets = _BRACKETS.get(kind)
    if kind is str or kind is bytes:
        yield safe_repr(value[:limit]) + ("…" if len(value) > limit else "")
    elif brackets is None or not value:
        yield safe_repr(value)
    elif depth >= _MAX_DEPTH:
        yield f"{brackets[0]}…{brackets[1]}"
    else:
        yield brackets[0]
        for index, item in enumerate(value):
            if index:
                yield ", "
            yield from _pieces(item, limit, depth + 1)
            if kind is dict:
                yield ": "
                yield from _pieces(value[item], limit, depth + 1)
        yield f",{brackets[1]}" if kind is tuple and len(value) == 1 else brackets[1]
