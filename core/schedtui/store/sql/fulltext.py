"""Log chunks and the index of their words: one contentless FTS5 table a month.

A table holds only words and the ids of chunks; a month of them can be dropped in one step, and
nothing drops one by itself. See https://sqlite.org/fts5.html#contentless_tables. The index may find
a chunk too many, for instance where words are in different lines of it; the lines themselves are
matched afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from schedtui.clock import from_us
from schedtui.protocols import LogChunk
from schedtui.store.sql import schema

_BATCH = 50  # chunks; one usually fills a screen with hits
_MAX_WORDS = 16  # of a query; the rarest few find the chunk, and the lines are matched anyway
_TABLE = re.compile(r"log_fts_\d{6}")
_CHUNKS = schema.log_chunks.c


def available(connection: sa.Connection) -> bool:
    """Whether this SQLite was built with FTS5."""
    found = connection.exec_driver_sql("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'")
    return found.first() is not None


def append(connection: sa.Connection, chunks: Sequence[LogChunk], *, indexed: bool) -> None:
    """Insert chunks and index their words."""
    months: dict[str, list[tuple[int, str]]] = {}
    for chunk in chunks:
        values = chunk._asdict()
        text = values.pop("text")
        values["first_at"] = values.pop("first_at_us")
        values["last_at"] = values.pop("last_at_us")
        insert = schema.log_chunks.insert().values(values).returning(_CHUNKS.id)
        chunk_id: int = connection.execute(insert).scalar_one()
        if indexed and text:
            table = f"log_fts_{from_us(chunk.first_at_us):%Y%m}"
            months.setdefault(table, []).append((chunk_id, text))
    for table, words in months.items():
        _create(connection, table)
        sql = f"INSERT INTO {table} (rowid, words) VALUES (?, ?)"  # noqa: S608 - a name of ours
        connection.exec_driver_sql(sql, words)


def _create(connection: sa.Connection, table: str) -> None:
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} "
        "USING fts5(words, content='', detail=none, tokenize='ascii')"
    )


def drop_empty(connection: sa.Connection) -> bool:
    """Drop one table of words that no chunk is left of. Returns whether there was one."""
    first = connection.execute(sa.select(sa.func.min(_CHUNKS.id))).scalar()
    for table in _tables(connection):
        # FTS5 keeps a row for each of its own there, also where it has no content.
        sql = f"SELECT max(id) FROM {table}_docsize"  # noqa: S608 - a name of ours
        last = connection.exec_driver_sql(sql).scalar()
        if last is None or first is None or last < first:
            connection.exec_driver_sql(f"DROP TABLE {table}")
            return True
    return False


def find(
    connection: sa.Connection, words: Sequence[str], first: Callable[[], int]
) -> Iterator[list[int]]:
    """The chunks that hold every word, the newest of each month first, a batch at a time.

    Args:
        connection: To read with.
        words: What they hold.
        first: The oldest chunk that is wanted; asked before each batch.
    """
    # The longest words are the rarest; in quotes nothing in them is syntax.
    rare = sorted(words, key=len, reverse=True)[:_MAX_WORDS]
    match = " ".join(f'"{word}"' for word in rare)
    for table in _tables(connection):
        sql = (
            f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid < ? AND rowid >= ? "  # noqa: S608 - as above
            f"ORDER BY rowid DESC LIMIT {_BATCH}"
        )
        before = 2**63 - 1
        while ids := connection.exec_driver_sql(sql, (match, before, first())).scalars().all():
            yield list(ids)
            before = ids[-1]


def scan(connection: sa.Connection, first: Callable[[], int]) -> Iterator[list[int]]:
    """All chunks, the newest first: what to search where the index is no help; see `find`."""
    newest = sa.select(_CHUNKS.id).order_by(_CHUNKS.id.desc()).limit(_BATCH)
    before = 2**63 - 1
    while True:
        page = newest.where(_CHUNKS.id < before, _CHUNKS.id >= first())
        ids = connection.execute(page).scalars().all()
        if not ids:
            return
        yield list(ids)
        before = ids[-1]


def _tables(connection: sa.Connection) -> list[str]:
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    return sorted(filter(_TABLE.fullmatch, names.scalars()), reverse=True)
