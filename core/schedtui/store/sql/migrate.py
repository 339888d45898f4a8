"""Bring a file's schema up to this code's, or say why that cannot be.

A new file is made from the tables at once, which is ten times as fast as through Alembic; that both
give the same is tested. Alembic is imported only where there is something to migrate.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from schedtui.errors import StoreError, StoreLockedError, StoreSchemaError
from schedtui.store.sql import schema
from schedtui.store.sql.connection import Connections
from schedtui.store.sql.errors import Foreign, translated
from schedtui.store.sql.lock import read_owner

logger = logging.getLogger("schedtui.store")

_WAL_PAUSES_S = (0.01, 0.02, 0.05, 0.1, 0.2)
SCRIPTS = "schedtui.store.sql:migrations"


def prepare(connection: sa.Connection, connections: Connections, *, owned: bool) -> None:
    """Create or migrate the schema, with a backup first.

    Args:
        connection: One that may write.
        connections: Makes another one, for the backup.
        owned: Whether the caller holds the engine's lock. Without it nothing is migrated below a
            living engine.

    Raises:
        StoreSchemaError: a newer schedtui wrote it.
        StoreLockedError: it must be migrated and an engine is at work.
        StoreError: it is not a store of schedtui, or is damaged.
    """
    path = connections.path
    with translated(path):
        found = _revision(connection, path)
        if found is None:
            # Cannot be set once there is a table.
            connection.exec_driver_sql("PRAGMA auto_vacuum = INCREMENTAL")
        if found is None or owned:
            _set_wal(connection, path)
        if found == schema.HEAD:
            return
        if found is not None and not owned and (owner := read_owner(path)) is not None:
            raise StoreLockedError(str(path), pid=owner.pid, address=owner.address or None)
        with _exclusive(connection):
            found = _revision(connection, path)  # another process may have been faster
            if found is None:
                _create(connection)
            elif found != schema.HEAD:
                backup = _back_up(connections, found)
                logger.warning("%s: schema %s becomes %s", path, found, schema.HEAD)
                _upgrade(connection, path, backup)


def _revision(connection: sa.Connection, path: Path) -> str | None:
    """The schema's revision; None for an empty file."""
    tables = set(
        connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
    )
    if schema.VERSION_TABLE not in tables:
        if tables:
            raise StoreError(
                f"{path} is a database of another program (it has the table {min(tables)!r}); "
                "give schedtui a file of its own"
            )
        return None
    found = connection.execute(sa.select(schema.version.c.version_num)).scalars().first()
    if found not in schema.REVISIONS:
        raise StoreSchemaError(
            f"{path} has schema {found!r}, which this schedtui does not know (its own is "
            f"{schema.HEAD!r}): a newer one wrote it. Install that one, or start with another path"
        )
    return str(found)


def _set_wal(connection: sa.Connection, path: Path) -> None:
    """A restored backup is not in this mode; a network file system may not know it."""
    for pause_s in _WAL_PAUSES_S:
        # SQLite does not wait here as it does elsewhere, where two make a new file at once.
        with suppress(OperationalError):
            mode = connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar()
            break
        time.sleep(pause_s)
    else:
        mode = connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar()
    if mode != "wal":
        logger.warning("%s: no write-ahead log (%s); readers and the writer wait", path, mode)


@contextmanager
def _exclusive(connection: sa.Connection) -> Iterator[None]:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        with suppress(*Foreign):
            connection.exec_driver_sql("ROLLBACK")
        raise


def _create(connection: sa.Connection) -> None:
    schema.version_metadata.create_all(connection, checkfirst=False)
    schema.metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute(schema.version.insert().values(version_num=schema.HEAD))


def _back_up(connections: Connections, revision: str) -> Path:
    path = connections.path
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    backup = path.with_name(f"{path.name}.{revision}-{stamp}.bak")
    connection = connections.writer()
    try:
        os.close(os.open(backup, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        connection.exec_driver_sql("VACUUM INTO ?", (str(backup),))
    except BaseException:
        backup.unlink(missing_ok=True)
        raise
    finally:
        connection.close()
    return backup


def _upgrade(connection: sa.Connection, path: Path, backup: Path) -> None:
    from alembic import command  # 0.3 s, and only ever needed after an upgrade of schedtui
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    given_out = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
    try:
        command.upgrade(config, schema.HEAD)
        for table, highest in given_out:
            # A table that was rebuilt has forgotten the ids of rows that are gone.
            connection.exec_driver_sql(
                "UPDATE sqlite_sequence SET seq = ? WHERE name = ? AND seq < ?",
                (highest, table, highest),
            )
    except Exception as error:
        raise StoreError(
            f"{path}: its schema could not be migrated to {schema.HEAD} ({error}). It was left as "
            f"it was; a copy from before is in {backup}"
        ) from error
