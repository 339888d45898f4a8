"""What the calls of the face take and give, as pydantic models: they also document it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TaskCreate(BaseModel):
    """What creates a task."""

    task_group_name: str
    function_name: str
    cron_expression: str = Field(description="Five fields, or six with the second first; in UTC.")
    kwargs: dict[str, Any] | None = None
    name: str | None = Field(None, description="None or empty: made of the function and hashes.")
    description: str | None = None
    high_priority: bool = False
    tags: list[str] | None = None
    retry_backoff: float | None = Field(None, description="Seconds before the first retry.")
    retry_backoff_max: float | None = Field(None, description="Seconds that no delay exceeds.")
    allow_parallel: bool | None = Field(None, description="None: as the group or engine says.")

    @model_validator(mode="after")
    def _is_text(self) -> TaskCreate:
        """Half a surrogate pair is no character: no database can keep it."""
        try:
            json.dumps(self.model_dump(), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("the texts hold half of a surrogate pair") from None
        return self


class TaskFilter(BaseModel):
    """Which tasks; every part that is given must hold, and none at all means all tasks."""

    model_config = ConfigDict(extra="forbid")  # a filter that is misspelt would mean all tasks

    task_group_name: str | None = None
    task_name: str | None = None
    tag: str | None = None


class DynamicTask(BaseModel):
    """A task that was created or deleted."""

    task_group_name: str
    task_name: str
    function_name: str
    cron_expression: str
    kwargs: dict[str, Any] | None = None
    dynamic: bool = True


class TaskDetails(BaseModel):
    """A task as the list shows it."""

    expression: str
    name: str
    description: str | None = None
    tags: list[str] | None = None
    high_priority: bool = False
    retry_backoff: float | None = None
    retry_backoff_max: float | None = None
    dynamic: bool = False
    allow_parallel: bool | None = None
    task_group_name: str
    kwargs: dict[str, Any] | None = None
    function_name: str | None = None
    next_run: datetime
    is_active: bool
    is_running: bool = False
    retry_after: datetime | None = None
    retry_delay: float | None = None


class TaskRunTime(BaseModel):
    """A run that succeeded: when it ended, and how long it took."""

    run_date: datetime
    durations_second: float


class TaskRunTimes(BaseModel):
    """The runs of a task that succeeded, oldest first."""

    task_group_name: str
    task_name: str
    runs: list[TaskRunTime]


class AffectedTask(BaseModel):
    """A task that something was done to."""

    task_group: str
    task: str


class AffectedTasks(BaseModel):
    """The tasks that something was done to."""

    affected_tasks: list[AffectedTask]
    count: int


class TaskGroup(BaseModel):
    """A group."""

    name: str
    tags: list[str] | None = None
    allow_parallel: bool | None = None
    task_count: int = 0


class TaskFunction(BaseModel):
    """A function of which tasks can be made."""

    task_group_name: str
    function_name: str


class TaskFunctions(BaseModel):
    """The functions of which tasks can be made."""

    functions: list[TaskFunction]
    count: int


class TaskHealth(BaseModel):
    """How the engine is; its store stands where Redis is named."""

    status: str
    redis_connected: bool
    worker_id: str | None = None
    worker_started_at: str | None = None
    is_leader: bool | None = None


class TaskConfig(BaseModel):
    """The engine's settings under the names of the face; 0 for what it has no counterpart of."""

    redis_key_prefix: str
    concurrent_tasks: int
    statistics_history_runs: int
    statistics_redis_expiration: int
    allow_parallel: bool
    poll_interval: float
    worker_service_name: str
    stream_block_ms: int
    leader_heartbeat_interval: float
    leader_retry_interval: float
    reconciliation_interval: int
    retry_backoff: float
    retry_backoff_max: float
    retry_backoff_multiplier: float
    running_heartbeat_interval: float


class TaskError(BaseModel):
    """What went wrong."""

    detail: str
