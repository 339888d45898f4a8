"""Rows as they pass between the engine and its store: by the thousand, so they are plain tuples.

Times are integer microseconds since 1970 (UTC) and their names end in ``_us``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from schedtui.models import RunState, Source, WaitReason


class NewRun(NamedTuple):
    """A run's row as it is inserted. The order is that of the insert statement."""

    id: int
    job_id: int
    function: str
    source: Source
    state: RunState
    scheduled_for_us: int | None
    clock_epoch: int
    job_version: int
    kwargs_json: str | None
    """None stands for ``{}``."""
    claimed_at_us: int
    wait_reason: WaitReason | None
    attempt: int
    token: int | None
    started_at_us: int | None
    finished_at_us: int | None
    reason: str | None
    range_from_us: int | None
    range_count: int | None
    actor: str | None
    not_before_us: int | None = None
    """A queued run does not start earlier."""
    parent_id: int | None = None
    """The run it came from: the one that is run again, or whose end it was chained to."""
    schedules: str | None = None
    """Which of the job's several schedules were due, where it has names for them."""


class Claim(NamedTuple):
    """One job's due times decided: where the job moves to, and the rows that come of it."""

    next_due_us: int | None
    last_due_us: int
    job_id: int
    version: int
    due_us: int
    """The move holds only where the job still has this version and this ``next_due``."""
    runs: tuple[NewRun, ...]
    fired: int
    """How many due times of the job run, with these."""


class Start(NamedTuple):
    """A queued run that gets its slot."""

    run_id: int
    attempt: int
    token: int
    started_at_us: int


class Finish(NamedTuple):
    """The end of an attempt that was running, and so far of its run."""

    run_id: int
    attempt: int
    token: int
    state: RunState
    started_at_us: int
    finished_at_us: int
    reason: str | None
    error_type: str | None
    error: str | None
    traceback: str | None
    result: str | None
    result_is_json: bool
    log_lines: int
    log_dropped: int
    progress: float | None
    progress_text: str | None
    code: str | None = None
    """Fingerprint of the function's code."""
    late_json: str | None = None
    """Fingerprints of the late values, by parameter."""


class Retry(NamedTuple):
    """The end of an attempt after which its run waits for another one."""

    end: Finish
    """Of the attempt."""
    not_before_us: int


class Settled(NamedTuple):
    """The end of a queued run that will not start."""

    run_id: int
    state: RunState
    reason: str
    finished_at_us: int


class DueRow(NamedTuple):
    """What became of a due time, or is about to."""

    due_us: int
    run_id: int
    source: Source
    state: RunState


class DueRows(NamedTuple):
    """The runs for some due times of a job."""

    rows: list[DueRow]
    newest_id: int
    """The newest run of the job, whatever it was for; 0 where it has none."""
    forgotten: tuple[int, int] | None = None
    """The first and the last due time whose row was removed; None where none was."""


class LogChunk(NamedTuple):
    """Some consecutive lines of a run, compressed; made by `schedtui.store.chunks.encode`."""

    run_id: int
    attempt: int
    first_seq: int
    last_seq: int
    first_at_us: int
    last_at_us: int
    lines: int
    raw_bytes: int
    data: bytes
    text: str
    """Its distinct words, folded, for the full-text index only."""


class Tombstone(NamedTuple):
    """A job that was deleted."""

    id: int
    function: str
    kwargs: Mapping[str, Any]
    """As they were kept, with secrets."""


class OpenRun(NamedTuple):
    """A run that an earlier boot left queued or running."""

    id: int
    job_id: int
    function: str
    source: Source
    state: RunState
    scheduled_for_us: int | None
    kwargs_json: str | None
    attempt: int
    token: int | None
    started_at_us: int | None
    claimed_at_us: int
    wait_reason: WaitReason | None
    not_before_us: int | None
    parent_id: int | None = None
    """The run it came from."""


KEPT_SUCCESSES = 10_000
"""So many of the newest moments that a job succeeded for are remembered: one backfill fits in."""


class CallKey(NamedTuple):
    """The key of a call that made something, by which that call is known when it comes again."""

    scope: str
    """What was to run: ``job 12``, ``function g/f``, ``run 7``, ``backfill 12``, ``replay``;
    or ``job.create``."""
    key: str
    arguments: str
    """Hex digest of what the call was given."""
    run_id: int
    """What it made: a run, or in the scope ``job.create`` a job. Of a backfill or a
    replay the oldest run, 0 where it had none."""
    at_us: int


class Failing(NamedTuple):
    """What outcomes change of how many runs of a job have failed in a row."""

    job_id: int
    added: int
    anew: bool
    """Whether one has succeeded, so that only those after it count."""


class Success(NamedTuple):
    """A job with ``run_once_key`` has succeeded for the period of a moment."""

    job_id: int
    run_id: int
    at_us: int
    """The moment that the period's name is made of."""


class RecentRun(NamedTuple):
    """What a job's summary shows of an ended run."""

    id: int
    job_id: int
    state: RunState
    at_us: int
    """When it started, or was claimed where it never started."""
    duration_us: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Boot:
    """One start of an engine on a store."""

    boot: str
    pid: int
    started_at_us: int
    address: str
    """Where it can be reached: the Unix socket's path, or empty."""


class PastBoot(NamedTuple):
    """A start of an engine, and how long it was seen."""

    started_at_us: int
    ended_at_us: int
    """Its orderly end, else its last sign of life."""
    clean: bool
    """Whether it stopped in order; False also while it runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnginePause:
    """The whole engine is paused."""

    by: str
    """Who did it."""
    reason: str
    since_us: int

    def begun(self, since_us: int) -> EnginePause:
        """The same, with another beginning: by a clock that was set."""
        return replace(self, since_us=max(0, since_us))


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """What an engine finds when it opens its store."""

    last_run_id: int
    """The highest run id ever given out; 0 in a new store."""
    clock_epoch: int
    last_seen_us: int | None
    """The last sign of life of the engine before this one; None in a new store."""
    clean: bool
    """Whether that engine stopped in order."""
    pause: EnginePause | None = None
    """Whether the engine is paused, by whom and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """An access token as it is kept: never the token itself."""

    id: int
    name: str
    role: str
    """``viewer``, ``operator`` or ``admin``."""
    sha256: str
    """Hex digest of the secret, which is random enough to need no salt."""
    created_at_us: int
    expires_at_us: int | None
    groups: tuple[str, ...] | None = None
    """The groups that its holder sees and acts on; None: all of them."""
