"""What a job says about its own running; the defaults and their resolution are in `policies`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Overlap(StrEnum):
    """What happens to a due time while as many runs of its job are active as may be."""

    SKIP = "skip"
    """A ``skipped`` row that names the active run."""
    QUEUE_ONE = "queue_one"
    """One run waits for the active ones to end; a second one that would wait is ``skipped``."""
    QUEUE_ALL = "queue_all"
    """Every run waits its turn."""
    CANCEL_RUNNING = "cancel_running"
    """The active runs are asked to end, and the new one runs when they have."""
    ALLOW = "allow"
    """Runs go side by side."""


class CatchUp(StrEnum):
    """What happens to due times found later than the grace."""

    SKIP = "skip"
    """A ``missed`` row each."""
    LATEST = "latest"
    """The newest of them runs, with source ``catchup``; the others are ``missed``."""
    ALL = "all"
    """The newest ones, up to ``catch_up_limit``, run in turn; the others are ``missed``."""


class OnLost(StrEnum):
    """What happens to a run whose engine died while it ran."""

    IGNORE = "ignore"
    """Its row says ``lost``."""
    RERUN = "rerun"
    """It runs again, as its next attempt, until three attempts were lost; then it is ``lost``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """Policies as written on a job, a group or an engine; None means: not decided here."""

    overlap: Overlap | None = None
    """While as many runs as ``concurrency`` allows are active. A retry that waits is active."""
    concurrency: int | None = None
    """Runs of the job that may be active at once, where overlap is not ``allow``."""
    grace_s: float | None = None
    """Seconds a due time may be found late and still run as if on time."""
    catch_up: CatchUp | None = None
    """For due times found later than the grace."""
    catch_up_limit: int | None = None
    """How many due times ``catch_up="all"`` runs."""
    retries: int | None = None
    """Attempts after the first one that failed."""
    retry_delay_s: float | None = None
    """Seconds before the first retry."""
    retry_backoff: float | None = None
    """By what each further delay is longer than the one before."""
    retry_max_delay_s: float | None = None
    """No delay is longer, in seconds."""
    retry_jitter: float | None = None
    """Share of a delay by which it is shortened or lengthened at random, 0 to 1."""
    retry_on: tuple[str, ...] | None = None
    """Names of exceptions that are worth a retry, bare or qualified; base classes count. A timeout
    is ``TimeoutError``. Empty: all."""
    timeout_s: float | None = None
    """Seconds an attempt may take; 0: as long as it likes."""
    on_lost: OnLost | None = None
    """For a run whose engine died while it ran."""
    start_within_s: float | None = None
    """Seconds a run may wait for its first start after it was claimed; 0: as long as it takes."""
    jitter_s: float | None = None
    """A due time starts up to so many seconds later, the same ones each time it is computed."""
    priority: int | None = None
    """Of two that wait for a slot the higher one goes first; -100 to 100."""
    pool: str | None = None
    """A named pool of the engine, whose limit its runs share; empty: none."""
    max_runs: int | None = None
    """Due times that run before the job is finished; 0: no end."""
    run_on_startup: bool | None = None
    """Whether it also runs when its engine starts."""
    pause_after_failures: int | None = None
    """Failures in a row after which the job is paused; 0: never."""
    run_once_key: str | None = None
    """Names the period of a run, as ``strftime`` does: ``%Y-%m-%d``. The job succeeds at most once
    for each name. Empty: as often as it is due."""
    keep_runs: int | None = None
    """Runs of the job whose rows are kept: so many that failed, and so many others."""
    keep_s: float | None = None
    """Seconds after its end that the row of a run is kept; 0: for ever."""
    keep_failures_s: float | None = None
    """The same of one that failed, timed out or was lost."""
    keep_logs_s: float | None = None
    """The same of a run's log lines, which do not outlive its row."""
