"""Where jobs, runs, logs and the audit trail live: in memory, or in one SQLite file.

`open_store` is the only thing the layers above need; everything else is behind
`schedtui.protocols.Store`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedtui.errors import InvalidError
from schedtui.protocols import Store

if TYPE_CHECKING:
    from schedtui.store.sql.lock import Owner

_POSSIBLE = "'sqlite:///path/to/state.db' or 'memory://'"


def open_store(url: str) -> Store:
    """The store a URL stands for; it does nothing until its ``open`` is called.

    Args:
        url: ``memory://``, or as SQLAlchemy means it ``sqlite:///relative.db`` or
            ``sqlite:////absolute.db``. SQLite takes options: with ``?durability=full`` a power cut
            loses no commit, ``?busy_timeout_ms=5000`` is how long to wait for another program's
            lock.

    Raises:
        InvalidError: no store is meant by this URL.
    """
    scheme = url.partition(":")[0] if isinstance(url, str) else ""
    if scheme == "memory":
        from schedtui.store.memory import MemoryStore  # whichever is not used costs nothing

        if url != "memory://":
            raise InvalidError.one("store", url, "'memory://' alone; it has no path or options")
        return MemoryStore()
    if scheme == "sqlite":
        from schedtui.store.sql.sqlite import SqliteStore  # SQLAlchemy: 0.1 s
        from schedtui.store.sql.url import parse

        return SqliteStore(parse(url))
    if scheme.startswith("postgres"):
        raise InvalidError.one(
            "store", _without_secrets(url), f"{_POSSIBLE}; PostgreSQL is not supported yet"
        )
    got = _without_secrets(url) if isinstance(url, str) else url
    raise InvalidError.one("store", got, _POSSIBLE)


def owner_of(url: str) -> Owner | None:
    """Which engine has the store at a URL now; None: none, or no other process could have it.

    Raises:
        InvalidError: no store is meant by this URL.
    """
    if not url.startswith("sqlite:"):
        return None
    from schedtui.store.sql.lock import read_owner
    from schedtui.store.sql.url import parse

    return read_owner(parse(url).path)


def _without_secrets(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


__all__ = ["open_store", "owner_of"]
