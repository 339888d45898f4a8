"""All that is known about one job at one moment, before it is put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from schedtui.clock import to_us
from schedtui.engine.explain.failing import Failing
from schedtui.engine.explain.history import JobHistory
from schedtui.models import Attempt, AuditEvent, Run
from schedtui.policies import Effective
from schedtui.protocols import PastBoot
from schedtui.triggers import LeftOut, Trigger


class Step(NamedTuple):
    """A step of the engine's wall clock."""

    at: datetime
    """What the clock showed right after it."""
    step_s: float
    """Seconds; negative where it was set back."""


class Present(NamedTuple):
    """What only the engine's memory knows."""

    now: datetime
    problem: str
    """What is wrong with the job."""
    finished: bool
    """Whether it has no due time left."""
    pending: str | None
    """Why its next due time, which has come, is not decided yet; None where nothing will."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """The question, and what was found out."""

    name: str
    """``group/name``, as it was asked."""
    job_id: int
    zone: str
    """The job's, at that moment."""
    asked: datetime
    skipped: str
    """The wall time that was meant, where the zone's clock skipped it."""
    due: datetime | None
    """The due time that was found for it."""
    known: Mapping[str, Any]
    """What the job was at that moment, as the audit trail tells it."""
    history: JobHistory
    present: Present
    accounted: datetime | None
    """Up to where its due times are accounted for."""
    trigger: Trigger | None
    """Its trigger at that moment; None where that cannot be read any more."""
    policies: Effective
    rows: tuple[Run, ...]
    """Of the due time; the one that counts first."""
    attempts: tuple[Attempt, ...]
    """Those of the first row that ended."""
    related: tuple[Run, ...]
    """Other runs of the job that had to do with it."""
    backfills: tuple[Run, ...]
    """Runs that were asked for later, for this due time; the newest first."""
    unscheduled: tuple[Run, ...]
    """Runs that no schedule asked for, claimed at that time."""
    waits: str
    """What it waits for now; empty where it does not."""
    down: tuple[PastBoot, PastBoot] | None
    """The engines before and after a time at which none ran."""
    step: Step | None
    """The step of the clock that went over this moment."""
    halt: AuditEvent | None
    """The pause of the whole engine at that moment."""
    held: AuditEvent | None
    """The pause of the whole engine when its row was written."""
    failing: Failing | None
    """Its trigger, where that fails."""
    left_out: LeftOut | None
    group_limit: int | None
    """How many runs its group allows at once."""
    today: Case | None
    """The same now, where no moment was asked about and the job still lives."""
    later_due: bool
    """Whether a schedule that it has had since would have been due."""
    before: datetime | None
    after: datetime | None

    @property
    def moment(self) -> datetime:
        """The due time, else what was asked about."""
        return self.due if self.due is not None else self.asked

    @property
    def unasked(self) -> bool:
        """Whether its trigger told nothing of this moment, having failed."""
        return self.failing is not None and self.before is None and self.after is None

    @property
    def run(self) -> Run | None:
        """What became of the due time."""
        return self.rows[0] if self.rows else None


def step_over(changes: Sequence[AuditEvent], us: int) -> Step | None:
    """The newest step of the clock over a moment."""
    for line in changes:
        if line.action == "engine.clock":
            step_us = line.detail.get("step_us")
            if not isinstance(step_us, int):  # damaged in the store
                continue
            low, high = sorted((to_us(line.at) - step_us, to_us(line.at)))
            if low < us <= high:
                return Step(line.at, step_us / 1e6)
    return None


def halt_at(changes: Sequence[AuditEvent], us: int) -> AuditEvent | None:
    """The pause of the whole engine at a moment."""
    for line in changes:
        if line.action in {"engine.pause", "engine.resume"} and to_us(line.at) <= us:
            return line if line.action == "engine.pause" else None
    return None
