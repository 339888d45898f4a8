"""What became of the runs of a while, in numbers: by job, or by function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MAX_SEEN = 100_000
"""The newest runs of a while that its numbers are of, at most."""
MAX_FIGURES = 1_000
"""The jobs or functions in one answer, at most."""


class StatsBy(StrEnum):
    """What the numbers are of."""

    JOB = "job"
    """Runs without a job count under their function."""
    FUNCTION = "function"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The runs of one job, or of one function."""

    name: str
    """``group/name``, as the job is called now, or was called last."""
    runs: int
    """How many were claimed in that while."""
    states: Mapping[str, int] = field(default_factory=dict)
    """How many of them are in each state; those alone in which there are some."""
    success_rate: float | None = None
    """0 to 1: of those that succeeded, failed, ran into their timeout or were lost, the first."""
    average_s: float | None = None
    """Seconds from start to end of those that succeeded; None where none did, as below."""
    shortest_s: float | None = None
    longest_s: float | None = None
    p95_s: float | None = None
    """19 of 20 of them took no longer."""
    last_success: datetime | None = None
    """When the one that succeeded last has ended."""
    last_failure: datetime | None = None
    """Likewise the one that failed, ran into its timeout or was lost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """The runs of a while."""

    since: datetime
    until: datetime | None = None
    """None: now."""
    by: StatsBy = StatsBy.JOB
    complete: bool = True
    """False where there were too many: the numbers are then of the newest runs alone."""
    items: tuple[Figures, ...] = ()
    """By name."""
