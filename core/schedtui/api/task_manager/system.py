"""The engine as the face shows it: how it is, its settings, its groups."""

from __future__ import annotations

from socket import gethostname
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.context import engine_of
from schedtui.api.task_manager.bodies import TaskConfig, TaskGroup, TaskHealth
from schedtui.api.task_manager.route import router
from schedtui.api.task_manager.tasks import MOST_RUNS
from schedtui.api.task_manager.words import parallel_of
from schedtui.engine.aps import MAX_SLEEP_S
from schedtui.errors import UnavailableError
from schedtui.models import EngineInfo, Health, RunFilter
from schedtui.protocols import EngineClient

NAME: Final = "schedtui"


@router.get("/health", responses={200: {"model": TaskHealth}})
async def get_health(request: Request) -> Response:
    """Whether the engine fires and its store answers; 200 in any case."""
    engine = engine_of(request)
    try:
        info = await engine.info()
    except UnavailableError:
        nobody = {"worker_id": None, "worker_started_at": None, "is_leader": None}
        return json_answer({"status": "unhealthy", "redis_connected": False, **nobody})
    connected = await _store_answers(engine)
    well = connected and info.health is not Health.STOPPED
    return json_answer(
        {
            "status": "healthy" if well else "unhealthy",
            "redis_connected": connected,
            "worker_id": _worker(info),
            "worker_started_at": info.started_at.isoformat(),
            "is_leader": info.health is not Health.STOPPED,
        }
    )


@router.get("/config", responses={200: {"model": TaskConfig}})
async def get_config(request: Request) -> Response:
    """The engine's settings, as far as the face has names for them."""
    found = await engine_of(request).defaults()
    rules = found.policies
    return json_answer(
        {
            "redis_key_prefix": NAME,
            "concurrent_tasks": found.slots.get("async", 0),
            "statistics_history_runs": MOST_RUNS,
            "statistics_redis_expiration": 0,
            "allow_parallel": bool(parallel_of(rules)),
            "poll_interval": MAX_SLEEP_S,  # the engine polls at least as often
            "worker_service_name": NAME,
            "stream_block_ms": 0,
            "leader_heartbeat_interval": 0.0,
            "leader_retry_interval": 0.0,
            "reconciliation_interval": 0,
            "retry_backoff": rules.retry_delay_s,
            "retry_backoff_max": rules.retry_max_delay_s,
            "retry_backoff_multiplier": rules.retry_backoff,
            "running_heartbeat_interval": 0.0,
        }
    )


@router.get("/task-groups", responses={200: {"model": list[TaskGroup]}})
async def get_task_groups(
    request: Request, name: str | None = None, tag: str | None = None
) -> Response:
    """The groups that fit the filter, with the number of their tasks."""
    groups = (await engine_of(request).defaults()).groups
    return json_answer(
        [
            {
                "name": group.name,
                "tags": list(group.tags),
                "allow_parallel": parallel_of(group.policies),
                "task_count": group.jobs,
            }
            for group in groups
            if name in (None, group.name) and (tag is None or tag in group.tags)
        ]
    )


async def _store_answers(engine: EngineClient) -> bool:
    try:
        await engine.runs(RunFilter(), limit=1)
    except UnavailableError:
        return False
    return True


def _worker(info: EngineInfo) -> str:
    return f"{gethostname()}-{info.pid}-{info.boot[:4]}"
