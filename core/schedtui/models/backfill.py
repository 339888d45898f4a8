"""What became of the wish to run a job for due times of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schedtui.models.engine import DueTime


@dataclass(frozen=True, kw_only=True, slots=True)
class Backfill:
    """The due times of a range, counted by what becomes of them."""

    job: str
    """``group/name``."""
    job_id: int
    timezone: str
    """IANA zone of the job."""
    start: datetime
    """The range, UTC: from this moment on …"""
    end: datetime
    """… to before this one: what was asked for, or right after now where that is earlier."""
    dry_run: bool = False
    """Whether nothing was queued, and ``queued`` says what would be."""
    found: int
    """Due times in the range, by the schedule that the job has now."""
    queued: int
    """Those that get a run."""
    backfilled: int = 0
    """Those left out because a run of another backfill succeeded, runs or waits for them."""
    succeeded: int = 0
    """Those left out because they ran and succeeded when they were due."""
    active: int = 0
    """Those left out because their own run has not ended."""
    once: int = 0
    """Those left out because of ``run_once_key``: their period has a success, or another run of it
    is active or is queued here."""
    forgotten: int = 0
    """Those left out because their rows were removed, so that nobody knows what became of them."""
    first: tuple[DueTime, ...] = ()
    """The oldest due times that get a run, five at most."""
    last: tuple[DueTime, ...] = ()
    """The newest of the others that do, five at most."""
    runs: tuple[int, ...] = ()
    """The ids of the oldest runs, 100 at most; empty after a dry run."""
    replayed: bool = False
    """Whether an earlier call with the same key queued them, and this one nothing."""
