"""Tasks as they are: the list, and how long their runs took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.context import context_of, engine_of
from schedtui.api.task_manager.bodies import TaskDetails, TaskError, TaskRunTimes
from schedtui.api.task_manager.find import find_job, find_jobs, nothing_found
from schedtui.api.task_manager.route import router
from schedtui.api.task_manager.words import (
    NEVER,
    expression_of,
    function_of,
    moment_of,
    parallel_of,
)
from schedtui.client.local import MAX_PAGE
from schedtui.errors import JobNotFoundError
from schedtui.models import Job, Run, RunFilter, RunState
from schedtui.policies import DEFAULTS
from schedtui.protocols import EngineClient

MOST_RUNS = 500
"""How many runs the statistics of a task are of."""
_FEW = 200  # tasks that are told in less time than a thread's turn takes


@router.get("/tasks", responses={200: {"model": list[TaskDetails]}})
async def get_tasks(
    request: Request,
    task_group_name: str | None = None,
    name: str | None = None,
    tag: str | None = None,
) -> Response:
    """Every task that fits the filter, with its state; none is no error."""
    engine = engine_of(request)
    jobs = await find_jobs(engine, task_group_name, name, tag)
    active = await _active(engine, jobs, RunFilter(group=task_group_name, tag=tag))
    if len(jobs) <= _FEW:
        return _list(jobs, active)
    return await context_of(request).off_loop(_list, jobs, active)


@router.get(
    "/tasks/{task_group_name}/{task_name}/statistics",
    responses={200: {"model": TaskRunTimes}, 404: {"model": TaskError}},
)
async def get_task_statistics(request: Request, task_group_name: str, task_name: str) -> Response:
    """When the newest runs of a task that succeeded ended, and how long they took."""
    engine = engine_of(request)
    if await find_job(engine, task_group_name, task_name) is None:
        raise nothing_found()
    try:
        found = await engine.statistics(f"{task_group_name}/{task_name}", limit=MOST_RUNS)
    except JobNotFoundError:
        raise nothing_found() from None
    runs = [
        {"run_date": moment_of(one.finished_at), "durations_second": one.duration_s}
        for one in found.runs
    ]
    told = {"task_group_name": task_group_name, "task_name": task_name, "runs": runs}
    return json_answer(told)


async def _active(engine: EngineClient, jobs: list[Job], where: RunFilter) -> list[Run]:
    """The runs that run or wait, of one job or of all that ``where`` means."""
    if not jobs:
        return []
    if len(jobs) == 1:
        where = RunFilter(job_id=jobs[0].id)
    found: list[Run] = []
    for state in (RunState.RUNNING, RunState.QUEUED):
        cursor: str | None = None
        while True:
            page = await engine.runs(replace(where, state=state), limit=MAX_PAGE, cursor=cursor)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                break
    return found


def _list(jobs: Iterable[Job], active: Iterable[Run]) -> Response:
    running: set[int] = set()
    retries: dict[int, Run] = {}
    for run in active:
        if run.state is RunState.RUNNING:
            running.add(run.job_id)
        elif run.attempt and run.not_before is not None:
            retries[run.job_id] = run
    return json_answer([_told(job, job.id in running, retries.get(job.id)) for job in jobs])


def _told(job: Job, running: bool, retry: Run | None) -> dict[str, Any]:
    rules = job.effective or DEFAULTS
    said = job.policies
    return {
        "expression": expression_of(job),
        "name": job.name,
        "description": job.description or None,
        "tags": list(job.tags) or None,
        "high_priority": (rules.priority or 0) > 0,
        "retry_backoff": said.retry_delay_s,
        "retry_backoff_max": said.retry_max_delay_s,
        "dynamic": not job.static,
        "allow_parallel": parallel_of(said),
        "task_group_name": job.group,
        "kwargs": dict(job.kwargs),
        "function_name": None if job.static else function_of(job),
        "next_run": NEVER if job.next_due is None else moment_of(job.next_due),
        "is_active": not (job.paused or job.orphaned),
        "is_running": running,
        "retry_after": _retry_after(retry),
        "retry_delay": _retry_delay(job, retry),
    }


def _retry_after(retry: Run | None) -> str | None:
    return None if retry is None or retry.not_before is None else moment_of(retry.not_before)


def _retry_delay(job: Job, retry: Run | None) -> float | None:
    """The delay after the one that is on, as the face has it."""
    if retry is None:
        return None
    rules = job.effective or DEFAULTS
    first, factor, most = rules.retry_delay_s, rules.retry_backoff, rules.retry_max_delay_s
    if first is None or factor is None or most is None:
        return None
    try:
        return min(most, first * factor**retry.attempt)
    except OverflowError:
        return most
