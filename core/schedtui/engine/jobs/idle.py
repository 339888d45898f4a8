"""Why a job does not fire: now, and at moments of the past, as the audit trail tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from schedtui.clock import from_us, to_us
from schedtui.engine.explain.history import JobHistory, by_the_clock
from schedtui.engine.live.job import LiveJob
from schedtui.models import AuditEvent, Job
from schedtui.protocols import ENGINE, Store

MAX_LINES = 2_000
"""Changes of one job, or of the engine, that are looked at."""
PAUSED_BY = "paused by"
"""How the reasons begin of what is due while a job is paused."""
_ORPHANED = "orphaned: its declaration was gone from the code"


class Stretch(NamedTuple):
    """A time during which one thing kept a job from firing, or nothing did."""

    from_us: int
    until_us: int
    """Its last microsecond."""
    reason: str
    """Empty where the job fired."""


class Past(NamedTuple):
    """One job through time, and what was done to its engine."""

    job: JobHistory
    engine: Sequence[AuditEvent]
    """Newest first."""

    def idle(self, due_us: int) -> str:
        """Why a due time was nobody's to claim; empty where the job fired."""
        due = from_us(due_us)
        known = self.job.ruling(due)
        if known.get("orphaned"):
            return _ORPHANED
        if known.get("paused"):
            return _paused(known)
        for line in self.engine:
            if line.action == "engine.pause" and line.at <= due:
                return halted_words(line.actor, str(line.detail.get("reason") or ""))
            if line.action == "engine.resume" and line.at < due:
                break
        return ""

    def stretches(self, from_us: int, until_us: int) -> list[Stretch]:
        """All of the time from one moment up to another, both included."""
        edges = {from_us, until_us + 1, *self.job.edges()}
        for line in self.engine:
            edges |= {to_us(line.at), to_us(line.at) + 1}
        inside = sorted(one for one in edges if from_us <= one <= until_us + 1)
        found: list[Stretch] = []
        for first_us, next_us in pairwise(inside):
            reason = self.idle(first_us)
            if found and found[-1].reason == reason:
                found[-1] = found[-1]._replace(until_us=next_us - 1)
            else:
                found.append(Stretch(first_us, next_us - 1, reason))
        return found


def past_of(store: Store, job: Job) -> Past:
    """What the audit trail says of a living job; reads the store."""
    lines = store.changes_of(job.id, limit=MAX_LINES, before=None)
    engine = by_the_clock(store.changes_of(ENGINE, limit=MAX_LINES, before=None))
    return Past(JobHistory(job, lines), engine)


def idle_reason(live: LiveJob) -> str:
    """Why nobody decided the due times of a job; empty for one that fires."""
    job = live.job
    if job.orphaned:
        return _ORPHANED
    if job.paused:
        return _paused({"paused_by": job.paused_by, "pause_reason": job.pause_reason})
    return live.problem or live.halted


def halted_words(by: str, reason: str) -> str:
    """What the rows of the due times say that a pause of the whole engine skips."""
    return f"engine paused by {by}{f': {reason}' if reason else ''}"


def _paused(known: Mapping[str, Any]) -> str:
    by, reason = known.get("paused_by") or "its declaration", known.get("pause_reason")
    return f"{PAUSED_BY} {by}{f': {reason}' if reason else ''}"
