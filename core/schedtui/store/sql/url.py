"""What a ``sqlite:///`` URL says: the file, and how to treat it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from schedtui.errors import InvalidError

_OPTIONS = re.compile(r"\w+=[^/?&]*(&\w+=[^/?&]*)*")
_KNOWN = "'durability=normal', 'durability=full' or 'busy_timeout_ms=5000'"


@dataclass(frozen=True, kw_only=True, slots=True)
class SqliteUrl:
    """A parsed URL."""

    path: Path
    """Absolute, links resolved, so that one file has one lock."""
    full: bool = False
    """Sync every commit (``durability=full``): a power cut loses nothing."""
    busy_timeout_ms: int = 5000
    """How long to wait for a lock of another program."""

    def __str__(self) -> str:
        return f"sqlite:///{self.path}"


def parse(url: str) -> SqliteUrl:
    """Read ``sqlite:///relative.db`` or ``sqlite:////absolute.db``, with or without options.

    Nothing in the path is decoded, as in SQLAlchemy. A question mark belongs to the path unless
    what follows it has the form ``key=value``.

    Raises:
        InvalidError: there is no path, or an option is not known.
    """
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        raise InvalidError.one("store", url, "'sqlite:///' and a path (four slashes: absolute)")
    path, mark, tail = url.removeprefix(prefix).rpartition("?")
    if not mark or not _OPTIONS.fullmatch(tail):
        path, tail = url.removeprefix(prefix), ""
    if path in {"", ":memory:"}:
        raise InvalidError.one("store", url, "a file's path; for a store in memory use 'memory://'")
    if "\0" in path:
        raise InvalidError.one("store", url, "a path without null characters")
    full, busy_timeout_ms = False, 5000
    for option in filter(None, tail.split("&")):
        key, _, value = option.partition("=")
        if key == "durability" and value in {"normal", "full"}:
            full = value == "full"
        elif key == "busy_timeout_ms" and value.isdecimal() and len(value) <= 7:
            busy_timeout_ms = int(value)
        else:
            raise InvalidError.one("store", option, _KNOWN)
    return SqliteUrl(path=Path(path).resolve(), full=full, busy_timeout_ms=busy_timeout_ms)
