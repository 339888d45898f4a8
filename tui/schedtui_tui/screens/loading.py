"""Asking the engine for everything about one job at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from schedtui.models import JobSummary
from schedtui_tui.link import explain
from schedtui_tui.widgets.detail import Detail

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

T = TypeVar("T")
_TAIL = 8


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


def _had(answer: T | BaseException) -> T | None:
    return None if isinstance(answer, BaseException) else answer
