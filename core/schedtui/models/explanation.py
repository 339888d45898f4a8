"""Why a job ran, or did not, at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schedtui.models.engine import DueTime
from schedtui.models.states import RunState


class FactKind(StrEnum):
    """What a fact is about."""

    RUN = "run"
    """What became of its run."""
    UNSCHEDULED = "unscheduled"
    """A run that no schedule asked for."""
    BACKFILL = "backfill"
    """A run that was asked for later, for this due time."""
    CATCH_UP = "catch_up"
    """It was found late and made up for."""
    STRETCH = "stretch"
    """One row stands for many due times."""
    LATE = "late"
    """It started later than its due time."""
    WAITING = "waiting"
    """For a slot, a pool, its turn, its jitter or its next attempt."""
    ATTEMPT = "attempt"
    """An attempt that was not the last one."""
    ERROR = "error"
    """What its function raised."""
    OVERLAP = "overlap"
    """Another run of its job was active."""
    ONCE = "once"
    """A run of its period was active, or had succeeded."""
    GRACE = "grace"
    """It was found later than its grace allows."""
    ENGINE_DOWN = "engine_down"
    """No engine ran."""
    CLOCK = "clock"
    """The wall clock of the engine was stepped."""
    CANCELLED = "cancelled"
    """Somebody, or a newer run, ended it."""
    LOST = "lost"
    """Its engine ended, or let go of it, while it ran."""
    PAUSED = "paused"
    """The job, or the whole engine."""
    BLACKOUT = "blackout"
    """Its schedule leaves this time out."""
    DST = "dst"
    """The wall clock of its zone was set forward or back."""
    NOT_DUE = "not_due"
    """Its schedule does not hold this moment."""
    UPCOMING = "upcoming"
    """The moment has not come yet."""
    PENDING = "pending"
    """It is due and not decided yet."""
    NOT_CREATED = "not_created"
    """The job did not exist yet."""
    DELETED = "deleted"
    ORPHANED = "orphaned"
    """Its declaration was gone from the code."""
    BROKEN = "broken"
    """Its trigger could not be read or failed, or the store refused its rows."""
    FINISHED = "finished"
    """It had run as often as it was to, or its schedule had ended."""
    EDITED = "edited"
    """Its schedule was another one."""
    NO_ROW = "no_row"
    """What became of it is not kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One thing that is so."""

    kind: FactKind
    text: str
    """A clause, without a full stop; may hold names and reasons that others wrote."""
    run_id: int | None = None
    """The run it speaks of."""
    since: datetime | None = None
    """When what it tells of began, UTC."""
    until: datetime | None = None
    """When that ended, UTC."""
    lasted_s: float | None = None
    """How late, how long waited, how far stepped: seconds."""
    actor: str = ""
    """Who did it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why a job ran, or did not, at a moment."""

    job: str
    """``group/name``."""
    job_id: int
    timezone: str
    """IANA zone of the job at that moment; times in the texts are by its clock."""
    asked: DueTime
    """The moment that was asked about."""
    due: DueTime | None = None
    """The due time that this is about; None: the job was not due then."""
    ran: bool = False
    """Whether its function was started for this due time."""
    state: RunState | None = None
    """What became of the due time; None where it has no run."""
    summary: str
    """One sentence."""
    facts: tuple[Fact, ...] = ()
    """Why, what matters most first."""
    runs: tuple[int, ...] = ()
    """The runs that the facts speak of, that of the due time first."""
    before: DueTime | None = None
    """The due time before it, by the schedule that the job had then."""
    after: DueTime | None = None
    """The due time after it."""
