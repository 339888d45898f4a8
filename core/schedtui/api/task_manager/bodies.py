"""What the calls of the face take and give, as pydantic models: they also document it.

What the docstring below a field says is for the description of the API.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class TaskCreate(BaseModel):
    """What creates a task."""

    task_group_name: str
    """The group of its function, and its own."""
    function_name: str
    """The bare name of its function."""
    cron_expression: str
    """Five fields, or six with the second first; in UTC."""
    kwargs: dict[str, Any] | None = None
    """Arguments of the function."""
    name: str | None = None
    """None or empty: made of the function and hashes."""
    description: str | None = None
    """For people."""
    high_priority: bool = False
    """Before others that wait."""
    tags: list[str] | None = None
    """Beside those of its group."""
    retry_backoff: float | None = None
    """Seconds before the first retry."""
    retry_backoff_max: float | None = None
    """Seconds that no delay exceeds."""
    allow_parallel: bool | None = None
    """Whether runs go side by side; None: as the group or engine says."""

    @model_validator(mode="after")
    def _is_text(self) -> TaskCreate:
        """Half a surrogate pair is no character: no database can keep it."""
        try:
            json.dumps(vars(self), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("the texts hold half of a surrogate pair") from None
        return self


class TaskFilter(BaseModel):
    """Which tasks; every part that is given must hold, and none at all means all tasks."""

    model_config = ConfigDict(extra="forbid")  # a filter that is misspelt would mean all tasks

    task_group_name: str | None = None
    """Those of this group."""
    task_name: str | None = None
    """Those of this name."""
    tag: str | None = None
    """Those with this tag."""


class DynamicTask(BaseModel):
    """A task that was created or deleted."""

    task_group_name: str
    """Its group."""
    task_name: str
    """Its name within the group."""
    function_name: str
    """The bare name of its function."""
    cron_expression: str
    """Five fields, or six with the second first; in UTC."""
    kwargs: dict[str, Any] | None = None
    """Arguments of its function."""
    dynamic: bool = True
    """True: it was made at run time."""


class TaskDetails(BaseModel):
    """A task as the list shows it."""

    expression: str
    """Its cron expression; in words where it has another schedule."""
    name: str
    """Its name within the group."""
    description: str | None = None
    """For people."""
    tags: list[str] | None = None
    """None: it has none."""
    high_priority: bool = False
    """Whether it goes before others that wait."""
    retry_backoff: float | None = None
    """Seconds before the first retry; None: as the group or engine says."""
    retry_backoff_max: float | None = None
    """Seconds that no delay exceeds; None: as the group or engine says."""
    dynamic: bool = False
    """Whether it was made at run time."""
    allow_parallel: bool | None = None
    """Whether runs go side by side; None: as the group or engine says."""
    task_group_name: str
    """Its group."""
    kwargs: dict[str, Any] | None = None
    """Arguments of its function."""
    function_name: str | None = None
    """The bare name of its function; None for a task of the code."""
    next_run: datetime
    """In UTC; 2000-01-01 where it has none."""
    is_active: bool
    """Whether it is neither disabled nor orphaned."""
    is_running: bool = False
    """Whether a run of it runs now."""
    retry_after: datetime | None = None
    """When the retry that waits starts; None: none waits."""
    retry_delay: float | None = None
    """Seconds of the delay after that one."""


class TaskRunTime(BaseModel):
    """A run that succeeded: when it ended, and how long it took."""

    run_date: datetime
    """When it ended."""
    durations_second: float
    """How long it took, in seconds."""


class TaskRunTimes(BaseModel):
    """The runs of a task that succeeded, oldest first."""

    task_group_name: str
    """Its group."""
    task_name: str
    """Its name within the group."""
    runs: list[TaskRunTime]
    """At most 500."""


class AffectedTask(BaseModel):
    """A task that something was done to."""

    task_group: str
    """Its group."""
    task: str
    """Its name within the group."""


class AffectedTasks(BaseModel):
    """The tasks that something was done to."""

    affected_tasks: list[AffectedTask]
    """In the order of their ids."""
    count: int
    """How many."""


class TaskGroup(BaseModel):
    """A group."""

    name: str
    """As the code calls it."""
    tags: list[str] | None = None
    """What all its tasks are tagged with."""
    allow_parallel: bool | None = None
    """Whether runs go side by side; None: as the engine says."""
    task_count: int = 0
    """How many tasks it has."""


class TaskFunction(BaseModel):
    """A function of which tasks can be made."""

    task_group_name: str
    """Its group."""
    function_name: str
    """Its name within the group."""


class TaskFunctions(BaseModel):
    """The functions of which tasks can be made."""

    functions: list[TaskFunction]
    """By name."""
    count: int
    """How many."""


class TaskHealth(BaseModel):
    """How the engine is; its store stands where Redis is named."""

    status: str
    """`healthy` or `unhealthy`."""
    redis_connected: bool
    """Whether the store answers."""
    worker_id: str | None = None
    """Host, process and start."""
    worker_started_at: str | None = None
    """When the engine started, in UTC."""
    is_leader: bool | None = None
    """Whether it fires."""


class TaskConfig(BaseModel):
    """The engine's settings under the names of the face; 0 for what it has no counterpart of."""

    redis_key_prefix: str
    """Always `schedtui`."""
    concurrent_tasks: int
    """Async functions that run at once."""
    statistics_history_runs: int
    """How many runs the statistics of a task are of."""
    statistics_redis_expiration: int
    """0: there is no such thing here."""
    allow_parallel: bool
    """Whether runs of a task go side by side."""
    poll_interval: float
    """The longest sleep between two looks, in seconds."""
    worker_service_name: str
    """Always `schedtui`."""
    stream_block_ms: int
    """0: there is no such thing here."""
    leader_heartbeat_interval: float
    """0: there is no such thing here."""
    leader_retry_interval: float
    """0: there is no such thing here."""
    reconciliation_interval: int
    """0: there is no such thing here."""
    retry_backoff: float
    """Seconds before the first retry."""
    retry_backoff_max: float
    """Seconds that no delay exceeds."""
    retry_backoff_multiplier: float
    """Each delay is so much longer than the one before."""
    running_heartbeat_interval: float
    """0: there is no such thing here."""


class TaskWrong(BaseModel):
    """One thing that is wrong with a request."""

    type: str
    """Which kind of thing."""
    loc: list[str | int]
    """Where: `body` or `query`, and the field."""
    msg: str
    """What was expected."""
    input: Any = None
    """What was sent."""
    ctx: dict[str, Any] = {}
    """More about it."""


class TaskError(BaseModel):
    """What went wrong."""

    detail: str
    """What failed and what to do."""


class TaskInvalid(BaseModel):
    """What is wrong with a request."""

    detail: str | list[TaskWrong]
    """All that is wrong, or one sentence."""
