"""Jobs: a trigger, a function's name, arguments and policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from schedtui.models.after import After
from schedtui.models.policy import Policies
from schedtui.models.states import JobState, RunState


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A living job, as the store keeps it."""

    id: int
    """A surrogate; never reused, not even when a job of the same name is created again."""
    group: str
    name: str
    """Unique among the living jobs of its group."""
    function: str
    """``group/name`` of a registered function; resolved at every run."""
    trigger: Mapping[str, Any]
    """The trigger's JSON form; see `schedtui.triggers`."""
    timezone: str
    """IANA zone in which the trigger's wall-clock times are meant."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """JSON arguments of the function."""
    policies: Policies = field(default_factory=Policies)
    """What the job itself says; the rest comes from its group and its engine."""
    effective: Policies | None = None
    """All that rules it, by itself, its group, its engine or by default; only ``concurrency``
    is open, where overlap is ``allow``. None in what comes from a store, which knows neither."""
    after: tuple[After, ...] = ()
    """The jobs whose runs it follows; it runs once for each of their ends that counts."""
    tags: tuple[str, ...] = ()
    description: str = ""
    owner: str = ""
    """Who answers for it: a person, a team, an address."""
    expected: str = ""
    """What a good run leaves behind."""
    runbook: str = ""
    """What to do when it fails, or where that is written."""
    rollback: str = ""
    """How to undo what a run did."""
    static: bool = False
    """Declared in code."""
    declared: Mapping[str, Any] | None = None
    """A static job's declaration as its code last gave it; None for a dynamic job."""
    overridden: bool = False
    """A static job that was edited from outside; its declaration no longer rules."""
    orphaned: bool = False
    """A static job whose declaration is gone from the code; never fires."""
    paused: bool = False
    pause_reason: str = ""
    paused_by: str = ""
    paused_until: datetime | None = None
    """When it resumes by itself, UTC; None: when somebody resumes it."""
    fired: int = 0
    """How many of its due times have run; what ``max_runs`` counts."""
    failures: int = 0
    """How many runs have failed in a row; what ``pause_after_failures`` counts."""
    version: int = 1
    """Grows by one with every edit, pause and resume; what ``If-Match`` compares."""
    next_due: datetime | None = None
    """The first due time that is not accounted for yet, UTC; None when there is none left."""
    last_due: datetime | None = None
    """The newest due time that is accounted for, UTC."""
    created_at: datetime
    updated_at: datetime
    damage: Mapping[str, str] = field(default_factory=dict)
    """Fields that cannot be read in the store, and why: they have neutral values here.

    Such a job never fires, until an edit has given these fields anew; it can be deleted.
    """
    replayed: bool = False
    """In the answer to a call with an idempotency key: an earlier one with that key created the
    job, and this one nothing."""

    @property
    def full_name(self) -> str:
        """``group/name``."""
        return f"{self.group}/{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSpec:
    """What is needed to create a job."""

    function: str
    """``group/name`` of a registered function."""
    trigger: Mapping[str, Any] | None = None
    """The trigger's JSON form; None: it has none, and runs ``after`` other jobs alone."""
    group: str | None = None
    """None: the function's group."""
    name: str | None = None
    """None: the function's name, with ``-2``, ``-3`` … where that is taken."""
    timezone: str | None = None
    """IANA zone; None: the group's, else the engine's."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    policies: Policies = field(default_factory=Policies)
    after: tuple[str | After, ...] = ()
    """The jobs whose runs it follows; ``group/name`` alone means their success."""
    tags: tuple[str, ...] = ()
    description: str = ""
    owner: str = ""
    expected: str = ""
    runbook: str = ""
    rollback: str = ""
    paused: bool = False
    """Create it paused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPatch:
    """An edit; None leaves a field as it is."""

    function: str | None = None
    trigger: Mapping[str, Any] | None = None
    timezone: str | None = None
    kwargs: Mapping[str, Any] | None = None
    policies: Policies | None = None
    """Replaces all of the job's own policies."""
    after: tuple[str | After, ...] | None = None
    """Replaces all that the job runs after; empty: it follows no other job."""
    tags: tuple[str, ...] | None = None
    description: str | None = None
    owner: str | None = None
    expected: str | None = None
    runbook: str | None = None
    rollback: str | None = None
    name: str | None = None
    """A new name within the same group; id and history stay."""


class JobSummary(NamedTuple):
    """One row of the job table. A plain tuple, because ten thousand of them are sent at once."""

    id: int
    group: str
    name: str
    function: str
    schedule: str
    """The trigger, short: ``*/5 * * * *``, ``every 10 s``, ``once 2026-12-24 18:00``."""
    timezone: str
    state: JobState
    next_due_us: int | None
    """Microseconds since 1970, UTC; None when paused, finished or orphaned."""
    active: int
    """Runs that are queued or running."""
    running_id: int | None
    """The run that runs now (the newest of them)."""
    running_since_us: int | None
    last_id: int | None
    """The newest run that ended or was decided not to run."""
    last_state: RunState | None
    last_at_us: int | None
    """When that run started, or was decided when it never started."""
    last_duration_us: int | None
    recent: tuple[tuple[RunState, int | None], ...]
    """State and duration (microseconds; None: never started) of up to ten runs, oldest first."""
    progress: float | None
    """0 to 1, of the run that runs now; None when it has not said."""
    static: bool
    overridden: bool
    tags: tuple[str, ...]
    description: str
    pause_reason: str
    version: int

    @property
    def full_name(self) -> str:
        """``group/name``."""
        return f"{self.group}/{self.name}"
