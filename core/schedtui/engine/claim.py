"""The tick: what is due is decided, claimed in one transaction, and dispatched from its commit.

A job is off the heap from the moment it is popped until its claim is committed or handed back, so
it cannot be claimed twice, and a due time that could not be claimed comes up again unchanged.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from schedtui.engine.core import Core
from schedtui.engine.decide import Decision, Verdict, decide
from schedtui.engine.live import LiveJob, LiveRun
from schedtui.engine.slots import Pool
from schedtui.errors import SchedtuiError, StoreDataError
from schedtui.models import RunState, Source, WaitReason
from schedtui.protocols import Claim, NewRun, RecentRun
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.tick")

MAX_DUE = 500
"""Jobs claimed in one transaction; what else is due follows in the next one."""
MAX_OUTSTANDING = 2 * MAX_DUE
"""Jobs whose claims are on their way to the store."""
BUDGET_S = 0.02
"""A tick lets others have the loop after so long, however much is due."""
BACKOFF_S = (0.1, 0.2, 0.5, 1.0)


class Entry(NamedTuple):
    """One job in a claim."""

    job: LiveJob
    claim: Claim
    run: LiveRun | None


class Claims:
    """Pops, decides, claims.

    Args:
        core: The engine's parts.
        dispatch: Starts runs whose row says ``running``.
        queued: Called when runs were put into a queue.
        reload: Reads a job anew whose claim was lost.
    """

    def __init__(
        self,
        core: Core,
        *,
        dispatch: Callable[[list[LiveRun]], None],
        queued: Callable[[], None],
        reload: Callable[[LiveJob], None],
    ) -> None:
        self._core = core
        self._dispatch = dispatch
        self._queued = queued
        self._reload = reload
        self._outstanding = 0
        self._failures = 0
        self._retry_at = 0.0
        self._open = False
        self.last_tick = core.clock.monotonic()
        """When the tick last ran, monotonic seconds."""

    @property
    def outstanding(self) -> int:
        """Jobs whose claims are on their way to the store."""
        return self._outstanding

    def open(self) -> None:
        """Begin to claim."""
        self._open = True
        self._core.wakeup()

    def close(self) -> None:
        """Claim nothing more."""
        self._open = False

    def tick(self) -> float:
        """Claim what is due. Returns the seconds until there may be more to do."""
        core = self._core
        self.last_tick = now = core.clock.monotonic()
        if not self._open or self._outstanding >= MAX_OUTSTANDING:
            return 1.0
        if self._failures and now < self._retry_at:
            return self._retry_at - now
        now_us = core.clock.now_us()
        batch, crowded = self._gather(now_us, now)
        if batch:
            self._submit(batch)
        if crowded:
            return 0.001
        if self._failures or self._outstanding >= MAX_OUTSTANDING:
            return 1.0
        next_us = core.heap.next_us()
        return 1.0 if next_us is None else (next_us - now_us) / 1e6

    def claim_now(self, job: LiveJob) -> None:
        """Claim what is due of one job, ahead of a command that will change it."""
        self._core.heap.drop(job)
        now_us = self._core.clock.now_us()
        self._submit([self._enter(job, self._core.pool_of(job.job.function), now_us)])

    def _gather(self, now_us: int, now: float) -> tuple[list[Entry], bool]:
        """Due jobs decided; and whether some were left because slots will be back in a moment."""
        core = self._core
        batch: list[Entry] = []
        until = time.perf_counter() + BUDGET_S
        # After a failure one job finds out whether the store is back.
        limit = 1 if self._failures else min(MAX_DUE, MAX_OUTSTANDING - self._outstanding)
        while len(batch) < limit:
            job = core.heap.pop_due(now_us)
            if job is None:
                break
            if job.busy:
                continue  # whoever keeps it busy puts it back
            pool = core.pool_of(job.job.function)
            if pool.free <= 0 and pool.soon(now):
                core.heap.put_back(job)
                return batch, True
            batch.append(self._enter(job, pool, now_us))
            if len(batch) % 16 == 0 and time.perf_counter() > until:
                break
        return batch, False

    def _enter(self, job: LiveJob, pool: Pool, now_us: int) -> Entry:
        due_us = job.next_due_us
        trigger = job.trigger
        if due_us is None or trigger is None:
            raise RuntimeError(f"{job.full_name} has no due time to claim")
        active = job.active_name()
        try:
            decision = decide(
                trigger,
                due_us,
                now_us,
                job.policies,
                active=active,
                absence=self._core.absence(due_us),
            )
        except Exception as error:
            logger.exception("the trigger of %s failed", job.full_name)
            reason = job.problem = f"its trigger failed: {type(error).__name__}: {error}"
            self._core.problem(f"job {job.id}", f"{job.full_name}: {reason}")
            verdict = Verdict(due_us, RunState.MISSED, Source.SCHEDULE, reason)
            decision = Decision(None, due_us, (verdict,))
        rows = []
        run: LiveRun | None = None
        for verdict in decision.verdicts:
            run_id = next(self._core.run_ids)
            if verdict.state is None:
                run, row = self._starting(run_id, job, verdict, pool, now_us)
            else:
                row = decided_row(run_id, job, verdict, self._core.epoch, now_us)
            rows.append(row)
        claim = Claim(
            decision.next_due_us, decision.last_due_us, job.id, job.version, due_us, tuple(rows)
        )
        return Entry(job, claim, run)

    def _starting(
        self, run_id: int, job: LiveJob, verdict: Verdict, pool: Pool, now_us: int
    ) -> tuple[LiveRun, NewRun]:
        run = LiveRun(
            run_id,
            job,
            function=job.job.function,
            kwargs=job.kwargs,
            source=verdict.source,
            scheduled_for_us=verdict.scheduled_for_us,
            pool=pool,
        )
        return run, claimed_row(self._core, run, job.kwargs_json, now_us)

    def _submit(self, batch: list[Entry]) -> None:
        self._outstanding += len(batch)
        for entry in batch:
            entry.job.busy = True
            if entry.run is not None:
                entry.job.active += 1
        self._core.writer.submit(self._write(batch))

    def _write(self, batch: list[Entry]) -> Write:
        claims = [entry.claim for entry in batch]
        middle = len(batch) // 2
        return Write(
            Lane.CLAIM,
            lambda tx: tx.claim(claims),
            done=partial(self._committed, batch),
            failed=partial(self._failed, batch),
            halves=lambda: (
                [self._write(batch[:middle]), self._write(batch[middle:])] if middle else []
            ),
        )

    def _committed(self, batch: list[Entry], lost: set[int]) -> None:
        core = self._core
        self._outstanding -= len(batch)
        if self._failures:
            self._failures = 0
            core.problem("claims", None)
        starting: list[LiveRun] = []
        for job, claim, run in batch:
            if job.id in lost:
                self._undo(job, run)
                job.release()
                self._reload(job)
                continue
            job.next_due_us = claim.next_due_us
            job.last_due_us = claim.last_due_us
            job.release()
            core.heap.push(job)
            for row in claim.runs:
                core.hub.run(row.id, job.id, row.state)
                if row.finished_at_us is not None:
                    job.recent.append(RecentRun(row.id, job.id, row.state, now_of(row), None))
            if run is not None:
                job.running[run.id] = run
                if run.state is RunState.RUNNING:
                    run.pool.claimed -= 1
                    starting.append(run)
                else:
                    run.pool.queue.append(run)
                    self._queued()  # the slot may have come back while the claim was on its way
        if starting:
            self._dispatch(starting)
        core.wakeup()

    def _failed(self, batch: list[Entry], error: SchedtuiError) -> None:
        core = self._core
        self._outstanding -= len(batch)
        for entry in batch:
            self._undo(entry.job, entry.run)
        if isinstance(error, StoreDataError):
            for entry in batch:
                self._refused(entry, error)
            return
        if not error.retryable:
            core.problem("claims", f"due times cannot be claimed: {error}")
        pause_s = BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        self._retry_at = core.clock.monotonic() + pause_s
        for entry in batch:
            entry.job.release()
            core.heap.push(entry.job)
        core.wakeup()

    def _undo(self, job: LiveJob, run: LiveRun | None) -> None:
        if run is not None:
            job.active -= 1
            if run.state is RunState.RUNNING:
                run.pool.claimed -= 1
                run.pool.give_back()

    def _refused(self, entry: Entry, error: StoreDataError) -> None:
        """The store will never take these rows: try plainer ones, then none, then stop the job.

        None is right where the due time has its row already (the unique key refused another).
        """
        job, claim, _ = entry
        logger.error("the rows of %s were refused: %s", job.full_name, error)
        if not claim.runs:
            job.problem = f"the store refuses its rows: {error}"
            core = self._core
            core.problem(f"job {job.id}", f"{job.full_name}: {job.problem}")
            job.trigger = None
            job.release()
            core.hub.job(job.id)
            return
        plain = tuple(_plain(row, error) for row in claim.runs)
        rows = () if plain == claim.runs else plain
        self._submit([Entry(job, claim._replace(runs=rows), None)])


def _plain(row: NewRun, error: StoreDataError) -> NewRun:
    """A row without what a store might refuse of it; the run it stood for is missed."""
    row = row._replace(kwargs_json=None)
    if row.finished_at_us is not None:
        return row
    return row._replace(
        state=RunState.MISSED,
        wait_reason=None,
        attempt=0,
        token=None,
        started_at_us=None,
        finished_at_us=row.claimed_at_us,
        reason=f"the store refused its row: {error}",
    )


def now_of(row: NewRun) -> int:
    """When a row that never started was decided."""
    return row.started_at_us or row.claimed_at_us


def claimed_row(core: Core, run: LiveRun, kwargs_json: str | None, now_us: int) -> NewRun:
    """The row of a run that is to run: ``running`` where a slot is free, else ``queued``."""
    if run.pool.take():
        run.state = RunState.RUNNING
        run.attempt = 1
        run.token = next(core.tokens)
        run.started_at_us = now_us
    running = run.state is RunState.RUNNING
    return NewRun(
        run.id,
        run.job.id,
        run.function,
        run.source,
        run.state,
        run.scheduled_for_us,
        core.epoch,
        run.job.version,
        kwargs_json,
        now_us,
        None if running else WaitReason.SLOT,
        run.attempt,
        run.token if running else None,
        now_us if running else None,
        None,
        None,
        None,
        None,
        None,
    )


def decided_row(
    run_id: int,
    job: LiveJob,
    verdict: Verdict,
    epoch: int,
    now_us: int,
    actor: str | None = None,
) -> NewRun:
    """The row of a due time, or a stretch, that does not run."""
    if verdict.state is None:
        raise ValueError("a verdict to run has no row of its own; claim it")
    return NewRun(
        run_id,
        job.id,
        job.job.function,
        verdict.source,
        verdict.state,
        verdict.scheduled_for_us,
        epoch,
        job.version,
        job.kwargs_json,
        now_us,
        None,
        0,
        None,
        None,
        now_us,
        verdict.reason,
        verdict.range_from_us,
        verdict.range_count,
        actor,
    )
