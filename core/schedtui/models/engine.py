"""What an engine says about itself, its functions, its due times and its changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from schedtui.models.job import JobSummary
from schedtui.models.states import RunState

T = TypeVar("T")


class Health(StrEnum):
    """How an engine is."""

    OK = "ok"
    DEGRADED = "degraded"
    """It runs and something needs attention; ``problems`` says what."""
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineInfo:
    """An engine at one moment."""

    boot: str
    """Changes with every start; part of every change cursor."""
    version: str
    """Of schedtui."""
    health: Health
    problems: tuple[str, ...] = ()
    """What is wrong, one sentence each."""
    timezone: str
    """The default zone of its jobs."""
    now: datetime
    """The engine's wall clock, which counts for due times."""
    started_at: datetime
    last_tick_age_s: float
    """Seconds since the tick last ran; above a few it hangs."""
    jobs: int = 0
    jobs_paused: int = 0
    runs_active: int = 0
    runs_queued: int = 0
    given_up: Mapping[str, int] = field(default_factory=dict)
    """Functions that were let go, after a timeout or a cancel, and are still at work: how many, by
    their executor; what has none is left out."""
    store: str = ""
    """The store's kind and place, without secrets."""
    pid: int = 0
    revision: int = 0
    """The newest revision of its jobs as code; 0: there is none."""
    paused: bool = False
    """Whether the whole engine is: no due time of any job is claimed."""
    pause_reason: str = ""
    paused_by: str = ""
    paused_since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionInfo:
    """A registered function."""

    group: str
    name: str
    doc: str = ""
    """The docstring's summary and description, without its Args section."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """JSON schema (draft 2020-12) of the keyword arguments: an ``object``."""
    is_async: bool = False
    executor: str = "thread"
    """Where it runs: ``async``, ``thread`` or ``process``. Says how a run of it can be ended."""
    memory_limit_mb: int | None = None
    """MiB that its process may use; None for any number, and for other executors."""
    file: str = ""
    line: int = 0
    code: str = ""
    """Fingerprint of its code; a run keeps the one it ran."""

    @property
    def full_name(self) -> str:
        """``group/name``."""
        return f"{self.group}/{self.name}"


class ModuleState(StrEnum):
    """What became of a module when the code was loaded again."""

    RELOADED = "reloaded"
    """Its source is another one, or it is new."""
    UNCHANGED = "unchanged"
    """Its source is the same."""
    BROKEN = "broken"
    """It cannot be loaded, so that nothing was: the last good version of all modules runs on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleReload:
    """A module of the target, after its code was loaded again or was tried to."""

    module: str
    """Its dotted name."""
    file: str
    """Relative to where the engine was started."""
    state: ModuleState
    line: int | None = None
    """Where it broke."""
    reason: str = ""
    """Why it broke, with the place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reload:
    """What came of loading the code again."""

    ok: bool
    """Whether the code that runs is what the files hold now."""
    generation: int
    """How often the code has been swapped since the engine started."""
    modules: tuple[ModuleReload, ...]
    """The broken one first, else sorted by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DueTime:
    """One due time, in the job's zone and in UTC."""

    at: datetime
    """UTC."""
    local: str
    """Wall clock in the job's zone with its offset, ISO 8601."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a trigger means."""

    description: str
    """In words."""
    timezone: str
    next: tuple[DueTime, ...]
    """Empty when it will never be due again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    cursor: str | None = None
    """Give it back for the next page; None on the last one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """All jobs at one moment, and where changes go on from."""

    engine: EngineInfo
    jobs: tuple[JobSummary, ...]
    cursor: str
    """``boot:seq``."""


class RunChange(NamedTuple):
    """A run that moved."""

    id: int
    job_id: int
    state: RunState


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What is different since a cursor. The newest state of each thing, not each step to it."""

    cursor: str
    """``boot:seq`` to go on from."""
    jobs: tuple[JobSummary, ...] = ()
    removed: tuple[int, ...] = ()
    """Ids of jobs that were deleted."""
    runs: tuple[RunChange, ...] = ()
    """Runs that moved, newest last; at most 1,000 in one frame, the newest are kept."""
    engine: EngineInfo | None = None
    """Present when something about the engine changed."""
