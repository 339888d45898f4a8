"""Failures in a row: counted with the outcomes, and the pause that follows too many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from schedtui.engine.attempts import End
from schedtui.engine.core import Core
from schedtui.engine.live import LiveJob
from schedtui.engine.live_run import LiveRun
from schedtui.models import RunState
from schedtui.protocols import Finish

_FAILED = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST})


class Failures:
    """Counts what fails in a row, by job.

    The count is kept in the store only for jobs that are to be paused for it, in the transaction
    of the outcome.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.on_too_many: Callable[[LiveJob, str], None] = _nobody
        """Called with a job that is to be paused, and why."""

    def counted(self, ends: Iterable[End]) -> dict[int, int]:
        """What the counts will be after these outcomes, by job; only where they are kept."""
        counts: dict[int, int] = {}
        for run, finish, not_before_us, *_ in ends:
            job = run.job
            if job.policies.pause_after_failures and not not_before_us:
                counts[job.id] = _next(counts.get(job.id, job.failures), finish.state)
        return counts

    def ended(self, run: LiveRun, finish: Finish) -> None:
        """The outcome of a run is committed."""
        job = run.job
        job.failures = _next(job.failures, finish.state)
        if finish.state in _FAILED:
            self.judge(job, f"the last one, run {run.id}, {finish.state.value}")

    def judge(self, job: LiveJob, last: str = "") -> None:
        """Have a job paused that has failed too often in a row."""
        most = job.policies.pause_after_failures
        if most and job.failures >= most and not job.job.paused and not job.removed:
            runs = "1 run" if job.failures == 1 else f"{job.failures} runs"
            reason = f"{runs} failed in a row"
            self.on_too_many(job, f"{reason}; {last}" if last else reason)


def _next(failures: int, state: RunState) -> int:
    if state in _FAILED:
        return failures + 1
    return 0 if state is RunState.SUCCEEDED else failures


def _nobody(_job: LiveJob, _reason: str) -> None:
    return None
