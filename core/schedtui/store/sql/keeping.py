"""Forgetting old runs, and holding messages, in a SQLite store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa

from schedtui.protocols import KEPT_ANYWAY, Keep, Notice, Posted, Removal
from schedtui.store import rows
from schedtui.store.rows import bounded
from schedtui.store.sql import fulltext, schema
from schedtui.store.sql.bulk import savepoint
from schedtui.store.sql.reads import SqlReader
from schedtui.store.sql.step import SqlSteps, step

MAX_RUNS = 100
"""Runs that go in one transaction."""
MAX_CHUNKS = 200
MAX_BYTES = 4 * 1024 * 1024
"""Of log lines that go in one transaction; one chunk always does."""
_SPARE_PAGES = 256
"""Free pages that stay, because new rows will take them."""

_FAILED: Final = "state IN ('failed', 'timed_out', 'lost')"
_ENDED_AT: Final = "coalesce(finished_at, claimed_at)"
_OVER: Final = """
coalesce((SELECT id FROM runs WHERE job_id = :job AND {which} ORDER BY id DESC
          LIMIT 1 OFFSET :most), 0)
"""
_FLOORS = sa.text(f"""
SELECT coalesce((SELECT id FROM runs WHERE job_id = :job ORDER BY id DESC
                 LIMIT 1 OFFSET :anyway), 0) AS bound,
       {_OVER.format(which=_FAILED)} AS over_failed,
       {_OVER.format(which=f"NOT {_FAILED}")} AS over_other
""")  # noqa: S608 - made of constants
"""The newest run that is not kept anyway, and of each kind the newest one that is too many."""
_RUNS = sa.text(f"""
WITH needed(id) AS (
    SELECT parent_id FROM runs WHERE (state = 'queued' OR state = 'running')
        AND parent_id IS NOT NULL
    UNION SELECT run_id FROM call_keys
)
SELECT id FROM runs AS r
WHERE job_id = :job AND id <= :bound AND state NOT IN ('queued', 'running')
AND CASE WHEN {_FAILED}
    THEN id <= :over_failed OR {_ENDED_AT} < :failed_before
    ELSE id <= :over_other OR {_ENDED_AT} < :ended_before END
AND id NOT IN (SELECT id FROM needed)
AND NOT (source = 'rerun' AND EXISTS (SELECT 1 FROM runs AS o WHERE o.id = r.parent_id))
ORDER BY id LIMIT {MAX_RUNS}
""")  # noqa: S608 - made of constants
_CHUNKS_OF_RUNS = sa.text(f"""
SELECT c.id, length(c.data) FROM json_each(:runs) AS one
CROSS JOIN log_chunks AS c ON c.run_id = one.value LIMIT {MAX_CHUNKS}
""")  # noqa: S608 - made of constants
_OLD_CHUNKS = sa.text(f"""
SELECT c.id, length(c.data) FROM runs AS r CROSS JOIN log_chunks AS c ON c.run_id = r.id
WHERE r.job_id = :job AND r.state NOT IN ('queued', 'running') AND {_ENDED_AT} < :logs_before
LIMIT {MAX_CHUNKS}
""")  # noqa: S608 - made of constants
_JOBS = sa.text("""
WITH RECURSIVE ids(n) AS (
    SELECT min(job_id) FROM runs
    UNION ALL
    SELECT (SELECT min(job_id) FROM runs WHERE job_id > ids.n) FROM ids WHERE n IS NOT NULL
)
SELECT n FROM ids WHERE n IS NOT NULL
""")
_FORGET = sa.text("""
INSERT INTO forgotten (job_id, first_due, last_due)
SELECT job_id, min(coalesce(range_from, scheduled_for)), max(scheduled_for) FROM runs
WHERE id IN (SELECT value FROM json_each(:runs)) AND scheduled_for IS NOT NULL
AND job_id <> 0 GROUP BY job_id
ON CONFLICT (job_id) DO UPDATE SET first_due = min(first_due, excluded.first_due),
    last_due = max(last_due, excluded.last_due)
