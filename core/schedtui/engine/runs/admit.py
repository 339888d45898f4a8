"""Queued runs start when what they wait for is there, or end where they waited too long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.attempts import not_later_us
from schedtui.engine.runs.chains import Chains, Child, insert
from schedtui.engine.runs.ending import Ending
from schedtui.engine.runs.loglines import LogLines
from schedtui.errors import SchedtuiError
from schedtui.models import RunState
from schedtui.protocols import RecentRun, Settled, Start, StoreTx
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.runs")

RETRY_S = 0.5
MAX_BATCH = 500


def _nothing(_tx: StoreTx) -> None:
    return None


class Admission:
    """Moves runs from ``queued`` to ``running``, in the store first.

    Args:
        core: The engine's parts.
        dispatch: Starts runs whose row says ``running``.
        chains: Makes the runs that follow others.
        logs: Has what earlier attempts of a run have said.
    """

    def __init__(
        self,
        core: Core,
        dispatch: Callable[[list[LiveRun]], None],
        chains: Chains,
        logs: LogLines,
    ) -> None:
        self._core = core
        self._chains = chains
        self._logs = logs
        self._dispatch = dispatch
        self._sweeping = False
        self._open = False
        self._resting = False
        """Whether the store has just refused, and is to be left alone for a moment."""
        self._unwanted: list[LiveRun] = []
        """What is to end when that is over."""
        self._late: list[LiveRun] = []
        """What has waited too long, while nothing can be written."""
        self.on_unwanted: Callable[[LiveRun], None] = _nobody
        """Called with a run that waits although it is to end."""

    def open(self) -> None:
        """Begin to admit."""
        self._open = True
        self._end_late()
        self.sweep()

    def close(self) -> None:
        """Admit nothing more; what is queued stays queued."""
        self._open = False

    def tick(self) -> float:
        """Start what waited for its time. Returns the seconds until the next one."""
        later_us = self._core.slots.next_us()
        if not self._open or self._resting or later_us is None:
            return 1.0
        now_us = self._core.clock.now_us()
        if later_us <= now_us:
            self.sweep()
        return max(0.0, (later_us - now_us) / 1e6)

    def wait(self, run: LiveRun) -> None:
        """Let a run wait whose row says ``queued``."""
        now_us = self._core.clock.now_us()
        run.not_before_us = not_later_us(run, now_us)
        late = False
        within_us = run.job.policies.start_within_us
        if within_us and run.attempt == 0 and run.deadline is None and not run.behind:
            # A timer, because a step of the wall clock makes nobody wait longer.
            until_us = max(min(run.claimed_at_us, now_us), run.not_before_us) + within_us
            left_s = (until_us - now_us) / 1e6
            if left_s > 0:
                run.deadline = self._core.clock.call_later(left_s, partial(self._too_late, run))
            else:
                late = True
        self._core.alerts.waits(run)
        self._park(run, now_us)
        if late:  # before it could start
            self._too_late(run)
        if run.not_before_us:
            self._core.wakeup()
        self.sweep()

    def _park(self, run: LiveRun, now_us: int) -> None:
        self._core.slots.park(run, now_us)
        if run.unwanted is not None:
            self._end_soon(run)

    def _end_soon(self, run: LiveRun) -> None:
        if self._resting:
            self._unwanted.append(run)
        else:
            self.on_unwanted(run)

    def sweep(self) -> None:
        """Start what can start, as soon as the loop is free."""
        if not self._sweeping and not self._resting:
            self._sweeping = True
            self._core.loop.call_soon(self._sweep)

    def forget(self, runs: Iterable[LiveRun]) -> None:
        """The rows of queued runs say ``cancelled``: they wait no longer."""
        for run in runs:
            if run.parked:
                self._ended(run, RunState.CANCELLED, self._core.clock.now_us())

    @asynccontextmanager
    async def ending(
        self, live: LiveJob, may: Callable[[LiveRun], bool], why: str
    ) -> AsyncIterator[Ending]:
        """Cancel queued runs of a held job in a transaction within, with what follows them.

        Args:
            live: The job.
            may: Which of its runs are meant.
            why: One sentence, for those that come to wait only after that transaction.
        """
        ending = Ending(self._core, self._chains, live, may)
        try:
            await ending.foresee()
            yield ending
        except BaseException:
            ending.dropped()
            for run in ending.runs:
                self.wait(run)
            raise
        now_us = self._core.clock.now_us()
        for run in ending.runs:
            self._ended(run, RunState.CANCELLED, now_us)
        for run in ending.left():
            run.unwanted = why, False
            if run.parked:
                self._end_soon(run)
        await ending.committed()

    def settle(
        self,
        runs: Sequence[LiveRun],
        state: RunState,
        reason: str,
        also: Callable[[StoreTx], object] = _nothing,
    ) -> asyncio.Future[None]:
        """End runs that wait, in the store first.

        Args:
            runs: Parked ones; they wait again where the store does not take it.
            state: A terminal one.
            reason: One sentence.
            also: Done in the same transaction.

        Returns:
            What is done with the commit, or has the error.
        """
        told: asyncio.Future[None] = self._core.loop.create_future()
        now_us = self._core.clock.now_us()
        for run in runs:
            self._core.slots.unpark(run)
        ends = [Settled(run.id, state, reason, now_us) for run in runs]
        children: list[Child] = []
        if self._core.jobs.followers:
            for run in runs:
                children += self._chains.children(run.job, run.id, state)

        alerts = self._core.alerts
        notices = [one for run in runs for one in alerts.of_settled(run, state, reason)]

        def apply(tx: StoreTx) -> set[int]:
            lost = tx.settle(ends)
            insert(tx, children, lost)
            also(tx)
            alerts.post(tx, [one for one in notices if one.run_id not in lost])
            return lost

        def done(lost: set[int]) -> None:
            for run in runs:
                # It waited, so it cannot have started: what came first has cancelled it.
                self._ended(run, RunState.CANCELLED if run.id in lost else state, now_us)
            self._chains.committed(one for one in children if one.parent_id not in lost)
            self._chains.dropped(one for one in children if one.parent_id in lost)
            alerts.committed(notices)
            told.set_result(None)

        def failed(error: SchedtuiError) -> None:
            logger.warning("%d runs could not be ended: %s", len(runs), error)
            self._chains.dropped(children)
            self._rest()
            for run in runs:
                self.wait(run)
            told.set_exception(error)
            told.exception()  # seen: not everybody waits for it

        self._core.writer.submit(Write(Lane.CLAIM, apply, done=done, failed=failed))
        return told

    def _too_late(self, run: LiveRun) -> None:
        """A run may not wait any longer."""
        run.deadline = None
        if run.state is not RunState.QUEUED or run.attempt:
            return
        if not self._open or self._resting:
            self._late.append(run)
        elif not run.parked:  # its start is on its way to the store
            run.deadline = self._core.clock.call_later(RETRY_S, partial(self._too_late, run))
        else:
            limit_s = run.job.policies.start_within_us / 1e6
            reason = f"waited past start_within_s={limit_s:g} for its start"
            self.settle([run], RunState.MISSED, reason)

    def _ended(self, run: LiveRun, state: RunState, now_us: int) -> None:
        core = self._core
        run.state = state
        if run.deadline is not None:
            run.deadline.cancel()
            run.deadline = None
        self._logs.close(run.id)
        job = run.job
        core.alerts.ended(run)
        job.leave(run)
        job.recent.append(RecentRun(run.id, job.id, state, run.claimed_at_us, None))
        core.slots.forget(run, now_us)
        core.hub.run(run.id, job.id, state, job.job.group)
        self.sweep()

    def _sweep(self) -> None:
        self._sweeping = False
        if not self._open:
            return
        core = self._core
        now_us = core.clock.now_us()
        starting = [
            (run, Start(run.id, run.attempt + 1, next(core.tokens), now_us))
            for run in core.slots.ready(now_us)
        ]
        for first in range(0, len(starting), MAX_BATCH):
            batch = starting[first : first + MAX_BATCH]
            rows = [start for _, start in batch]
            core.writer.submit(
                Write(
                    Lane.CLAIM,
                    lambda tx, rows=rows: tx.start(rows),  # type: ignore[misc]
                    done=partial(self._started, batch),
                    failed=partial(self._failed, batch),
                )
            )

    def _started(self, batch: list[tuple[LiveRun, Start]], lost: set[int]) -> None:
        going: list[LiveRun] = []
        core = self._core
        for run, start in batch:
            run.pool.claimed -= 1
            if run.id in lost:  # it was cancelled just before
                core.slots.give_back(run, core.clock.now_us())
                if run.state is RunState.QUEUED:
                    self._ended(run, RunState.CANCELLED, core.clock.now_us())
                continue
            if run.deadline is not None:
                run.deadline.cancel()
                run.deadline = None
            run.state = RunState.RUNNING
            run.attempt = start.attempt
            run.token = start.token
            run.started_at_us = start.started_at_us
            going.append(run)
            core.hub.run(run.id, run.job.id, run.state, run.job.job.group)
        if going:
            self._dispatch(going)
        self.sweep()

    def _failed(self, batch: list[tuple[LiveRun, Start]], error: SchedtuiError) -> None:
        core = self._core
        now_us = core.clock.now_us()
        for run, _ in batch:
            run.pool.claimed -= 1
            core.slots.give_back(run, now_us)
            self._park(run, now_us)
        logger.warning("%d runs could not be started: %s", len(batch), error)
        self._rest()

    def _rest(self) -> None:
        """Try nothing for a moment, then all of it again."""
        if not self._resting:
            self._resting = True
            self._core.clock.call_later(RETRY_S, self._rested)

    def _rested(self) -> None:
        self._resting = False
        unwanted, self._unwanted = self._unwanted, []
        for run in unwanted:  # before one of them could start
            if run.parked:
                self.on_unwanted(run)
        self._end_late()
        self._core.wakeup()
        self.sweep()

    def _end_late(self) -> None:
        late, self._late = self._late, []
        for run in late:
            self._too_late(run)


def _nobody(_run: LiveRun) -> None:
    return None
