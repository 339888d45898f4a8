"""The runs that follow the end of a run of another job.

They are made with the outcome that they follow, and written in its transaction, so that no crash
between the two can lose or double one. A child begins as ``queued``: the sweeper starts it when its
row is committed, like everything that waits. What it was decided to be stays with the outcome until
that is written, however often the store has to be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.direct import NO_JOB
from schedtui.engine.tick.decide import Verdict, overlap
from schedtui.engine.tick.newruns import decided_row, new_run, plain_row, queued_row
from schedtui.errors import StoreDataError
from schedtui.models import Overlap, RunState, Source
from schedtui.protocols import NewRun, RecentRun, StoreTx

DELETED = "its job was deleted meanwhile"
"""Why a run that followed another one never starts."""


class Child(NamedTuple):
    """A run that follows the end of another one, on its way to the store with it."""

    parent_id: int
    job: LiveJob
    row: NewRun
    run: LiveRun | None
    """None where it does not run; its row says why."""


class Chains:
    """Makes the runs that follow others; on the engine's loop.

    Args:
        core: The engine's parts.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.wait: Callable[[LiveRun], None] = _nothing
        """Lets a run wait whose row says ``queued``."""
        self.replace: Callable[[LiveRun], None] = _nothing
        """Ends the other runs of a job whose new run takes their place."""

    def children(self, job: LiveJob, run_id: int, state: RunState) -> tuple[Child, ...]:
        """The runs that follow the end of a run; they count as active from now on.

        Args:
            job: What the run belongs to. Where that is no job, or was deleted, nothing follows.
            run_id: The run.
            state: How it ended, after all its attempts.
        """
        if job.id == NO_JOB or job.removed:
            return ()
        cause = f"after run {run_id} of {job.full_name} ({state.value})"
        found = self._core.jobs.followers.of(job.job, state)
        return tuple(self._child(live, run_id, cause) for live in found)

    def _child(self, live: LiveJob, parent_id: int, cause: str) -> Child:
        core = self._core
        run_id, now_us = next(core.run_ids), core.clock.now_us()
        run: LiveRun | None = None
        reason = _idle(live)
        if reason is None and live.once is not None:
            reason = live.once.taken(now_us)
        if reason is None:
            reason = overlap(live.policies, live.competing())
        if reason is not None:
            verdict = Verdict(now_us, RunState.SKIPPED, Source.CHAIN, reason)
            row = decided_row(run_id, live, verdict, core.epoch, now_us)
            row = row._replace(scheduled_for_us=None)
        else:
            run = new_run(
                run_id,
                live,
                core.pool_of(live.job.function),
                source=Source.CHAIN,
                scheduled_for_us=None,
                kwargs=live.kwargs,
                now_us=now_us,
                parent_id=parent_id,
            )
            row = queued_row(core, run, live.kwargs_json, now_us)
            live.claimed(run)
        return Child(parent_id, live, row._replace(actor=cause, parent_id=parent_id), run)

    def committed(self, children: Iterable[Child]) -> None:
        """Their rows are in the store: they wait for their start."""
        for child in children:
            _, job, row, run = child
            if run is None or row.state is not RunState.QUEUED:
                self._over(job, run, row)
            else:
                job.began(run)
                if job.removed:
                    run.unwanted = DELETED, False
                elif job.policies.overlap is Overlap.CANCEL_RUNNING:
                    self.replace(run)
                self.wait(run)
            self._core.hub.run(row.id, job.id, row.state, job.job.group)

    def _over(self, job: LiveJob, run: LiveRun | None, row: NewRun) -> None:
        if run is not None:
            job.unclaimed(run)
        job.recent.append(RecentRun(row.id, job.id, row.state, row.claimed_at_us, None))

    @staticmethod
    def dropped(children: Iterable[Child]) -> None:
        """Their rows were not written, because the end that they follow was not."""
        for child in children:
            if child.run is not None:
                child.job.unclaimed(child.run)


def insert(tx: StoreTx, children: Sequence[Child], lost: set[int]) -> None:
    """Write the rows of those whose parent's end is in the same transaction."""
    rows = [child.row for child in children if child.parent_id not in lost]
    if rows:
        tx.insert_runs(rows)


def plain(children: Iterable[Child], error: StoreDataError) -> tuple[Child, ...]:
    """Without what the store might refuse of their rows: they are missed, and say why."""
    return tuple(child._replace(row=plain_row(child.row, error)) for child in children)


def _idle(live: LiveJob) -> str | None:
    """Why a job does not run though what it follows has ended; None where it does.

    That its schedule is over, or broken, is not the chain's concern.
    """
    job = live.job
    if job.damage:
        return live.problem or "its row in the store is damaged"
    if job.orphaned:
        return "orphaned: its declaration is gone from the code"
    if job.paused:
        said = f": {job.pause_reason}" if job.pause_reason else ""
        return f"paused by {job.paused_by or 'its declaration'}{said}"
    return live.halted or None


def _nothing(_run: LiveRun) -> None:
    return None
