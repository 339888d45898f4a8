"""The states of jobs and runs, and what a run may become from each."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """What became of a due time so far."""

    QUEUED = "queued"
    """Claimed, not started; never ran a line."""
    RUNNING = "running"
    """Its function has been given to an executor."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """Decided not to run: overlap, pause."""
    MISSED = "missed"
    """Found too late, or nobody was there to find it."""
    LOST = "lost"
    """Its engine died, or let go of it, while it ran; it may or may not have run its first line."""


TERMINAL = frozenset(RunState) - {RunState.QUEUED, RunState.RUNNING}
"""The states that a run never leaves."""
FAILED = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST})
"""Those of them in which its last attempt did not do its work."""


class Source(StrEnum):
    """Why a run exists."""

    SCHEDULE = "schedule"
    CATCHUP = "catchup"
    MANUAL = "manual"
    STARTUP = "startup"
    """Its engine started."""
    BACKFILL = "backfill"
    """A due time of the past was asked for."""
    CHAIN = "chain"
    """A run of another job ended."""
    RERUN = "rerun"
    """A run that had ended was asked for again."""


class JobState(StrEnum):
    """Whether and why a job does or does not fire."""

    SCHEDULED = "scheduled"
    """Has a next due time."""
    PAUSED = "paused"
    FINISHED = "finished"
    """Has no due time left."""
    BROKEN = "broken"
    """Its trigger cannot be read or failed; edit it."""
    ORPHANED = "orphaned"
    """Declared in code that no longer declares it; never fires, can be deleted."""


class WaitReason(StrEnum):
    """Why a queued run has not started."""

    SLOT = "slot"
    """Every slot of its executor is taken."""
    POOL = "pool"
    """Its named pool, or its group, has as many runs as it may have."""
    OVERLAP = "overlap"
    """An earlier run of its job is active."""
    RETRY = "retry"
    """An attempt failed, and the delay before the next one is not over."""
    JITTER = "jitter"
    """Its due time is spread."""
