"""The tick: what is due is decided, claimed in one transaction, and dispatched from its commit.

A job is off the heap from the moment it is popped until its claim is committed or handed back, so
it cannot be claimed twice, and a due time that could not be claimed comes up again unchanged.

A trigger of the user's own is asked off the loop, its job busy meanwhile; what it says is judged on
the loop, by what is active then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.live.slots import Pool
from schedtui.engine.tick.decide import Found
from schedtui.engine.tick.entries import Entry, answered, due_of, enter, named
from schedtui.engine.tick.newruns import decided_at_us
from schedtui.engine.tick.singly import Singly
from schedtui.errors import SchedtuiError, StoreDataError, StoreUnavailableError
from schedtui.models import Overlap, RunState
from schedtui.protocols import Notice, RecentRun, StoreTx
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.tick")

MAX_DUE = 500
"""Jobs claimed in one transaction; what else is due follows in the next one."""
MAX_OUTSTANDING = 2 * MAX_DUE
"""Jobs whose claims are on their way to the store."""
BUDGET_S = 0.02
"""A tick lets others have the loop after so long, however much is due."""
BACKOFF_S = (0.1, 0.2, 0.5, 1.0)


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
        self._asking: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._retry_at = 0.0
        self._open = False
        self._rest: asyncio.Event | None = None
        self._blocked: StoreUnavailableError | None = None
        self.last_tick = core.clock.monotonic()
        """When the tick last ran, monotonic seconds."""

    @property
    def outstanding(self) -> int:
        """Jobs whose claims are on their way to the store."""
        return self._outstanding

    @property
    def under_way(self) -> int:
        """Those, and the jobs whose triggers are being asked."""
        return self._outstanding + len(self._asking)

    def open(self) -> None:
        """Begin to claim."""
        self._open = True
        self._wake(None)
        self._core.wakeup()

    def close(self) -> None:
        """Claim nothing more."""
        self._open = False
        self._wake(None)

    def rest(self) -> None:
        """Claim nothing, not for a command either, until `open` or `close`."""
        self._open = False
        if self._rest is None:
            self._rest = asyncio.Event()

    def block(self, error: StoreUnavailableError) -> None:
        """The rest does not end for now: commands that wait for that fail."""
        if self._rest is not None:
            self._wake(asyncio.Event())
            self._blocked = error

    @property
    def rests(self) -> bool:
        """Whether claims rest while a step of the clock is dealt with."""
        return self._rest is not None

    async def rested(self) -> None:
        """Wait for the end of a rest.

        Raises:
            StoreUnavailableError: what it waits for cannot be written now.
        """
        while self._rest is not None:
            if self._blocked is not None:
                raise self._blocked
            await self._rest.wait()

    def _wake(self, rest: asyncio.Event | None) -> None:
        before, self._rest, self._blocked = self._rest, rest, None
        if before is not None:
            before.set()

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
        if job.foreign:
            self._ask(job, now_us)
        else:
            self._submit([enter(self._core, job, now_us)])

    def claim_before(self, jobs: Sequence[LiveJob], until_us: int) -> None:
        """Claim what was due of jobs up to a moment, though they are not in the heap by now."""
        core, now_us = self._core, self._core.clock.now_us()
        for job in jobs:
            if job.foreign:
                self._ask(job, now_us, until_us)
        ours = [job for job in jobs if not job.foreign]
        self._submit([enter(core, job, now_us, until_us) for job in ours])

    def _gather(self, now_us: int, now: float) -> tuple[list[Entry], bool]:
        """Due jobs decided; and whether some were left because slots will be back in a moment."""
        core = self._core
        batch: list[Entry] = []
        until = time.perf_counter() + BUDGET_S
        # After a failure one job finds out whether the store is back.
        limit = 1 if self._failures else min(MAX_DUE, MAX_OUTSTANDING - self._outstanding)
        number = 0
        pools: dict[str, Pool] = {}  # many jobs may have one function
        while number < limit:
            job = core.heap.pop_due(now_us)
            if job is None:
                break
            if job.busy:
                continue  # whoever keeps it busy puts it back
            function = job.job.function
            pool = pools.get(function) or pools.setdefault(function, core.pool_of(function))
            if pool.free <= 0 and pool.soon(now):
                core.heap.put_back(job)
                return batch, True
            number += 1
            if job.foreign:
                self._ask(job, now_us)
            else:
                batch.append(enter(core, job, now_us, pool=pool))
            if number % 16 == 0 and time.perf_counter() > until:
                break
        return batch, False

    def _ask(self, job: LiveJob, now_us: int, until_us: int | None = None) -> None:
        """Ask a trigger that may take its time, then claim."""
        job.busy = True
        task = self._core.loop.create_task(self._asked(job, now_us, until_us))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _asked(self, job: LiveJob, now_us: int, until_us: int | None) -> None:
        due_us, trigger = due_of(job)
        found: Found | Exception
        try:
            last_us = now_us if until_us is None else until_us
            found = await self._core.asking.ask(trigger, named(job, last_us))
        except Exception as error:  # noqa: BLE001 - told with the claim
            found = error
        except BaseException:
            job.release()
            self._core.heap.push(job)
            raise
        if self._open:
            self._submit([answered(self._core, job, due_us, now_us, found)])
            return
        job.release()  # the clock is stepped, or the engine stops: its due time is not decided
        self._core.heap.push(job)

    def _submit(self, batch: list[Entry]) -> None:
        self._outstanding += len(batch)
        for entry in batch:
            entry.job.busy = True
            for run in entry.runs:
                entry.job.claimed(run)
        self._core.writer.submit(self._write(batch))

    def _write(self, batch: list[Entry]) -> Write:
        claims = [entry.claim for entry in batch]
        middle = len(batch) // 2
        alerts = self._core.alerts
        notices: list[Notice] = []
        if alerts.targets:
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
                core.hub.run(row.id, job.id, row.state, job.job.group)
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
        if isinstance(error, StoreDataError):
            for entry in batch:
                self._refused(entry, error)
            return
        for entry in batch:
            self._undo(entry.job, entry.runs)
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
        now_us = self._core.clock.now_us()
        for run in runs:
            job.unclaimed(run)
            if run.state is RunState.RUNNING:
                run.pool.claimed -= 1
                self._core.slots.give_back(run, now_us)
                self._core.slots.pass_turn(run, now_us)

    def _refused(self, entry: Entry, error: StoreDataError) -> None:
        """The store never takes a claim as it is: its rows one by one, or it stops the job."""
        job, claim, runs = entry
        logger.error("the rows of %s were refused: %s", job.full_name, error)
        if claim.runs:
            self._submit_singly(entry)
            return
        self._undo(job, runs)
        job.problem = f"the store refuses its rows: {error}"
        core = self._core
        core.problem(f"job {job.id}", f"{job.full_name}: {job.problem}")
        job.trigger = None
        job.release()
        core.hub.job(job.id)

    def _submit_singly(self, entry: Entry) -> None:
        """Claim with every row by itself: plainer where it is refused, left out where still.

        One that is left out has its row already (the unique key refused another).
        """
        job, claim, runs = entry
        alerts = self._core.alerts
        singly = Singly(claim)

        def apply(tx: StoreTx) -> tuple[set[int], tuple[Notice, ...]]:
            lost = singly.write(tx)
            notices = () if lost else alerts.of_missed(job, singly.written.runs)
            alerts.post(tx, notices)
            return lost, notices

        def done(result: tuple[set[int], tuple[Notice, ...]]) -> None:
            lost, notices = result
            begun = {row.id for row in singly.written.runs if row.finished_at_us is None}
            kept = tuple(run for run in runs if lost or run.id in begun)
            self._undo(job, tuple(run for run in runs if run not in kept))
            self._committed([Entry(job, singly.written, kept)], lost)
            alerts.committed(notices)

        self._outstanding += 1
        failed = partial(self._failed, [entry._replace(claim=claim._replace(runs=()))])
        self._core.writer.submit(Write(Lane.CLAIM, apply, done=done, failed=failed))
