"""Reading what became of one job at one time, from a SQLite store."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from schedtui.models import AuditEvent, Run
from schedtui.protocols import PastBoot
from schedtui.store import rows
from schedtui.store.rows import bounded
from schedtui.store.sql import schema
from schedtui.store.sql.reads import AUDIT, RUN, SqlReader, run_row

# Word for word the condition of the index, or SQLite does not see that it applies.
_DUE: Final = "job_id = :job AND (source = 'schedule' OR source = 'catchup')"
# The clock epoch comes before the due time in that index, and a job has few: one step for each.
IDS: Final = sa.text(f"""
WITH RECURSIVE epochs(n) AS (
    SELECT min(clock_epoch) FROM runs WHERE {_DUE}
    UNION ALL
    SELECT (SELECT min(clock_epoch) FROM runs WHERE {_DUE} AND clock_epoch > epochs.n)
    FROM epochs WHERE n IS NOT NULL
)
SELECT runs.id, scheduled_for, range_from FROM epochs JOIN runs
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

    def boots_around(self, at_us: int) -> tuple[PastBoot | None, PastBoot | None]:
        """The last engine that started at or before a moment, and the first one after it."""
        started, boot_id = _BOOTS.started_at, _BOOTS.id
        before = _BOOT.where(started <= bounded(at_us)).order_by(started.desc(), boot_id.desc())
        after = _BOOT.where(started > bounded(at_us)).order_by(started, boot_id)
        with self._reading() as connection:
            found = [connection.execute(query.limit(1)).first() for query in (before, after)]
        return _boot(found[0]), _boot(found[1])


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
