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
from schedtui.engine.decide import NOBODY, Active, Decision, Verdict, decide
from schedtui.engine.live import LiveJob, LiveRun
from schedtui.engine.newruns import claimed_row, decided_at_us, decided_row, new_run, plain_row
from schedtui.engine.once import claiming, unclaimed
from schedtui.engine.slots import Pool
from schedtui.errors import SchedtuiError, StoreDataError
from schedtui.models import Overlap, RunState, Source
from schedtui.protocols import Claim, NewRun, RecentRun, StoreTx
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
    runs: tuple[LiveRun, ...]
    """Those of its rows that are to run."""


class Claims:
    """Pops, decides, claims.

    Args:
        core: The engine's parts.
        dispatch: Starts runs whose row says ``running``.
        wait: Lets a run wait whose row says ``queued``.
        replace: Ends the other runs of a job whose new run takes their place.
        reload: Reads a job anew whose claim was lost.
    """

    def __init__(
        self,
        core: Core,
        *,
        dispatch: Callable[[list[LiveRun]], None],
        wait: Callable[[LiveRun], None],
        replace: Callable[[LiveRun], None],
        reload: Callable[[LiveJob], None],
    ) -> None:
        self._core = core
        self._dispatch = dispatch
        self._wait = wait
        self._replace = replace
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
        active = Active(job.rivals, job.rival_name() or "") if job.rivals else NOBODY
        try:
            decision = decide(
                trigger,
                due_us,
                now_us,
                job.policies,
                active=active,
                fired=job.fired,
                absence=self._core.absence(due_us),
                once=None if job.once is None else job.once.verdicts,
            )
        except Exception as error:
            logger.exception("the trigger of %s failed", job.full_name)
            reason = job.problem = f"its trigger failed: {type(error).__name__}: {error}"
            self._core.problem(f"job {job.id}", f"{job.full_name}: {reason}")
            verdict = Verdict(due_us, RunState.MISSED, Source.SCHEDULE, reason)
            decision = Decision(None, due_us, (verdict,))
        rows: list[NewRun] = []
        runs: list[LiveRun] = []
        for verdict in decision.verdicts:
            run_id = next(self._core.run_ids)
            if verdict.state is None:
                run = new_run(
                    run_id,
                    job,
                    pool,
                    source=verdict.source,
                    scheduled_for_us=verdict.scheduled_for_us,
                    kwargs=job.kwargs,
                    now_us=now_us,
                )
                runs.append(run)
                claiming(run)
                rows.append(claimed_row(self._core, run, job.kwargs_json, now_us))
            else:
                rows.append(decided_row(run_id, job, verdict, self._core.epoch, now_us))
        claim = Claim(
            decision.next_due_us,
            decision.last_due_us,
            job.id,
            job.version,
            due_us,
            tuple(rows),
            job.fired + len(runs),
        )
        return Entry(job, claim, tuple(runs))

    def _submit(self, batch: list[Entry]) -> None:
        self._outstanding += len(batch)
        for entry in batch:
            entry.job.busy = True
            entry.job.active += len(entry.runs)
        self._core.writer.submit(self._write(batch))

    def _write(self, batch: list[Entry]) -> Write:
        claims = [entry.claim for entry in batch]
        middle = len(batch) // 2
        alerts = self._core.alerts
        notices = [one for job, claim, _ in batch for one in alerts.of_missed(job, claim.runs)]

        def apply(tx: StoreTx) -> set[int]:
            lost = tx.claim(claims)
            if notices:
                alerts.post(tx, [one for one in notices if one.job_id not in lost])
            return lost

        def done(lost: set[int]) -> None:
            self._committed(batch, lost)
            alerts.committed(notices)

        return Write(
            Lane.CLAIM,
            apply,
            done=done,
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
        for job, claim, runs in batch:
            if job.id in lost:
                self._undo(job, runs)
                job.release()
                self._reload(job)
                continue
            job.next_due_us = claim.next_due_us
            job.last_due_us = claim.last_due_us
            job.fired = claim.fired
            job.release()
            core.heap.push(job)
            for row in claim.runs:
                core.hub.run(row.id, job.id, row.state)
                if row.finished_at_us is not None:
                    at_us = decided_at_us(row)
                    job.recent.append(RecentRun(row.id, job.id, row.state, at_us, None))
            for run in runs:
                self._go(job, run, starting)
        if starting:
            self._dispatch(starting)
        core.wakeup()

    def _go(self, job: LiveJob, run: LiveRun, starting: list[LiveRun]) -> None:
        """A committed run: it starts, or it waits."""
        job.began(run)
        if run.state is RunState.RUNNING:
            run.pool.claimed -= 1
            starting.append(run)
            return
        if job.policies.overlap is Overlap.CANCEL_RUNNING:
            self._replace(run)
        self._wait(run)

    def _failed(self, batch: list[Entry], error: SchedtuiError) -> None:
        core = self._core
        self._outstanding -= len(batch)
        for entry in batch:
            self._undo(entry.job, entry.runs)
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

    def _undo(self, job: LiveJob, runs: tuple[LiveRun, ...]) -> None:
        job.active -= len(runs)
        now_us = self._core.clock.now_us()
        for run in runs:
            unclaimed(run)
            if run.state is RunState.RUNNING:
                run.pool.claimed -= 1
                self._core.slots.give_back(run, now_us)
                self._core.slots.pass_turn(run, now_us)

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
        plain = tuple(plain_row(row, error) for row in claim.runs)
        rows = () if plain == claim.runs else plain
        self._submit([Entry(job, claim._replace(runs=rows, fired=job.fired), ())])
