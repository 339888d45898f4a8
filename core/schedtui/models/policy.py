"""What a job says about its own running; the defaults and their resolution are in `policies`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Overlap(StrEnum):
    """What happens to a due time while an earlier run of its job is still active."""

    SKIP = "skip"
    """A ``skipped`` row that names the active run."""


class CatchUp(StrEnum):
    """What happens to due times found later than the grace."""

    SKIP = "skip"
    """A ``missed`` row each."""
    LATEST = "latest"
    """The newest of them runs, with source ``catchup``; the others are ``missed``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """Policies as written on a job, a group or an engine; None means: not decided here."""

    overlap: Overlap | None = None
    """While an earlier run is active."""
    grace_s: float | None = None
    """Seconds a due time may be found late and still run as if on time."""
    catch_up: CatchUp | None = None
    """For due times found later than the grace."""
