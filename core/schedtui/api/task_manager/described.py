"""The face in the API's description: its schemas, its errors and its examples."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel

from schedtui.api.docstrings import field_docs
from schedtui.api.headers import answer_header
from schedtui.api.schemas import PREFIX, ref
from schedtui.api.task_manager.bodies import (
    AffectedTask,
    AffectedTasks,
    DynamicTask,
    TaskConfig,
    TaskCreate,
    TaskDetails,
    TaskError,
    TaskFunction,
    TaskFunctions,
    TaskGroup,
    TaskHealth,
    TaskInvalid,
    TaskRunTime,
    TaskRunTimes,
    TaskWrong,
)

_ANSWERS: Final[tuple[type[BaseModel], ...]] = (
    *(AffectedTask, AffectedTasks, DynamicTask, TaskConfig, TaskDetails, TaskError, TaskFunction),
    *(TaskFunctions, TaskGroup, TaskHealth, TaskInvalid, TaskRunTime, TaskRunTimes),
)
_TASK: Final = {"task_group_name": "Reports", "task_name": "weekly"}
_DYNAMIC: Final = {
    "function_name": "send_report",
    "cron_expression": "0 9 * * mon",
    "kwargs": {"recipient": "ann@example.com"},
}
_RETRY: Final = {"retry_backoff": 5.0, "retry_backoff_max": 60.0}
_EXAMPLES: Final[dict[str, Any]] = {
    "AffectedTasks": {"affected_tasks": [{"task_group": "Reports", "task": "weekly"}], "count": 1},
    "DynamicTask": {**_TASK, **_DYNAMIC, "dynamic": True},
    "TaskCreate": {**_DYNAMIC, "task_group_name": "Reports", "name": "weekly", **_RETRY},
    "TaskConfig": {
        "redis_key_prefix": "schedtui",
        "concurrent_tasks": 100,
        "statistics_history_runs": 500,
        "statistics_redis_expiration": 0,
        "allow_parallel": False,
        "poll_interval": 1.0,
        "worker_service_name": "schedtui",
        "stream_block_ms": 0,
        "leader_heartbeat_interval": 0.0,
        "leader_retry_interval": 0.0,
        "reconciliation_interval": 0,
        "retry_backoff": 10.0,
        "retry_backoff_max": 3600.0,
        "retry_backoff_multiplier": 2.0,
        "running_heartbeat_interval": 0.0,
    },
    "TaskDetails": {
        "expression": "0 9 * * mon",
        "name": "weekly",
        "description": "Every Monday to the whole team.",
        "tags": ["reports"],
        "high_priority": False,
        **_RETRY,
        "dynamic": True,
        "allow_parallel": None,
        "task_group_name": "Reports",
        "kwargs": {"recipient": "ann@example.com"},
        "function_name": "send_report",
        "next_run": "2026-11-23T09:00:00Z",
        "is_active": True,
        "is_running": False,
        "retry_after": None,
        "retry_delay": None,
    },
    "TaskFunctions": {
        "functions": [{"task_group_name": "Reports", "function_name": "send_report"}],
        "count": 1,
    },
    "TaskGroup": {"name": "Reports", "tags": ["reports"], "allow_parallel": None, "task_count": 3},
    "TaskHealth": {
        "status": "healthy",
        "redis_connected": True,
        "worker_id": "host-4242-2f6c",
        "worker_started_at": "2026-11-01T12:00:00+00:00",
        "is_leader": True,
    },
    "TaskRunTimes": {
        **_TASK,
        "runs": [{"run_date": "2026-11-23T09:00:02Z", "durations_second": 2.0}],
    },
}
_ERRORS: Final[dict[int, str]] = {
    400: "Invalid cron expression 'daily': Wrong number of fields",
    404: "No matching tasks found",
    409: "Task with name 'weekly' already exists inside group 'Reports'.",
}
"""What those say that are the face's own; the others say what they say elsewhere."""
_WRONG: Final = {
    "type": "missing",
    "loc": ["body", "cron_expression"],
    "msg": "Field required",
    "input": {"task_group_name": "Reports"},
}
_PARAMETERS: Final = {
    "task_group_name": "The group of the tasks, or of the functions.",
    "task_name": "The name of the task within its group.",
    "name": "The name of the task, or of the group.",
    "tag": "A tag that each of them has.",
}
_RESPONSE: Final = "#/components/responses/task-"


def face_schemas() -> dict[str, Any]:
    """The schemas of what the calls of the face take and give, by name."""
    from pydantic.json_schema import models_json_schema

    models: tuple[type[BaseModel], ...] = (*_ANSWERS, TaskCreate, TaskWrong)
    _, made = models_json_schema(
        [(one, "validation") for one in models], ref_template=PREFIX + "{model}"
    )
    schemas: dict[str, Any] = made["$defs"]
    for model in models:
        schema = schemas[model.__name__]
        for field, text in field_docs(model).items():
            if text:
                schema["properties"][field]["description"] = text
        if model in _ANSWERS:
            schema["required"] = list(schema["properties"])  # an answer has them all
        if model.__name__ in _EXAMPLES:
            schema["examples"] = [_EXAMPLES[model.__name__]]
    return schemas


def complete_face_call(call: dict[str, Any], errors: Iterable[int]) -> None:
    """One call of the face with what FastAPI does not know of it.

    Args:
        call: As FastAPI describes it.
        errors: The statuses of errors that any call of its kind may end with.
    """
    for parameter in call.setdefault("parameters", []):
        parameter["description"] = _PARAMETERS[parameter["name"]]
        parameter["schema"] = {"type": "string"}
    responses = call["responses"]
    known = {int(status) for status in responses if not status.startswith("2")}
    own = {status for status in known if _has_own(responses[str(status)])}
    for status in (known | set(errors)) - own - {415}:  # a body of another type is none: 422
        responses[str(status)] = {"$ref": f"{_RESPONSE}{status}"}
    (media,) = responses["200"]["content"].values()
    media["schema"].pop("title", None)
    item = media["schema"].get("items", {}).get("$ref", "").removeprefix(PREFIX)
    if item:
        media["example"] = [_EXAMPLES[item]]


def refused(detail: str) -> dict[str, Any]:
    """What a call says of an error for which the usual example would be another one's."""
    return {"model": TaskError, "content": {"application/json": {"example": {"detail": detail}}}}


def _has_own(response: dict[str, Any]) -> bool:
    return any("example" in media for media in response.get("content", {}).values())


def face_response(status: int, detail: str, headers: Iterable[str]) -> dict[str, Any]:
    """How the face answers with an error.

    Args:
        status: Of the answer.
        detail: What an answer of that status says elsewhere.
        headers: Those that it has.
    """
    model: type[BaseModel] = TaskInvalid if status == HTTPStatus.UNPROCESSABLE_ENTITY else TaskError
    said = [_WRONG] if model is TaskInvalid else _ERRORS.get(status, detail)
    content = {"application/json": {"schema": ref(model), "example": {"detail": said}}}
    return {
        "description": HTTPStatus(status).phrase,
        "content": content,
        "headers": {name: answer_header(name) for name in headers},
    }