""")
_POST = sa.text("""
INSERT INTO outbox (target, at, next_at, tries, body)
SELECT :target, :at, :at, 0, :body
WHERE (SELECT count(*) FROM outbox WHERE target = :target) < :most
""")
_RUN = schema.runs.c
_BOX = schema.outbox.c
_WHOLE = (
    sa.func.typeof(_BOX.body) == "text",
    *(sa.func.typeof(one) == "integer" for one in (_BOX.at, _BOX.next_at, _BOX.tries)),
)
"""A message that somebody has not damaged."""


class KeepingTx(SqlSteps):
    """The part of a write transaction that does it."""

    @step
    def remove(self, removal: Removal) -> None:
        """Remove ended runs, with what belongs to them, and chunks of log lines."""
        runs, chunks = list(removal.runs), list(removal.chunks)
        with savepoint(self._connection):
            if chunks:
                gone = schema.log_chunks.c.id.in_(chunks)
                self._connection.execute(schema.log_chunks.delete().where(gone))
            if runs:
                self._connection.execute(_FORGET, {"runs": json.dumps(runs)})
                of_runs = schema.attempts.c.run_id.in_(runs)
                self._connection.execute(schema.attempts.delete().where(of_runs))
                ended = _RUN.state.not_in(("queued", "running"))
                self._connection.execute(schema.runs.delete().where(_RUN.id.in_(runs), ended))

    @step
    def shrink(self, pages: int) -> bool:
        """Give back room that is free, in steps. Returns whether there is more."""
        if self._indexed and fulltext.drop_empty(self._connection):
            return True
        free = self._connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0
        if free <= _SPARE_PAGES:
            return False
        # Each step of it frees a page, and sqlite3 makes the first one only: it has no columns.
        for _ in range(min(pages, free - _SPARE_PAGES)):
            self._connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
        left = self._connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0
        return _SPARE_PAGES < left < free

    @step
    def post(self, notices: Sequence[Notice], *, most: int) -> int:
        """Keep notices until they are delivered, at most so many for a target."""
        dropped = 0
        for one in notices:
            body = rows.printable(one.body)
            values = {"target": one.target, "at": one.at_us, "body": body, "most": most}
            dropped += self._connection.execute(_POST, values).rowcount == 0
        return dropped

    @step
    def delivered(self, ids: Sequence[int]) -> None:
        """Notices have arrived, or are given up."""
        self._connection.execute(schema.outbox.delete().where(_BOX.id.in_(ids)))

    @step
    def undeliverable(self, known: Sequence[str]) -> int:
        """Notices to any other target have nowhere to go and are removed. Returns how many."""
        gone = schema.outbox.delete().where(_BOX.target.not_in(known))
        return self._connection.execute(gone).rowcount

    @step
    def postpone(self, ids: Sequence[int], next_us: int) -> None:
        """Delivering notices has failed once more; when to try again."""
        self._connection.execute(
            schema.outbox.update()
            .where(_BOX.id.in_(ids))
            .values(tries=_BOX.tries + 1, next_at=next_us)
        )


class KeepingReader(SqlReader):
    """What is read for it."""

    _floors: tuple[object, dict[str, int]] = (None, {})
    """Of what was asked last."""

    def stored_jobs(self) -> list[int]:
        """The ids of jobs that have runs, deleted ones and 0 (runs without a job) among them."""
        with self._reading() as connection:
            return [one for one in connection.execute(_JOBS).scalars() if isinstance(one, int)]

    def expired(self, job_id: int, keep: Keep) -> Removal | None:
        """What is to be removed of a job's history next; None: nothing is, now."""
        asked = {
            "job": bounded(job_id),
            "most": keep.runs,
            "anyway": KEPT_ANYWAY,
            "ended_before": bounded(keep.ended_before_us),
            "failed_before": bounded(keep.failed_before_us),
            "logs_before": bounded(keep.logs_before_us),
        }
        with self._reading() as connection:
            known_of, floors = self._floors
            if known_of != (job_id, keep):
                # Looked up once for all that goes: a floor that is old lets go of less, not more.
                floors = dict(connection.execute(_FLOORS, asked).mappings().one())
                self._floors = (job_id, keep), floors
            runs = list(connection.execute(_RUNS, {**asked, **floors}).scalars())
            if runs:
                found = connection.execute(_CHUNKS_OF_RUNS, {"runs": json.dumps(runs)}).all()
            else:
                found = connection.execute(_OLD_CHUNKS, asked).all()
        if found:
            return Removal(job_id, chunks=tuple(_few(found)))
        if runs:
            return Removal(job_id, runs=tuple(runs))
        self._floors = None, {}
        return None

    def outbox(self, target: str, limit: int) -> list[Posted]:
        """Notices to a target not delivered yet, oldest first; what is damaged is left out."""
        query = sa.select(_BOX.id, _BOX.target, _BOX.at, _BOX.next_at, _BOX.tries, _BOX.body)
        held = query.where(_BOX.target == target, *_WHOLE)
        page = held.order_by(_BOX.id).limit(bounded(max(limit, 0)))
        with self._reading() as connection:
            return [Posted(*row) for row in connection.execute(page)]


def forgotten(connection: sa.Connection, job_id: int) -> tuple[int, int] | None:
    """The first and the last due time of a job whose row was removed."""
    table = schema.forgotten
    query = sa.select(table.c.first_due, table.c.last_due).where(table.c.job_id == job_id)
    row = connection.execute(query).first()
    return None if row is None else (row.first_due, row.last_due)


def _few(found: Iterable[Sequence[int]]) -> Iterable[int]:
    """The first chunks, as many as one transaction takes."""
    size = 0
    for chunk_id, length in found:
        if size and size + length > MAX_BYTES:
            return
        size += length
        yield chunk_id
