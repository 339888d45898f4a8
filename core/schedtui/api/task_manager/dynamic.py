"""Tasks that are created and deleted at run time, and the functions they can be made of."""

from __future__ import annotations

from typing import Any, Final

from fastapi import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.context import engine_of
from schedtui.api.task_manager.bodies import DynamicTask, TaskCreate, TaskError, TaskFunctions
from schedtui.api.task_manager.described import refused
from schedtui.api.task_manager.find import find_group, find_job
from schedtui.api.task_manager.route import invalid, router
from schedtui.api.task_manager.words import (
    HIGH,
    cron_problem,
    expression_of,
    function_of,
    made_name,
    overlap_of,
    without_secrets,
)
from schedtui.errors import (
    ConflictError,
    FunctionNotFoundError,
    GroupNotFoundError,
    InvalidError,
    JobNotFoundError,
    StaticJobError,
)
from schedtui.models import GroupDefaults, Job, JobSpec, Policies
from schedtui.protocols import EngineClient

_NAMES = {
    "policies.retry_delay_s": "retry_backoff",
    "policies.retry_max_delay_s": "retry_backoff_max",
}
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": TaskError},
    404: refused("Task group 'Shop' not found"),
}
_KEPT: Final[dict[int | str, dict[str, Any]]] = {
    400: refused("Task 'cleanup' in group 'Reports' is static and cannot be removed at runtime."),
    404: refused("Task 'weekly' not found in group 'Reports'."),
}


@router.post(
    "/tasks", responses={200: {"model": DynamicTask}, 409: {"model": TaskError}, **_REFUSED}
)
async def create_dynamic_task(request: Request, task: TaskCreate) -> Response:
    """Create a task: an ordinary dynamic job, whose cron expression is read in UTC."""
    engine = engine_of(request)
    group = await find_group(engine, task.task_group_name)
    problem = cron_problem(task.cron_expression)
    if problem:
        if task.function_name not in await _functions(engine, group.name):
            raise await _not_registered(engine, task)
        raise _bad_cron(task, problem)
    name = task.name or await _made_name(engine, task)
    spec = _spec(task, group, name)
    try:
        job = await engine.create_job(spec)
    except FunctionNotFoundError:
        raise await _not_registered(engine, task) from None
    except ConflictError:
        taken = f"Task with name '{spec.name}' already exists inside group '{group.name}'."
        raise HTTPException(409, taken) from None
    except InvalidError as error:
        raise await _refusal(engine, task, error) from None
    kwargs = None if task.kwargs is None else dict(job.kwargs)  # without any secret
    return json_answer(_told(job, task.cron_expression, kwargs))


@router.delete("/tasks", responses={200: {"model": DynamicTask}, **_KEPT})
async def delete_dynamic_task(request: Request, task_group_name: str, task_name: str) -> Response:
    """Delete a task that was created at run time, by whatever way."""
    engine = engine_of(request)
    group = await find_group(engine, task_group_name)
    missing = HTTPException(404, f"Task '{task_name}' not found in group '{group.name}'.")
    job = await find_job(engine, group.name, task_name)
    if job is None:
        raise missing
    try:
        await engine.delete_job(job.full_name, expect_id=job.id)
    except JobNotFoundError:
        raise missing from None
    except StaticJobError:
        place = f"Task '{task_name}' in group '{group.name}'"
        raise HTTPException(400, f"{place} is static and cannot be removed at runtime.") from None
    return json_answer(_told(job, expression_of(job), dict(job.kwargs)))


@router.get("/functions", responses={200: {"model": TaskFunctions}})
async def get_registered_functions(
    request: Request, task_group_name: str | None = None
) -> Response:
    """The functions of which tasks can be made, by name."""
    try:
        found = await engine_of(request).functions(task_group_name)
    except GroupNotFoundError:
        found = ()
    functions = [{"task_group_name": one.group, "function_name": one.name} for one in found]
    return json_answer({"functions": functions, "count": len(functions)})


async def _made_name(engine: EngineClient, task: TaskCreate) -> str:
    """The name of a task that was given none, which tells nothing of its secrets."""
    shown = task.kwargs
    if shown:
        try:
            functions = await engine.functions(task.task_group_name)
        except GroupNotFoundError:
            functions = ()
        found = [one.parameters for one in functions if one.name == task.function_name]
        shown = without_secrets(shown, found[0] if found else {})
    return made_name(task.function_name, shown, task.cron_expression)


def _spec(task: TaskCreate, group: GroupDefaults, name: str) -> JobSpec:
    policies = Policies(
        overlap=overlap_of(task.allow_parallel),
        retry_delay_s=task.retry_backoff,
        retry_max_delay_s=task.retry_backoff_max,
        priority=HIGH if task.high_priority else None,
    )
    return JobSpec(
        function=f"{group.name}/{task.function_name}",
        trigger={"type": "cron", "expression": task.cron_expression},
        name=name,
        timezone="UTC",
        kwargs=task.kwargs or {},
        policies=policies,
        tags=(*group.tags, *(task.tags or ())),
        description=task.description or "",
    )


async def _functions(engine: EngineClient, group: str) -> list[str]:
    try:
        return [one.name for one in await engine.functions(group)]
    except GroupNotFoundError:
        return []  # a group that only jobs have


async def _not_registered(engine: EngineClient, task: TaskCreate) -> HTTPException:
    available = await _functions(engine, task.task_group_name)
    return HTTPException(
        400,
        f"Function '{task.function_name}' is not registered in group '{task.task_group_name}'. "
        f"Available: {available}",
    )


def _bad_cron(task: TaskCreate, problem: str) -> HTTPException:
    return HTTPException(400, f"Invalid cron expression '{task.cron_expression}': {problem}")


async def _refusal(engine: EngineClient, task: TaskCreate, error: InvalidError) -> Exception:
    """What the face says of a task that the engine refuses."""
    fields = {one.field.partition(".")[0]: one for one in error.errors}
    if "function" in fields:
        return await _not_registered(engine, task)
    if "trigger" in fields or "expression" in fields:
        wrong = fields.get("trigger") or fields["expression"]
        return _bad_cron(task, f"expected {wrong.expected}")
    if not error.errors:
        return invalid(("body",), str(error), None)
    first = error.errors[0]
    field = _NAMES.get(first.field, first.field)
    return invalid(("body", *field.split(".")), str(error), first.got)


def _told(job: Job, expression: str, kwargs: object) -> dict[str, object]:
    return {
        "task_group_name": job.group,
        "task_name": job.name,
        "function_name": function_of(job),
        "cron_expression": expression,
        "kwargs": kwargs,
        "dynamic": True,
    }
