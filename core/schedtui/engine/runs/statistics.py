"""How long the runs of a job took, since somebody cleared that.

What is cleared stays in the history: the audit trail holds the moment from which runs count.
"""

from __future__ import annotations

from datetime import datetime

from schedtui.models import RunFilter, RunState, RunTime, Statistics
from schedtui.protocols import Store

CLEARED = "job.clear_statistics"
"""The action in the audit trail."""
_PAGE = 200


def statistics(store: Store, job_id: int, name: str, limit: int) -> Statistics:
    """The newest runs of a job that succeeded; blocks."""
    since = _cleared_at(store, job_id)
    where = RunFilter(job_id=job_id, state=RunState.SUCCEEDED, since=since)
    found = store.runs(where, limit=limit, before=None)
    times = tuple(
        RunTime(run.id, run.finished_at, run.duration_s)
        for run in reversed(found)
        if run.finished_at is not None and run.duration_s is not None
    )
    return Statistics(job=name, since=since, runs=times)


def _cleared_at(store: Store, job_id: int) -> datetime | None:
    before: int | None = None
    while lines := store.changes_of(job_id, limit=_PAGE, before=before):
        for line in lines:
            if line.action == CLEARED:
                return line.at
        before = lines[-1].id
    return None
