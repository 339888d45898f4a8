"""What an engine counts and measures of itself, for whoever watches many of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schedtui.models.states import JobState, RunState, WaitReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Histogram:
    """Measurements, counted by how large they were."""

    bounds: tuple[float, ...]
    """Upper ends of the buckets, rising; one more bucket has no end."""
    counts: tuple[int, ...]
    """How many lie in each bucket and in no smaller one."""
    total: float
    """Their sum."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolUse:
    """Slots of an executor, or places of a named pool or of a group."""

    kind: str
    """``executor``, ``pool`` or ``group``."""
    name: str
    used: int
    capacity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """An engine at one moment, in numbers. Counters begin at 0 with each start of the engine."""

    boot: str
    version: str
    jobs: Mapping[JobState, int]
    ended: Mapping[RunState, int]
    """Runs by the state in which they ended, or were decided not to run."""
    waiting: Mapping[WaitReason, int]
    """Queued runs by what they wait for."""
    running: int
    tick_age_s: float
    """Seconds since the tick last ran."""
    lateness_s: Histogram
    """By how much scheduled runs started later than they were due, first attempts only."""
    pools: tuple[PoolUse, ...]
    writer_waiting: Mapping[str, int]
    """Writes that wait for the store, by lane."""
    writer_commit_s: Histogram
    """How long transactions took."""
    writer_failures: int
    """Transactions that failed because the store did not answer."""
    failing: Mapping[str, int] = field(default_factory=dict)
    """Jobs whose last runs failed, `MAX_FAILING` at most, and how many in a row."""
    failing_left_out: int = 0
    """How many such jobs there are beyond those."""


MAX_FAILING = 200
"""Jobs that are told of by name: each is a time series of its own wherever this is collected."""
