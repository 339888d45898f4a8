"""Which jobs are meant, and one command to many of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schedtui.models.states import JobState


class BulkAction(StrEnum):
    """What is done to each of the jobs."""

    PAUSE = "pause"
    RESUME = "resume"
    TRIGGER = "trigger"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFilter:
    """Which jobs; every part that is given must hold. A command needs one, a list needs none."""

    group: str | None = None
    tag: str | None = None
    """One of its tags."""
    state: JobState | None = None

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return self.group is None and self.tag is None and self.state is None


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkOutcome:
    """What became of the command at one job."""

    job: str
    """``group/name``."""
    id: int
    done: bool
    run_id: int | None = None
    """The run that a trigger made."""
    problem: str = ""
    """Why it was not done."""
    replayed: bool = False
    """Whether an earlier call with the same idempotency key made the run."""
