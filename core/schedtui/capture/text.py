"""Text that can be stored and shown, whatever a user's object does when asked for it."""

from __future__ import annotations

import re

_MAX_NAME = 2_000
_NAME = type.__dict__["__name__"]
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """``text`` with NULs and lone surrogates replaced, so that every store takes it as UTF-8."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub("\ufffd", text)


def utf8_size(text: str) -> int:
    """Bytes of a storable ``text`` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def clip(text: str, limit_bytes: int) -> str:
    """``text`` made storable and cut to at most ``limit_bytes`` bytes, marked where it was cut."""
    text = storable(text[:limit_bytes] + "…" if len(text) > limit_bytes else text)
    if utf8_size(text) <= limit_bytes:
        return text
    return text.encode()[: limit_bytes - 3].decode("utf-8", "ignore") + "…"


def clip_middle(text: str, limit_bytes: int) -> str:
    """As `clip`, keeping the beginning and the end."""
    text = storable(text)
    if utf8_size(text) <= limit_bytes:
        return text
    data = text.encode()
    half = (limit_bytes - 80) // 2
    head = data[:half].decode("utf-8", "ignore")
    tail = data[-half:].decode("utf-8", "ignore")
    return f"{head}\n… {len(data) - 2 * half:,} bytes left out …\n{tail}"


def safe_str(value: object) -> str:
    """``str(value)``, or what it is where ``__str__`` raises."""
    try:
        return str(value)
    except BaseException as error:  # noqa: BLE001 - a user's __str__ may raise anything
        return _unprintable("str", value, error)


def safe_repr(value: object) -> str:
    """``repr(value)``, or what it is where ``__repr__`` raises."""
    try:
        return repr(value)
    except BaseException as error:  # noqa: BLE001 - a user's __repr__ may raise anything
        return _unprintable("repr", value, error)


def plain_type_name(value: object) -> str:
    """The name of a value's type, past a metaclass that stands in the way."""
    return plain_kind_name(type(value))


def plain_kind_name(kind: type) -> str:
    """The name of a type, past a metaclass that stands in the way."""
    return clip(_NAME.__get__(kind), _MAX_NAME)


def _unprintable(what: str, value: object, error: BaseException) -> str:
    return f"<{plain_type_name(value)}: its {what} raised {plain_type_name(error)}>"
