"""Connections to one SQLite file: one that writes, and a few that only read."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from schedtui.errors import StoreError, StoreUnavailableError
from schedtui.store.sql.errors import DamagedError, Foreign, translated
from schedtui.store.sql.url import SqliteUrl

logger = logging.getLogger("schedtui.store")

_MAGIC = b"SQLite format 3\0"
_SPARE_READERS = 4
_MIN_SQLITE = (3, 35)  # RETURNING
_COMMON = """
    PRAGMA temp_store = MEMORY;
    PRAGMA foreign_keys = OFF;
    PRAGMA synchronous = {synchronous};
"""
_WRITER = """
    PRAGMA cache_size = -16384;
    PRAGMA journal_size_limit = 67108864;
"""
_READER = """
    PRAGMA query_only = ON;
"""

_TEXT = partial(str, encoding="utf-8", errors="backslashreplace")
"""One damaged text must not keep the whole page it is on from being read."""


class Connections:
    """Makes connections to a file, and keeps what readers give back for the next one.

    SQLite's own way of beginning transactions is switched off: every BEGIN is written out. See
    https://docs.sqlalchemy.org/en/20/dialects/sqlite.html (transactional behaviour of pysqlite).
    """

    def __init__(self, url: SqliteUrl) -> None:
        if sqlite3.sqlite_version_info < _MIN_SQLITE:
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old; 3.35 or newer is needed. "
                "Use a Python that comes with one"
            )
        self._url = url
        self._engine = sa.create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        self._spare: list[sa.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @property
    def path(self) -> Path:
        """The database's file."""
        return self._url.path

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._url.path,
            timeout=self._url.busy_timeout_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        connection.text_factory = _TEXT
        return connection

    def _prepared(self, script: str) -> sa.Connection:
        connection = self._engine.connect()
        try:
            settings = _COMMON.format(synchronous="FULL" if self._url.full else "NORMAL") + script
            for statement in filter(None, map(str.strip, settings.split(";"))):
                connection.exec_driver_sql(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def writer(self) -> sa.Connection:
        """A new connection that may write."""
        with translated(self.path):
            return self._prepared(_WRITER)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection with one consistent view for the time of the block.

        Raises:
            StoreUnavailableError: the store is closed, or was while the block ran.
        """
        connection = self._take()
        try:
            with translated(self.path):
                connection.exec_driver_sql("BEGIN")
                yield connection
        except BaseException:
            _close(connection)
            raise
        self._give_back(connection)

    def _take(self) -> sa.Connection:
        with self._lock:
            if self._closed:
                raise StoreUnavailableError(f"{self.path}: the store is closed")
            if self._spare:
                return self._spare.pop()
        with translated(self.path):
            return self._prepared(_READER)

    def _give_back(self, connection: sa.Connection) -> None:
        try:
            connection.exec_driver_sql("ROLLBACK")
            connection.rollback()
        except Foreign as error:
            logger.debug("a reader is thrown away: %s", error)
            _close(connection)
            return
        with self._lock:
            if not self._closed and len(self._spare) < _SPARE_READERS:
                self._spare.append(connection)
                return
        _close(connection)

    def close(self) -> None:
        """Close what nobody uses; readers that are at work close theirs when they are done."""
        with self._lock:
            self._closed = True
            spare, self._spare = self._spare, []
        for connection in spare:
            _close(connection)
        self._engine.dispose()


def _close(connection: sa.Connection) -> None:
    with suppress(*Foreign):
        connection.close()


def make_file(path: Path) -> None:
    """Create the file (mode 0600) and the folders above it (0700) where they do not exist.

    Raises:
        StoreUnavailableError: it cannot be created or read.
        StoreError: there is something else than a database.
    """
    try:
        if path.is_dir():
            raise StoreError(f"{path} is a folder; expected a file's path, such as {path}/state.db")
        if path.exists() and not path.is_file():  # to open a pipe is to wait for its other end
            raise StoreError(f"{path} is no regular file; expected a path where one is or may be")
        for folder in reversed(path.parents):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with path.open("rb") as file:
            # SQLite takes a file shorter than a page for an empty one, and would overwrite it.
            if file.read(len(_MAGIC)) not in {b"", _MAGIC}:
                raise DamagedError(path, "it does not begin like one")
    except OSError as error:
        raise StoreUnavailableError(
            f"{path}: {error.strerror}; check the path, and the owner and mode of its folder"
        ) from error
