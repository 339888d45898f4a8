"""Fingerprints: what code a run ran and which late values it had, without showing either.

Equal things have equal fingerprints, in every process and after every restart of one store.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from enum import Enum
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any

from schedtui.schema.parameters import underlying

SOURCE = "__schedtui_source__"
"""The global name under which a module that was compiled from bytes keeps their digest."""
_LENGTH = 12
_MAX_PARTS = 20_000
"""Parts of a late value that are looked at; one that is larger is told by its beginning."""
_sources: dict[str, tuple[tuple[int, int], str]] = {}


def digest_of_source(data: bytes) -> str:
    """The digest of a module's source."""
    return hashlib.sha256(data).hexdigest()


def source_of(call: Callable[..., Any]) -> str:
    """The digest of the source that a callable was made of; empty where there is no file.

    Asked when the function is registered: later the file may hold what is not running.
    """
    function = underlying(call)
    known = getattr(function, "__globals__", {}).get(SOURCE)
    if isinstance(known, str):
        return known
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    try:
        path = Path(code.co_filename)
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        found = _sources.get(code.co_filename)
        if found is None or found[0] != stamp:
            found = _sources[code.co_filename] = (stamp, digest_of_source(path.read_bytes()))
    except (OSError, ValueError):
        return ""
    return found[1]


def code_fingerprint(call: Callable[..., Any], source: str) -> str:
    """The fingerprint of a function: its module's source and its own compiled code.

    What it imports from other modules is no part of it.

    Args:
        call: The function.
        source: Of `source_of`.
    """
    digest = hashlib.sha256(source.encode())
    function = underlying(call)
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    digest.update(f"{sys.version_info[:2]} {name}".encode("utf-8", "replace"))
    if code is not None:
        for part in _code_parts(code):
            digest.update(part)
    return digest.hexdigest()[:_LENGTH]


def value_fingerprint(value: object, key: bytes) -> str:
    """The fingerprint of a late value: it says whether the value is another one, and no more.

    Args:
        value: Anything; equal plain data, dataclasses and pydantic models give equal fingerprints.
        key: The store's own, without which nobody can find out a value by trying.
    """
    digest = hmac.new(key, digestmod=hashlib.sha256)
    try:
        for part in _Parts().of(value, frozenset()):
            digest.update(b"%d:" % len(part) + part)
    except Exception:  # noqa: BLE001 - objects of the user may raise anything, and the run goes on
        digest.update(type(value).__qualname__.encode("utf-8", "replace"))
    return digest.hexdigest()[:_LENGTH]


def _code_parts(code: CodeType) -> Iterator[bytes]:
    """What a code object does, without where it stands."""
    yield code.co_code
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    yield repr(names).encode("utf-8", "replace")
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _code_parts(const)
        else:
            yield from _Parts().of(const, frozenset())


class _Parts:
    """Takes one value apart."""

    def __init__(self) -> None:
        self._left = _MAX_PARTS

    def of(self, value: Any, inside: frozenset[int]) -> Iterator[bytes]:
        """Bytes that are the same for an equal value.

        Args:
            value: Anything.
            inside: The ids of what it lies in, so that what holds itself ends somewhere.
        """
        self._left -= 1
        kind = type(value)
        yield kind.__qualname__.encode("utf-8", "replace")
        if self._left < 0 or id(value) in inside:
            return
        plain = _plain(value)
        if plain is not None:
            yield plain
            return
        inside |= {id(value)}
        if isinstance(value, Mapping):
            yield from self._unordered(value.items(), inside)
        elif isinstance(value, Set):
            yield from self._unordered(value, inside)
        elif isinstance(value, list | tuple):
            yield from self._ordered(value, inside)
        elif hasattr(value, "get_secret_value"):  # of pydantic; its repr is a row of stars
            yield from self.of(value.get_secret_value(), inside)
        elif dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            yield from self._ordered([getattr(value, one.name) for one in fields], inside)
        elif getattr(kind, "__repr__", None) is object.__repr__ or hasattr(
            value, "__pydantic_fields__"
        ):
            # its repr would name its place in memory, or leave out what differs
            yield from self._unordered(getattr(value, "__dict__", {}).items(), inside)
        else:
            yield repr(value).encode("utf-8", "replace")

    def _ordered(self, items: Iterable[Any], inside: frozenset[int]) -> Iterator[bytes]:
        for item in items:
            if self._left < 0:
                return
            yield from self.of(item, inside)

    def _unordered(self, items: Iterable[Any], inside: frozenset[int]) -> Iterator[bytes]:
        """Items whose order says nothing, in an order of their own."""
        yield from sorted(
            b"\0".join(self.of(item, inside)) for item in islice(items, max(self._left, 0))
        )


def _has_no_repr(kind: type) -> bool:
    return getattr(kind, "__repr__", None) is object.__repr__


def _plain(value: Any) -> bytes | None:
    """The bytes of a value that holds no others."""
    if isinstance(value, Enum):
        return value.name.encode()
    if value is None or isinstance(value, bool | int | float | complex):
        return repr(value).encode()
    if isinstance(value, str):
        return str.__str__(value).encode("utf-8", "surrogatepass")
    return bytes(value) if isinstance(value, bytes | bytearray) else None
