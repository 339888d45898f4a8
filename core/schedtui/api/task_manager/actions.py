"""What is done to every task that a filter finds; each on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.context import engine_of
from schedtui.api.roles import needs
from schedtui.api.task_manager.bodies import AffectedTasks, TaskError, TaskFilter
from schedtui.api.task_manager.find import find_jobs, nothing_found
from schedtui.api.task_manager.route import router
from schedtui.errors import InvalidError, NotFoundError, RefusedError, SchedtuiError
from schedtui.models import Job, Role
from schedtui.protocols import EngineClient

AT_ONCE = 200
"""Jobs that something is done to together, so that the store commits them in groups."""
_WHY = "through /task-manager"
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": AffectedTasks},
    404: {"model": TaskError},
    409: {"model": TaskError},
}
_OPERATOR: Final = needs(Role.OPERATOR)

Where = Annotated[TaskFilter, Query()]
_Do = Callable[[EngineClient, Job], Awaitable[object]]


@router.post("/tasks/disable", responses=_ANSWERS, openapi_extra=_OPERATOR)
async def disable_tasks(request: Request, where: Where) -> Response:
    """Pause every task that fits the filter, until it is enabled."""
    return await _each(request, where, _disable)


@router.post("/tasks/enable", responses=_ANSWERS, openapi_extra=_OPERATOR)
async def enable_tasks(request: Request, where: Where) -> Response:
    """Resume every task that fits the filter."""
    return await _each(request, where, _enable)


@router.post("/tasks/trigger", responses=_ANSWERS, openapi_extra=_OPERATOR)
async def trigger_tasks(request: Request, where: Where) -> Response:
    """Run every task that fits the filter now; a retry that waits is called off first."""
    return await _each(request, where, _trigger)


@router.post("/tasks/reset-retry", responses=_ANSWERS, openapi_extra=_OPERATOR)
async def reset_retry(request: Request, where: Where) -> Response:
    """Call off the retries that wait, of every task that fits the filter; the schedule goes on."""
    return await _each(request, where, _reset)


@router.delete("/tasks/statistics", responses=_ANSWERS)
async def clear_statistics(request: Request, where: Where) -> Response:
    """Begin the statistics of every task that fits the filter anew; the history stays."""
    return await _each(request, where, _clear)


async def _disable(engine: EngineClient, job: Job) -> None:
    await engine.pause_job(job.full_name, reason=f"disabled {_WHY}", expect_id=job.id)


async def _enable(engine: EngineClient, job: Job) -> None:
    await engine.resume_job(job.full_name, expect_id=job.id)


async def _trigger(engine: EngineClient, job: Job) -> None:
    await _reset(engine, job)
    await engine.trigger_job(job.full_name, expect_id=job.id)


async def _reset(engine: EngineClient, job: Job) -> None:
    await engine.cancel_retries(job.full_name, reason=f"reset {_WHY}", expect_id=job.id)


async def _clear(engine: EngineClient, job: Job) -> None:
    await engine.clear_statistics(job.full_name, expect_id=job.id)


async def _each(request: Request, where: TaskFilter, do: _Do) -> Response:
    engine = engine_of(request)
    jobs = await find_jobs(engine, where.task_group_name, where.task_name, where.tag)
    if not jobs:
        raise nothing_found()
    outcomes: list[SchedtuiError | None] = []
    for first in range(0, len(jobs), AT_ONCE):
        batch = jobs[first : first + AT_ONCE]
        outcomes += await asyncio.gather(*(_outcome(do, engine, job) for job in batch))
    done = [job for job, error in zip(jobs, outcomes, strict=True) if error is None]
    if not done:
        raise next(error for error in outcomes if error is not None)
    affected = [{"task_group": job.group, "task": job.name} for job in done]
    return json_answer({"affected_tasks": affected, "count": len(affected)})


async def _outcome(do: _Do, engine: EngineClient, job: Job) -> SchedtuiError | None:
    """Why it was not done to a job; what is wrong with one does not keep the others from it."""
    try:
        await do(engine, job)
    except (InvalidError, NotFoundError, RefusedError) as error:
        return error
    return None
