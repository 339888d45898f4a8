"""Failures in a row: counted with the outcomes, and the pause that follows too many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.attempts import End
from schedtui.engine.runs.direct import NO_JOB
from schedtui.models import RunState
from schedtui.protocols import Failing, Finish

_FAILED = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST})


class Failures:
    """Counts what fails in a row, by job.

    The store is told in the transaction of the outcome what that changes, and memory at its commit:
    both in the order of the commits, so that they are the same whatever was on its way together.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._coming: Counter[int] = Counter()
        """Outcomes that change a count and are not committed, by job."""
        self.on_too_many: Callable[[LiveJob, str], None] = _nobody
        """Called with a job that is to be paused, and why."""

    def all_coming(self, ends: Iterable[End]) -> list[End]:
        """Outcomes that are about to be handed in, each with whether it changes a count."""
        found: list[End] = []
        for end in ends:
            if end.finish.state is RunState.SUCCEEDED and not (
                end.run.job.failures or self._coming
            ):
                found.append(end)  # as nearly all are
            else:
                found.append(self.coming(end))
        return found

    def coming(self, end: End, *, always: bool = False) -> End:
        """An outcome that is about to be handed in, with whether it changes a count.

        Args:
            end: The outcome.
            always: Also where a success finds nothing to forgive now: others may pass it.
        """
        job, finish = end.run.job, end.finish
        if end.counts or end.not_before_us or job.id == NO_JOB:
            return end
        if finish.state is RunState.SUCCEEDED:
            counts = always or job.failures > 0 or job.id in self._coming
        else:
            counts = finish.state in _FAILED
        if not counts:
            return end
        self._coming[job.id] += 1
        return end._replace(counts=True)

    @staticmethod
    def changes(ends: Iterable[End], lost: set[int]) -> list[Failing]:
        """What these outcomes change, all but those of the lost runs."""
        changes: dict[int, Failing] = {}
        for end in ends:
            if end.counts and end.run.id not in lost:
                job_id = end.run.job.id
                _, added, anew = changes.get(job_id, (job_id, 0, False))
                added = _next(added, end.finish.state)
                changes[job_id] = Failing(job_id, added, anew or not added)
        return list(changes.values())

    def over(self, end: End) -> None:
        """An outcome is not on its way to the store any more."""
        if end.counts:
            job_id = end.run.job.id
            self._coming[job_id] -= 1
            if not self._coming[job_id]:
                del self._coming[job_id]

    def ended(self, run: LiveRun, finish: Finish) -> None:
        """The outcome of a run is committed."""
        job = run.job
        if finish.state is RunState.SUCCEEDED:
            job.failures = 0
            return
        job.failures = _next(job.failures, finish.state)
        if finish.state in _FAILED:
            self.judge(job, f"the last one, run {run.id}, {finish.state.value}")

    def judge(self, job: LiveJob, last: str = "") -> None:
        """Have a job paused that has failed too often in a row."""
        if self.too_many(job):
            runs = "1 run" if job.failures == 1 else f"{job.failures} runs"
            reason = f"{runs} failed in a row"
            self.on_too_many(job, f"{reason}; {last}" if last else reason)

    @staticmethod
    def too_many(job: LiveJob) -> bool:
        """Whether a job that is not paused is to be, by its policy of now."""
        failing = 0 < job.policies.pause_after_failures <= job.failures
        return failing and not (job.removed or job.job.paused)


def _next(failures: int, state: RunState) -> int:
    if state in _FAILED:
        return failures + 1
    return 0 if state is RunState.SUCCEEDED else failures


def _nobody(_job: LiveJob, _reason: str) -> None:
    return None
