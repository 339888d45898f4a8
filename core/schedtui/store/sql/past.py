"""Reading what became of one job at one time, from a SQLite store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from schedtui.models import AuditEvent, Run, Source
from schedtui.protocols import DueRow, DueRows, PastBoot
from schedtui.store import rows
from schedtui.store.rows import bounded
from schedtui.store.sql import schema
from schedtui.store.sql.keeping import forgotten
from schedtui.store.sql.reads import AUDIT, RUN, SqlReader, run_row

# Word for word the condition of the index, or SQLite does not see that it applies.
_DUE: Final = "job_id = :job AND (source = 'schedule' OR source = 'catchup')"
# The clock epoch comes before the due time in that index, and a job has few: one step for each.
_EPOCHS: Final = f"""
WITH RECURSIVE epochs(n) AS (
    SELECT min(clock_epoch) FROM runs WHERE {_DUE}
    UNION ALL
    SELECT (SELECT min(clock_epoch) FROM runs WHERE {_DUE} AND clock_epoch > epochs.n)
    FROM epochs WHERE n IS NOT NULL
)
"""  # noqa: S608 - made of constants
IDS: Final = sa.text(f"""{_EPOCHS}SELECT runs.id, scheduled_for, range_from FROM epochs JOIN runs
ON {_DUE} AND clock_epoch = epochs.n AND scheduled_for BETWEEN :first AND :last
UNION
SELECT runs.id, scheduled_for, range_from FROM runs WHERE runs.id IN (
    SELECT (
        SELECT id FROM runs WHERE {_DUE} AND clock_epoch = epochs.n AND scheduled_for > :last
        ORDER BY scheduled_for LIMIT 1
    ) FROM epochs
) AND range_from <= :last
ORDER BY scheduled_for, id LIMIT :limit
""")  # noqa: S608 - made of constants
"""The rows of due times, and for each epoch the one after them, which may be a stretch."""

DUE_ROWS: Final = sa.text(f"""{_EPOCHS},
near(n) AS MATERIALIZED (
    SELECT n FROM epochs WHERE n IS NOT NULL AND :last >= (
        SELECT coalesce(range_from, scheduled_for) FROM runs
        WHERE {_DUE} AND clock_epoch = epochs.n AND scheduled_for >= :first
        ORDER BY scheduled_for LIMIT 1
    )
)
SELECT runs.id, due.value, runs.source, runs.state
FROM json_each(:due) AS due CROSS JOIN near CROSS JOIN runs ON runs.id = (
    SELECT id FROM runs WHERE {_DUE} AND clock_epoch = near.n AND scheduled_for >= due.value
    ORDER BY scheduled_for LIMIT 1
) AND coalesce(runs.range_from, runs.scheduled_for) <= due.value
UNION ALL
SELECT id, scheduled_for, source, state FROM runs INDEXED BY runs_job
WHERE job_id = :job AND source = 'backfill'
AND scheduled_for IN (SELECT value FROM json_each(:due))
""")  # noqa: S608 - made of constants
"""For each due time and epoch the row that holds it, where one does; and the backfills."""
_NEWEST = sa.select(sa.func.max(schema.runs.c.id)).where(
    schema.runs.c.job_id == sa.bindparam("job")
)

_BOOTS = schema.boots.c
_BOOT = sa.select(_BOOTS.started_at, _BOOTS.last_seen, _BOOTS.stopped_at)


class PastReader(SqlReader):
    """What explaining reads."""

    def due_runs(self, job_id: int, from_us: int, until_us: int, *, limit: int) -> list[Run]:
        """What became of the due times from ``from_us`` to ``until_us``, oldest first."""
        asked = {
            "job": bounded(job_id),
            "first": bounded(from_us),
            "last": bounded(until_us),
            "limit": bounded(max(limit, 0)),
        }
        with self._reading() as connection:
            ids = [row.id for row in connection.execute(IDS, asked)]
            found = connection.execute(RUN.where(schema.runs.c.id.in_(ids))).all()
        runs = {run.id: run for run in self._whole(run_row, found)}
        return [runs[run_id] for run_id in ids if run_id in runs]

    def due_rows(self, job_id: int, due: Sequence[int]) -> DueRows:
        """The runs for some due times."""
        asked = {
            "job": bounded(job_id),
            "first": bounded(min(due, default=0)),
            "last": bounded(max(due, default=0)),
            "due": json.dumps([bounded(one) for one in due]),
        }
        with self._reading() as connection:
            newest = connection.execute(_NEWEST, {"job": asked["job"]}).scalar()
            found = connection.execute(DUE_ROWS, asked).all()
            gone = forgotten(connection, bounded(job_id))
        return DueRows(self._whole(_due_row, found), newest or 0, gone)

    def backfills(self, job_id: int, from_us: int, until_us: int, *, limit: int) -> list[Run]:
        """The backfill runs for due times from ``from_us`` to ``until_us``, newest run first."""
        run = schema.runs.c
        query = RUN.where(
            run.job_id == bounded(job_id),
            run.source == Source.BACKFILL.value,
            run.scheduled_for.between(bounded(from_us), bounded(until_us)),
        )
        with self._reading() as connection:
            page = query.order_by(run.id.desc()).limit(bounded(max(limit, 0)))
            return list(self._whole(run_row, connection.execute(page).all()))

    def job_ids(self, group: str, name: str) -> list[int]:
        """The ids of all jobs that are called so, or were last, newest first."""
        jobs = schema.jobs.c
        query = sa.select(jobs.id).where(
            jobs.group_name == rows.printable(group), jobs.name == rows.printable(name)
        )
        with self._reading() as connection:
            return list(connection.execute(query.order_by(jobs.id.desc())).scalars())

    def changes_of(self, subject: int, *, limit: int, before: int | None) -> list[AuditEvent]:
        """The lines of the audit trail that changed a job, or the engine, newest first."""
        query = AUDIT.where(schema.audit.c.subject == bounded(subject))
        return self.audit_page(query, limit, before)

    def boots(self, limit: int) -> list[PastBoot | None]:
        """The newest starts of engines, this one first; None for one that cannot be read."""
        newest = _BOOT.order_by(_BOOTS.id.desc()).limit(bounded(max(limit, 0)))
        with self._reading() as connection:
            return [_boot(row) for row in connection.execute(newest)]

    def boots_around(self, at_us: int) -> tuple[PastBoot | None, PastBoot | None]:
        """The last engine that started at or before a moment, and the first one after it."""
        started, boot_id = _BOOTS.started_at, _BOOTS.id
        before = _BOOT.where(started <= bounded(at_us)).order_by(started.desc(), boot_id.desc())
        after = _BOOT.where(started > bounded(at_us)).order_by(started, boot_id)
        with self._reading() as connection:
            found = [connection.execute(query.limit(1)).first() for query in (before, after)]
        return _boot(found[0]), _boot(found[1])


def _due_row(row: Any) -> DueRow:
    with rows.readable(row.id):
        return DueRow(row[1], row.id, rows.source_of(row.source), rows.state_of(row.state))


def _boot(row: Any) -> PastBoot | None:
    if row is None:
        return None
    clean = row.stopped_at is not None
    try:
        started_us = rows.micros_of(row.started_at)
        ended_us = rows.micros_of(row.stopped_at if clean else row.last_seen)
    except (TypeError, OverflowError):  # damaged: as if nothing were known of it
        return None
    return PastBoot(started_us, ended_us, clean=clean)
