"""The store in one SQLite file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa

from schedtui.errors import StoreLockedError, StoreUnavailableError
from schedtui.models import LogHit, LogLine
from schedtui.protocols import Boot, Opened, StoreTx
from schedtui.store import rows
from schedtui.store.sql import fulltext, schema
from schedtui.store.sql.bulk import plainly
from schedtui.store.sql.connection import Connections, make_file
from schedtui.store.sql.dead import DeadReader
from schedtui.store.sql.errors import Foreign, translated
from schedtui.store.sql.keeping import KeepingReader
from schedtui.store.sql.lock import Lock
from schedtui.store.sql.logs import SqlLogs
from schedtui.store.sql.migrate import prepare
from schedtui.store.sql.once import OnceReader
from schedtui.store.sql.past import PastReader
from schedtui.store.sql.revisions import RevisionReader
from schedtui.store.sql.stats import StatsReader
from schedtui.store.sql.url import SqliteUrl
from schedtui.store.sql.writes import SqlTx

CHECK_EVERY_S = 5.0
"""How often a writer looks whether the file is still there; each time once it is not."""
_BOOTS = schema.boots.c


class SqliteStore(PastReader, OnceReader, RevisionReader, KeepingReader, DeadReader, StatsReader):
    """A store in a file: WAL, one writer, readers that never wait for it.

    With ``durability=normal`` a power cut may take the last commits, a killed process none; the
    file is whole in either case.
    """

    def __init__(self, url: SqliteUrl) -> None:
        super().__init__(self._connection_to_read)
        self._address = url
        self._logs = SqlLogs(self._connection_to_read)
        self._lock = Lock(url.path)
        self._connections: Connections | None = None
        self._writer: sa.Connection | None = None
        self._writing = threading.RLock()
        self._identity: tuple[int, int] | None = None
        self._look_again = 0.0

    @property
    def url(self) -> str:
        """Kind and place."""
        return str(self._address)

    def open(self, boot: Boot | None) -> Opened:
        """Lock, migrate (with a backup first), and register the boot.

        Raises:
            StoreLockedError: an engine owns it, this one too.
            StoreSchemaError: it was written by a newer schedtui.
            StoreUnavailableError: it cannot be opened now.
            StoreError: it is damaged, or no store of schedtui.
        """
        with self._writing:
            if self._connections is not None:
                raise StoreLockedError(str(self._address.path))
            make_file(self._address.path)
            if boot is not None:
                self._lock.acquire(boot)
            try:
                self._connections = Connections(self._address)
                self._writer = self._connections.writer()
                self._identity = self._identity_now()
                prepare(self._writer, self._connections, owned=boot is not None)
                with translated(self._address.path):
                    self._logs.indexed = fulltext.available(self._writer)
                    return self._register(boot)
            except BaseException:
                self.close()
                raise

    def _register(self, boot: Boot | None) -> Opened:
        with self._writer_in_transaction() as connection:
            opened = _opened(connection)
            if boot is not None:
                if opened.last_seen_us is not None and not opened.clean:
                    _seen(connection, opened.last_seen_us)
                values = {
                    "boot": boot.boot,
                    "pid": boot.pid,
                    "address": boot.address,
                    "started_at": boot.started_at_us,
                    "last_seen": boot.started_at_us,
                }
                connection.execute(schema.boots.insert().values(values))
            return opened

    def close(self) -> None:
        """Let go of every connection and of the lock. Safe to call twice.

        Waits for a transaction that is under way.
        """
        with self._writing:
            connections, self._connections = self._connections, None
            self.drop_connection()
            if connections is not None:
                connections.close()
            self._lock.release()

    def drop_connection(self) -> None:
        """Throw the writer's connection away; the next transaction makes a new one."""
        with self._writing:
            writer, self._writer = self._writer, None
            if writer is not None:
                with suppress(*Foreign):
                    writer.close()

    @contextmanager
    def transaction(self) -> Iterator[StoreTx]:
        """A write transaction: committed at the end of the block, rolled back by an exception."""
        with self._writer_in_transaction() as connection:
            tx = SqlTx(connection, self._address.path, indexed=self._logs.indexed)
            yield tx
            if tx.failure is not None:
                raise tx.failure

    @contextmanager
    def _writer_in_transaction(self) -> Iterator[sa.Connection]:
        path = self._address.path
        with self._writing:
            if self._connections is None:
                raise self._closed()
            self._check_file()
            if self._writer is None:
                self._writer = self._connections.writer()
            connection = self._writer
            with translated(path):
                plainly(connection, "BEGIN IMMEDIATE")
            try:
                yield connection
                with translated(path):
                    plainly(connection, "COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise

    def _check_file(self) -> None:
        """SQLite goes on with a file that was deleted; all it takes would be gone at the end."""
        now = time.monotonic()
        if self._writer is not None and now < self._look_again:
            return
        if self._identity_now() != self._identity:
            raise StoreUnavailableError(
                f"{self._address.path} was deleted or replaced while the engine runs; nothing is "
                "kept until that very file is back: stop the engine, put the file right, and start "
                "it again"
            )
        self._look_again = now + CHECK_EVERY_S

    def _identity_now(self) -> tuple[int, int] | None:
        try:
            found = self._address.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _roll_back(self, connection: sa.Connection) -> None:
        try:
            plainly(connection, "ROLLBACK")
        except Foreign:
            self.drop_connection()  # closing it ends whatever is left of the transaction

    @contextmanager
    def _connection_to_read(self) -> Iterator[sa.Connection]:
        connections = self._connections
        if connections is None:
            raise self._closed()
        with connections.reading() as connection:
            yield connection

    def _closed(self) -> StoreUnavailableError:
        return StoreUnavailableError(f"{self._address.path}: the store is not open")

    def log_lines(self, run_id: int, *, after: int, limit: int) -> list[LogLine]:
        """Lines with a ``seq`` above ``after``, in order."""
        return self._logs.lines(run_id, after=after, limit=limit)

    def log_tail(self, run_id: int, count: int) -> list[LogLine]:
        """The last ``count`` lines that are kept, in order."""
        return self._logs.tail(run_id, count)

    def search_logs(self, query: str, *, limit: int) -> list[LogHit]:
        """Lines that hold every word of ``query``, newest run first."""
        return self._logs.search(query, limit=limit)


def _opened(connection: sa.Connection) -> Opened:
    # SQLite keeps the highest id ever given out here, also when its row is gone.
    last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'runs'")
    found = connection.execute(sa.select(schema.meta.c.key, schema.meta.c.value))
    kept = {row.key: row.value for row in found}
    newest = sa.select(_BOOTS.last_seen, _BOOTS.stopped_at).order_by(_BOOTS.id.desc()).limit(1)
    before = connection.execute(newest).first()
    epoch = int(kept.get("clock_epoch", 0))
    try:
        seen_us = None if before is None else rows.micros_of(before.last_seen)
    except (TypeError, OverflowError):  # damaged: as if nothing were known of it
        seen_us = None
    if before is not None and seen_us is not None and before.stopped_at is None:
        seen_us = _last_sign(connection, epoch, seen_us)
    return Opened(
        last_run_id=last.scalar() or 0,
        clock_epoch=epoch,
        last_seen_us=seen_us,
        clean=before is None or before.stopped_at is not None,
        pause=rows.pause_of(kept.get("pause")),
    )


def _last_sign(connection: sa.Connection, epoch: int, beat_us: int) -> int:
    """The last sign of life of an engine that did not stop in order: a beat, a claim or a start.

    Only of its newest run and those that were active, and by the clock as it was last set.
    """
    runs = schema.runs.c
    active = sa.text(f"({schema.ACTIVE.text})")
    signs = sa.select(sa.func.max(runs.claimed_at), sa.func.max(runs.started_at))
    newest = sa.select(sa.func.max(runs.id)).scalar_subquery()
    found = [
        *connection.execute(signs.where(active, runs.clock_epoch == epoch)).one(),
        *connection.execute(signs.where(runs.id == newest, runs.clock_epoch == epoch)).one(),
    ]
    return max([beat_us, *(sign for sign in found if isinstance(sign, int))])


def _seen(connection: sa.Connection, at_us: int) -> None:
    """The newest engine was seen until then."""
    newest = sa.select(sa.func.max(_BOOTS.id)).scalar_subquery()
    connection.execute(schema.boots.update().where(_BOOTS.id == newest).values(last_seen=at_us))
