"""Runs: what became of due times and manual triggers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from schedtui.models.states import FAILED, RunState, Source, WaitReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One row of the history."""

    id: int
    """Grows with time within one store; never reused."""
    job_id: int
    """0 for a run of a function without a job."""
    job: str
    """``group/name`` of its job, as that is called now, or was called last; without a job, of its
    function."""
    function: str
    source: Source
    state: RunState
    scheduled_for: datetime | None = None
    """The due time, UTC; None for a manual run. For a range row: its newest due time."""
    clock_epoch: int = 0
    """How often the wall clock had been stepped when it was claimed."""
    job_version: int = 1
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """The arguments as they were at the claim."""
    claimed_at: datetime
    wait_reason: WaitReason | None = None
    not_before: datetime | None = None
    """While queued: it does not start earlier."""
    parent_id: int | None = None
    """The run it came from: the one that is run again, whose end it was chained to, or whose due
    time a backfill makes good."""
    schedules: str = ""
    """Which of the job's several schedules were due, where it has names for them."""
    attempt: int = 0
    """The attempt that runs or ran last; 0 before the first."""
    started_at: datetime | None = None
    """When its start was written down. Its function begins once that is in the store: a moment
    later, or as much later as the store took to answer."""
    finished_at: datetime | None = None
    """Of one whose engine died: that engine's last sign of life."""
    reason: str = ""
    """Why it was skipped, missed, cancelled or lost, or is asked to end; one sentence."""
    range_from: datetime | None = None
    """Oldest due time of a row that stands for a whole stretch; ``scheduled_for`` is the newest."""
    range_count: int | None = None
    """How many due times the stretch holds."""
    error_type: str | None = None
    """Qualified name of the exception's class."""
    error: str | None = None
    """The exception's message."""
    traceback: str | None = None
    """The traceback from the user's first frame on."""
    result: str | None = None
    """The return value as JSON, or its ``repr``; capped."""
    result_is_json: bool = False
    log_lines: int = 0
    """Lines captured so far."""
    log_dropped: int = 0
    """Lines that did not fit the budget."""
    progress: float | None = None
    """0 to 1."""
    progress_text: str = ""
    actor: str = ""
    """Who triggered a manual run; of a chained one, what it came after."""
    code: str | None = None
    """Fingerprint of the code of the function that ran last."""
    late: Mapping[str, str] = field(default_factory=dict)
    """Fingerprints of the late values it ran with last, by parameter."""
    handled: str = ""
    """What was done about its failure: ``replayed by ann: run 17``, ``dismissed by ann: why``."""
    replayed: bool = False
    """In the answer to a call with an idempotency key: an earlier one with that key made the run,
    and this one started nothing."""

    @property
    def is_dead(self) -> bool:
        """Whether it is a dead letter: it failed, and nobody has replayed or dismissed it since."""
        return self.state in FAILED and not self.handled

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to finish; None while it has not both."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One execution of the function within a run; a row is kept for each that ended."""

    run_id: int
    number: int
    """1 for the first."""
    state: RunState
    started_at: datetime
    finished_at: datetime
    error_type: str | None = None
    error: str | None = None


class LogLine(NamedTuple):
    """One line that a run wrote. A plain tuple, because there are many."""

    seq: int
    """Counts from 1 within the run, without holes except for dropped lines."""
    at_us: int
    """Microseconds since 1970, UTC."""
    level: str
    """``debug``, ``info``, ``warning``, ``error`` or ``critical``."""
    stream: str
    """Where it came from: ``log``, ``logging``, ``stdout`` or ``stderr``."""
    text: str
    """Without its line end; may hold any character, so clean it before drawing it."""
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPage:
    """Some lines of a run, in order."""

    lines: tuple[LogLine, ...]
    last: int
    """The highest ``seq`` the run has so far; where to go on is the last line's own ``seq``."""
    done: bool
    """Whether the run has ended, so that no line will follow ``last``."""
    dropped: int = 0
    """Lines of this run that were not kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogHit:
    """A line found by searching all logs."""

    run_id: int
    job: str
    line: LogLine


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """Which runs; every part that is given must hold."""

    job_id: int | None = None
    job: str | None = None
    """``group/name``: the living job of that name, else the one of that name deleted last.

    The engine turns it into ``job_id``; a store does not look at it.
    """
    group: str | None = None
    """Of its jobs; among dead letters also of its functions, run without a job."""
    tag: str | None = None
    """One of the tags that its job has now; a job that was deleted has none.

    The engine turns it into the ids of jobs; a store does not look at it.
    """
    state: RunState | None = None
    source: Source | None = None
    since: datetime | None = None
    """Claimed at or after."""
    until: datetime | None = None
    """Claimed before."""
    function: str | None = None
    """``group/name`` of the function."""
    error_type: str | None = None
    """Qualified name of the exception's class."""
    dead: bool = False
    """Only dead letters: see `Run.is_dead`."""

    @property
    def empty(self) -> bool:
        """Whether it says nothing but which are dead letters."""
        return replace(self, dead=False) == RunFilter()
