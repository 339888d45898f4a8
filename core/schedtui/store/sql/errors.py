"""What a database's error means for the caller: try again, never with these data, or mend the file.

The writer decides by the class alone: it repeats after `StoreUnavailableError` and halves the batch
after `StoreDataError`. Codes: https://sqlite.org/rescode.html
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import exc

from schedtui.errors import SchedtuiError, StoreDataError, StoreError, StoreUnavailableError

_ROOM = 1 << 16  # bytes; twice what SQLite wants at once, for the memory that readers share
_BUSY = "another program holds its lock"
_FULL = "the disk is full or a quota is reached; free some space"
_READONLY = "it may not be written; check the owner and mode of the file and its folder"
_CANTOPEN = "it cannot be opened; check the path, and the owner and mode of the file and its folder"
_IOERR = "the disk failed to read or write"

_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_PROTOCOL: _BUSY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READONLY,
    sqlite3.SQLITE_PERM: _READONLY,
    sqlite3.SQLITE_CANTOPEN: _CANTOPEN,
    sqlite3.SQLITE_IOERR: _IOERR,
    sqlite3.SQLITE_NOLFS: _IOERR,
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
    sqlite3.SQLITE_INTERRUPT: "it was interrupted",
}
_DATA = {
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_RANGE,
}
_DAMAGED = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}

Foreign = (exc.SQLAlchemyError, sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError)
"""What a statement may raise."""


@contextmanager
def translated(path: Path, written: Path | None = None) -> Iterator[None]:
    """Raise the store's own errors for what a statement raises in the block.

    Args:
        path: Of the store.
        written: What is written meanwhile, where that is another file.
    """
    try:
        yield
    except Foreign as error:
        full = written is not None and _is_full(written)
        raise translate(error, written if written is not None and full else path) from error


def translate(error: BaseException, path: Path) -> SchedtuiError:
    """The store's error for one of `Foreign`."""
    if isinstance(error, SchedtuiError):
        return error
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in _UNAVAILABLE:
        # Where there is no room for the files beside it, SQLite says no more than that it failed.
        full = primary == sqlite3.SQLITE_IOERR and _is_full(path)
        return StoreUnavailableError(
            f"{path}: {original}: {_FULL if full else _UNAVAILABLE[primary]}. "
            "Nothing of this was changed; the same can be tried again"
        )
    if primary in _DAMAGED:
        return DamagedError(path, str(original))
    if primary in _DATA or _is_binding(original, code):
        return StoreDataError(
            f"{path}: {original}. The same data will be refused again; nothing of it was written"
        )
    if isinstance(original, sqlite3.ProgrammingError | exc.ResourceClosedError):
        return StoreUnavailableError(f"{path}: the connection is closed ({original})")
    return StoreError(f"{path}: {original}. This is not foreseen; a retry is not known to help")


def _is_full(path: Path) -> bool:
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _ROOM


class DamagedError(StoreError):
    """A file is no database, or no longer one.

    Attributes:
        why: What SQLite says of it.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} is damaged or is not an SQLite database ({why}). It was left as it is: "
            "move it away and put a backup in its place, or start with another path"
        )
        self.why = why


def _is_binding(error: BaseException, code: int | None) -> bool:
    """Whether a value could not even be handed over: a type, a size, a broken character."""
    if isinstance(error, OverflowError | UnicodeError | sqlite3.DataError):
        return True
    return (
        code is None
        and isinstance(error, sqlite3.InterfaceError | sqlite3.ProgrammingError)
        and ("binding" in str(error) or "type" in str(error))
    )
