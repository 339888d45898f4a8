"""Reading and searching log lines in a SQLite store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import sqlalchemy as sa

from schedtui.models import LogHit, LogLine
from schedtui.store import chunks
from schedtui.store.rows import bounded
from schedtui.store.sql import fulltext, schema

_CHUNKS = schema.log_chunks.c
_JOBS = schema.jobs.c
_RUNS = schema.runs.c


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
            sa.select(_CHUNKS.data)
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
            sa.select(_CHUNKS.data)
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
        found: list[tuple[int, LogLine]] = []
        with self._reading() as connection:
            candidates = (
                fulltext.find(connection, wanted.words)
                if self.indexed and wanted.words
                else fulltext.scan(connection)
            )
            for run_id, data in candidates:
                found += [(run_id, line) for line in wanted.hits(chunks.decode(data))]
                if len(found) >= limit:
                    break
            names = _names(connection, {run_id for run_id, _ in found})
        hits = [LogHit(run_id=i, job=names.get(i, ""), line=line) for i, line in found]
        return chunks.newest(hits, limit)


def _names(connection: sa.Connection, run_ids: set[int]) -> dict[int, str]:
    name = sa.func.coalesce(_JOBS.group_name + "/" + _JOBS.name, _RUNS.function)
    query = (
        sa.select(_RUNS.id, name.label("job"))
        .join_from(schema.runs, schema.jobs, _JOBS.id == _RUNS.job_id, isouter=True)
        .where(_RUNS.id.in_(sorted(run_ids)))
    )
    return {row.id: row.job for row in connection.execute(query)}
