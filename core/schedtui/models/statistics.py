"""How long the runs of a job took that succeeded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class RunTime(NamedTuple):
    """One run that succeeded."""

    run_id: int
    finished_at: datetime
    duration_s: float
    """Seconds from its start to its end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """The newest runs of a job that succeeded since its statistics were cleared."""

    job: str
    """``group/name``."""
    since: datetime | None = None
    """When somebody cleared them last; None: never."""
    runs: tuple[RunTime, ...] = ()
    """Oldest first."""
