"""Reading and searching log lines in a SQLite store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa

from schedtui.errors import StoreDataError
from schedtui.models import LogHit, LogLine
from schedtui.store import chunks
from schedtui.store.rows import bounded
from schedtui.store.sql import fulltext, schema

NO_CHUNK = 2**63 - 1
"""Above the id of every chunk."""
_CHUNKS = schema.log_chunks.c
_JOBS = schema.jobs.c
_RUNS = schema.runs.c
# As it is: what is no BLOB in a damaged row would fail before it can be looked at.
_DATA: sa.Label[Any] = sa.type_coerce(_CHUNKS.data, sa.types.NullType()).label("data")

logger = logging.getLogger("schedtui.store")


class SqlLogs:
    """Log lines of a SQLite store.

    Args:
        reading: Gives a connection with one consistent view.
    """

    def __init__(self, reading: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        self._reading = reading
        self.indexed = True
        """Whether there is a full-text index; without one a search reads every chunk."""

    def lines(self, run_id: int, *, after: int, limit: int) -> list[LogLine]:
        """Lines with a ``seq`` above ``after``, in order; reads only the chunks they are in."""
        query = (
            sa.select(_DATA)
            .where(_CHUNKS.run_id == bounded(run_id), _CHUNKS.last_seq > bounded(after))
            .order_by(_CHUNKS.last_seq)
        )
        found: list[LogLine] = []
        with self._reading() as connection, connection.execute(query) as result:
            for data in result.scalars():
                if len(found) >= limit:
                    break
                found += [line for line in chunks.decode(data) if line.seq > after]
        return found[: max(limit, 0)]

    def tail(self, run_id: int, count: int) -> list[LogLine]:
        """The last ``count`` lines that are kept, in order."""
        query = (
            sa.select(_DATA)
            .where(_CHUNKS.run_id == bounded(run_id))
            .order_by(_CHUNKS.last_seq.desc())
        )
        found: list[list[LogLine]] = []
        missing = count
        with self._reading() as connection, connection.execute(query) as result:
            for data in result.scalars():
                if missing <= 0:
                    break
                found.append(chunks.decode(data)[-missing:])
                missing -= len(found[-1])
        return [line for lines in reversed(found) for line in lines]

    def search(self, query: str, *, limit: int) -> list[LogHit]:
        """Lines that hold every word of ``query``, newest run first."""
        wanted = chunks.Query(query)
        if not wanted or limit <= 0:
            return []
        best = chunks.Newest(limit)
        with self._reading() as connection:

            def first() -> int:
                return 0 if best.oldest is None else _first_after(connection, best.oldest)

            batches = (
                fulltext.find(connection, wanted.words, first)
                if self.indexed and wanted.words
                else fulltext.scan(connection, first)
            )
            for ids in batches:
                for run_id, data in _chunks(connection, ids, best.oldest):
                    if best.wants(run_id):
                        best.add(run_id, wanted.hits(_decoded(run_id, data)))
            names = _names(connection, {run_id for run_id, _ in best.hits})
        return [LogHit(run_id=i, job=names.get(i, ""), line=line) for i, line in best.hits]


def _first_after(connection: sa.Connection, run_id: int) -> int:
    """The first chunk of any run after this one; what is older needs no look."""
    # The plus keeps SQLite from walking up all chunks to the first of such a run.
    first = sa.func.min(sa.literal_column("+log_chunks.id", sa.Integer))
    query = sa.select(first).select_from(schema.log_chunks).where(_CHUNKS.run_id > run_id)
    found: int | None = connection.execute(query).scalar()
    return NO_CHUNK if found is None else found


def _chunks(
    connection: sa.Connection, ids: Sequence[int], oldest: int | None
) -> Iterator[tuple[int, bytes]]:
    """Run and data of chunks of runs after ``oldest``, the newest first."""
    query = sa.select(_CHUNKS.run_id, _DATA).where(_CHUNKS.id.in_(ids))
    if oldest is not None:
        query = query.where(_CHUNKS.run_id > oldest)
    for row in connection.execute(query.order_by(_CHUNKS.id.desc())):
        if isinstance(row.run_id, int):  # not damaged
            yield row.run_id, row.data


def _decoded(run_id: int, data: bytes) -> list[LogLine]:
    """The lines of a chunk; none where it is damaged, which costs no other one its hits."""
    try:
        return chunks.decode(data)
    except StoreDataError as error:
        logger.error("run %s: %s; it is not searched", run_id, error)
        return []


def _names(connection: sa.Connection, run_ids: set[int]) -> dict[int, str]:
    name = sa.func.coalesce(_JOBS.group_name + "/" + _JOBS.name, _RUNS.function)
    query = (
        sa.select(_RUNS.id, name.label("job"))
        .join_from(schema.runs, schema.jobs, _JOBS.id == _RUNS.job_id, isouter=True)
        .where(_RUNS.id.in_(sorted(run_ids)))
    )
    found = connection.execute(query)
    return {row.id: row.job for row in found if isinstance(row.job, str)}
