"""Asking the engine for everything about one job at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from schedtui.errors import SchedtuiError
from schedtui.models import Figures, JobSummary, RunFilter, RunState
from schedtui_tui.link import explain
from schedtui_tui.widgets.detail import Detail

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

T = TypeVar("T")
_TAIL = 8
_LOOK_BACK = 200
NEVER_STARTED = frozenset({RunState.SKIPPED, RunState.MISSED})
"""What became of due times of which there is no log."""


async def load_detail(client: EngineClient, row: JobSummary) -> Detail:
    """The details of a job; what could not be had is left out, and the first reason given."""
    run_id = row.running_id if row.running_id is not None else row.last_id
    job, preview = await asyncio.gather(
        client.job(row.full_name), client.next_due(row.full_name), return_exceptions=True
    )
    run = tail = None
    if run_id is not None:
        run, tail = await asyncio.gather(
            client.run(run_id), client.log_tail(run_id, count=_TAIL), return_exceptions=True
        )
    problems = [answer for answer in (job, preview, run, tail) if isinstance(answer, BaseException)]
    for problem in problems:
        if not isinstance(problem, Exception):
            raise problem
    had = _had(job)
    if had is not None and had.id != row.id:
        return Detail(summary=row, problem="this job was deleted and created anew")
    return Detail(
        summary=row,
        job=had,
        preview=_had(preview),
        run=_had(run),
        tail=_had(tail),
        problem=explain(problems[0]) if problems else "",
    )


async def load_figures(client: EngineClient, row: JobSummary) -> Figures | None:
    """The runs of a job of the last 24 hours; None where there are none, or it is not known."""
    try:
        told = await client.stats(RunFilter(job_id=row.id))
    except SchedtuiError:  # an engine from before there was this, too
        return None
    return told.items[0] if told.items else None


async def newest_started(client: EngineClient, job_id: int) -> int | None:
    """The newest run of a job that started; None where that cannot be told, or is long ago."""
    try:
        page = await client.runs(RunFilter(job_id=job_id), limit=_LOOK_BACK)
    except SchedtuiError:
        return None
    return next((run.id for run in page.items if run.started_at is not None), None)


def _had(answer: T | BaseException) -> T | None:
    return None if isinstance(answer, BaseException) else answer
