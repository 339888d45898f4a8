"""All that the store in memory holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schedtui.models import Job, Revision
from schedtui.protocols import Finish, LogChunk, NewRun, PastBoot, Posted, Token
from schedtui.store.memory_once import OnceData


def _no_meta() -> dict[str, Any]:
    return {
        "last_run_id": 0,
        "last_job_id": 0,
        "last_chunk_id": 0,
        "last_token_id": 0,
        "last_notice_id": 0,
        "clock_epoch": 0,
        "pause": None,
        "boot": None,
        "last_seen_us": None,
        "clean": True,
    }


@dataclass(slots=True)
class Data:
    """All that the store in memory holds. Values are never changed, only replaced."""

    meta: dict[str, Any] = field(default_factory=_no_meta)
    """Counters, the clock epoch, and the engine's sign of life."""
    jobs: dict[int, Job] = field(default_factory=dict)
    """The living ones."""
    names: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Group and name of every job that ever lived."""
    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    """Living jobs by group and name."""
    tombstones: dict[tuple[str, str], Job] = field(default_factory=dict)
    """Of each group and name the job that was deleted last."""
    runs: dict[int, NewRun] = field(default_factory=dict)
    """Every run as it is now."""
    ends: dict[int, Finish] = field(default_factory=dict)
    """What an ended run has besides."""
    handled: dict[int, str] = field(default_factory=dict)
    """What was done about those of them that failed."""
    active: dict[int, None] = field(default_factory=dict)
    """Runs that are queued or running."""
    due: dict[tuple[int, int, int], int] = field(default_factory=dict)
    """Job, clock epoch and due time, which are unique: the backstop of claiming."""
    attempts: dict[tuple[int, int], Finish] = field(default_factory=dict)
    chunks: dict[int, LogChunk] = field(default_factory=dict)
    chunk_keys: dict[tuple[int, int, int], int] = field(default_factory=dict)
    audit: dict[int, tuple[int, int, str, str, str, str, str]] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    """By name."""
    subjects: dict[int, int] = field(default_factory=dict)
    """What a line of the audit trail changed, by the line's id."""
    boots: dict[str, PastBoot] = field(default_factory=dict)
    revisions: dict[int, Revision] = field(default_factory=dict)
    forgotten: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By job: the first and the last due time whose row was removed."""
    outbox: dict[int, Posted] = field(default_factory=dict)
    once: OnceData = field(default_factory=OnceData)

    def name_of(self, run_id: int) -> str:
        """``group/name`` of a run's job; of its function where it has none."""
        run = self.runs.get(run_id)
        return "/".join(self.names.get(run.job_id, ())) or run.function if run else ""
