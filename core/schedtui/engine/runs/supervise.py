"""Runs from their committed start to their committed end.

The supervisor alone writes outcomes, never the function. A slot comes back when the function has
ended; that the job is idle again (for overlap) counts from the commit of the outcome.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

from schedtui.capture import RunSink, run_context
from schedtui.clock import Timer
from schedtui.engine.core import Core
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.attempts import (
    End,
    as_asked,
    bared,
    counted,
    finish_of,
    retry_delay_s,
    success_of,
)
from schedtui.engine.runs.backoff import pause_s
from schedtui.engine.runs.calls import prepare
from schedtui.engine.runs.chains import Chains, insert
from schedtui.engine.runs.failures import Failures
from schedtui.engine.runs.loglines import LogLines
from schedtui.engine.runs.spans import Spans
from schedtui.errors import EngineStoppedError, SchedtuiError, StoreDataError
from schedtui.execution.ended import ended_error, without_secrets
from schedtui.models import RunState
from schedtui.models.tally import LATENESS_S, Tally
from schedtui.protocols import Call, Ended, RecentRun, Retry, StoreTx
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.runs")

MAX_BATCH = 500
"""Outcomes in one write, so that the writer can stop between two of them."""
LAST_WORD_S = 2.0
"""How long a run that was asked to end may take for it before it is given up."""


class Supervisor:
    """Starts runs, and records how they end.

    Args:
        core: The engine's parts.
        logs: Takes the lines of runs to the store.
        chains: Makes the runs that follow others.
    """

    def __init__(self, core: Core, logs: LogLines, chains: Chains) -> None:
        self._core = core
        self._chains = chains
        self._logs = logs
        # Not that of whoever triggers a run: what belongs to one request is not another's.
        self._context = copy_context()
        self._ends: list[End] = []
        self._flushing = False
        self._again: list[End] = []
        self._unwelcome: set[int] = set()
        self._refusals = 0
        self._timer: Timer | None = None
        self._closed = False
        self.running: dict[int, LiveRun] = {}
        """Runs whose function has been called and has not ended, by id."""
        self.unwritten = 0
        """Outcomes that are not committed yet."""
        self.idle = asyncio.Event()
        """Set while no function runs and every outcome is committed."""
        self.idle.set()
        self.on_slot: Callable[[], None] = _nobody
        """Called when something has come back that a queued run may wait for."""
        self.on_retry: Callable[[LiveRun], None] = _nothing
        """Called with a run that is queued again."""
        self.on_unwanted: Callable[[LiveRun], None] = _nothing
        """Called with a run that has started although it is to end."""
        self.failures = Failures(core)
        self.lateness = Tally(LATENESS_S)
        """By how many seconds scheduled runs started late."""
        self.spans: Spans | None = None

    def start(self, runs: list[LiveRun]) -> None:
        """Call the functions of runs whose rows say ``running``."""
        now, alerts = self._core.clock.monotonic(), self._core.alerts
        self.idle.clear()
        for run in runs:
            run.pool.given_at = now
            self.running[run.id] = run
            if run.scheduled_for_us is not None and run.attempt == 1:
                late_us = run.started_at_us - run.scheduled_for_us
                self.lateness.add(late_us / 1e6 if late_us > 0 else 0.0)
            if alerts.targets:
                alerts.starts(run)
            if run.job.policies.timeout_s:
                run.deadline = self._core.clock.call_later(
                    run.job.policies.timeout_s, partial(self._overdue, run)
                )
            self._call(run)
            if run.unwanted is not None:
                self.on_unwanted(run)

    def _call(self, run: LiveRun) -> None:
        run.make_sink = self._sink
        if run.sink is not None:
            run.sink.reopen(run.attempt)
        context = run_context(run, self._context)
        if self.spans is not None:
            self.spans.begin(run, context)
        try:
            function = self._core.registry.resolve(run.function)
            core = self._core
            call, kwargs = prepare(run, function, key=core.secret, loop=core.loop)
            origin = function.origin if run.pool.kind == "process" else None
            done, limit = partial(self._ended, run), function.memory_limit_mb
            run.pool.executor.submit(
                Call(run.token, call, kwargs, context, done, origin, limit, core.secret)
            )
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it is its outcome
            self._ended(run, ended_error(error, self._core.clock))

    def _sink(self, run: LiveRun) -> RunSink:
        return RunSink(
            run_id=run.id,
            attempt=run.attempt,
            clock=self._core.clock,
            on_dirty=self._logs.dirty,
            first_seq=run.log_lines + 1,
        )

    def cancel(self, run: LiveRun, state: RunState, reason: str) -> bool:
        """Ask a run to end; its end then counts as ``state``. Whether it could be asked."""
        run.asked = (state, reason)
        return run.pool.executor.cancel(run.token)

    def let_go(self, run: LiveRun) -> None:
        """Record a run that was asked to end and does not; its function may still be at work."""
        if self.running.get(run.id) is run and run.asked is not None:
            run.pool.executor.abandon(run.token)
            state, reason = run.asked
            reason = f"{reason}; it did not end when asked and may still be at work"
            self._ended(run, Ended(state, self._core.clock.now_us(), reason=reason))

    def _overdue(self, run: LiveRun) -> None:
        if self.running.get(run.id) is not run:
            return
        reason = f"ran longer than its timeout of {run.job.policies.timeout_s:g} s"
        self.cancel(run, RunState.TIMED_OUT, reason)
        if run.pool.kind == "thread":  # it can be asked, and need not look
            self.let_go(run)
        else:
            run.deadline = self._core.clock.call_later(LAST_WORD_S, partial(self.let_go, run))

    def _ended(self, run: LiveRun, ended: Ended) -> None:
        """A function has ended: its slot is free, its outcome waits to be written."""
        if self.running.get(run.id) is not run:
            return
        del self.running[run.id]
        if self._core.alerts.targets:
            self._core.alerts.ended(run)
        if run.deadline is not None:
            run.deadline.cancel()
        if self._core.slots.give_back(run, ended.finished_at_us):
            self.on_slot()
        if ended.late is not None:
            run.late = dict(ended.late)
        if run.asked is not None:
            ended = as_asked(run.asked, ended)
        delay_s = None
        if ended.state is not RunState.SUCCEEDED and not run.job.removed:
            delay_s = retry_delay_s(run.job.policies, run.attempt, ended)
        self.record(run, ended, delay_s)

    def record(self, run: LiveRun, ended: Ended, delay_s: float | None = None) -> None:
        """Write how a run ended, with the next batch.

        Args:
            run: Its function has ended, or is given up.
            ended: How.
            delay_s: Seconds until its next attempt; None where that was the last one.
        """
        run.ended = True
        ended = without_secrets(ended)
        if self.spans is not None:
            self.spans.end(run, ended)
        sink = run.sink
        if sink is not None:
            sink.close()
        finish = finish_of(run, ended)
        not_before_us = 0
        if delay_s is not None:
            not_before_us = self._core.clock.now_us() + round(delay_s * 1e6)
        run.not_before_us = not_before_us
        self._ends.append(End(run, finish, not_before_us))
        self.unwritten += 1
        if not self._flushing:
            self._flushing = True
            self._core.loop.call_soon(self._flush)

    def cancel_all(self, reason: str) -> bool:
        """Ask every run that can be asked to end; whether there was one."""
        asked = [
            self.cancel(run, RunState.CANCELLED, reason) for run in list(self.running.values())
        ]
        return any(asked)

    def abandon(self, reason: str) -> list[LiveRun]:
        """Record every run whose function still runs as ``lost``; its end is not heard."""
        left = list(self.running.values())
        for run in left:
            del self.running[run.id]
            now_us = self._core.clock.now_us()
            self.record(run, Ended(RunState.LOST, now_us, reason=reason))
        return left

    def close(self) -> None:
        """Hand every outcome that waits to the writer now, for the last time; at a stop."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._try_again()

    def _flush(self) -> None:
        self._flushing = False
        ends, self._ends = self._ends, []
        ends = self.failures.all_coming(ends)
        if self._core.jobs.followers:
            ends = [self._followed(end) for end in ends]
        if self._core.alerts.targets:
            ends = [one._replace(notices=self._core.alerts.of_end(one)) for one in ends]
        for first in range(0, len(ends), MAX_BATCH):
            self._core.writer.submit(self._write(ends[first : first + MAX_BATCH]))

    def _followed(self, end: End) -> End:
        """An outcome with the runs that follow it."""
        if end.not_before_us:
            return end
        run = end.run
        return end._replace(children=self._chains.children(run.job, run.id, end.finish.state))

    def _write(self, ends: list[End]) -> Write:
        middle = len(ends) // 2
        counts = [end for end in ends if end.counts]
        done = [success_of(end) for end in ends if end.run.job.once is not None and end.succeeded]
        children = [child for end in ends for child in end.children]
        notices = [one for end in ends for one in end.notices]

        def apply(tx: StoreTx) -> set[int]:
            last = [counted(end) for end in ends if not end.not_before_us]
            lost = tx.finish(last)
            if len(last) < len(ends):
                again = [
                    Retry(counted(end), end.not_before_us) for end in ends if end.not_before_us
                ]
                lost |= tx.retry(again)
            if counts:
                tx.count_failures(self.failures.changes(counts, lost))
            if done:
                tx.keep_successes([one for one in done if one.run_id not in lost])
            if children:
                insert(tx, children, lost)
            if notices:
                told = [one for one in notices if one.run_id not in lost]
                self._core.alerts.post(tx, told)
            return lost

        return Write(
            Lane.OUTCOME,
            apply,
            done=partial(self._committed, ends),
            failed=partial(self._refused, ends),
            halves=lambda: (
                [self._write(ends[:middle]), self._write(ends[middle:])] if middle else []
            ),
        )

    def _committed(self, ends: list[End], lost: set[int]) -> None:
        core = self._core
        waited = False
        for end in ends:
            run, finish, not_before_us, children, *_ = end
            if self._unwelcome:
                self._welcome(run)
            if end.counts:
                self.failures.over(end)
            if end.notices:
                core.alerts.committed(end.notices)
            job = run.job
            if not_before_us and run.id not in lost:
                self._queue_again(run, not_before_us)
                continue
            job.leave(run)
            if run.holds_job and core.slots.pass_turn(run, finish.finished_at_us):
                waited = True
            self._logs.close(run.id)
            if run.id not in lost:
                duration_us = finish.finished_at_us - finish.started_at_us
                job.recent.append(
                    RecentRun(run.id, job.id, finish.state, finish.started_at_us, duration_us)
                )
                core.hub.run(run.id, job.id, finish.state, job.job.group)
                self.failures.ended(run, finish)
                if job.once is not None and end.succeeded:
                    job.once.succeeded(run.id, run.moment_us)
                if children:
                    self._chains.committed(children)
            else:
                core.hub.job(job.id)
                self._chains.dropped(children)
        if waited:
            self.on_slot()
        self._settled(len(ends))

    def _queue_again(self, run: LiveRun, not_before_us: int) -> None:
        again = run.again(not_before_us)
        job = run.job
        if run.id in job.running:
            job.running[run.id] = again
        if job.removed and again.unwanted is None:  # between the failure and its commit
            again.unwanted = "its job was deleted", False
        self._core.hub.run(run.id, job.id, RunState.QUEUED, job.job.group)
        self.on_retry(again)

    def _refused(self, ends: list[End], error: SchedtuiError) -> None:
        """The store will not take an outcome as it is: write its bare state instead.

        What says nothing about the data may be over in a while, so that is tried again and again.
        """
        for one in ends:
            end = self.failures.coming(one, always=True)
            less = bared(end, error)
            if isinstance(error, StoreDataError) and less is not None:
                self._core.writer.submit(self._write([less]))
            elif isinstance(error, StoreDataError | EngineStoppedError) or self._closed:
                self._give_up(end, error)
            else:
                self._later(less or end, error)

    def _later(self, bare: End, error: SchedtuiError) -> None:
        run = bare.run
        if not self._again:
            self._timer = self._core.clock.call_later(pause_s(self._refusals), self._try_again)
            self._refusals += 1
        self._again.append(bare)
        self._unwelcome.add(run.id)
        self._core.problem("outcomes", f"the outcome of run {run.id} cannot be written: {error}")
        self._core.hub.job(run.job.id)

    def _try_again(self) -> None:
        again, self._again = self._again, []
        for one in again:
            self._core.writer.submit(self._write([one]))

    def _welcome(self, run: LiveRun) -> None:
        """Nothing more is to be tried for this run's outcome."""
        if run.id in self._unwelcome:
            self._unwelcome.discard(run.id)
            if not self._unwelcome:
                self._refusals = 0
                self._core.problem("outcomes", None)

    def _give_up(self, end: End, error: SchedtuiError) -> None:
        run = end.run
        self._welcome(run)
        self.failures.over(end)
        self._chains.dropped(end.children)
        logger.error("the outcome of run %d could not be written: %s", run.id, error)
        run.job.leave(run)
        if self._core.slots.pass_turn(run, self._core.clock.now_us()):
            self.on_slot()
        self._logs.close(run.id)
        self._core.hub.job(run.job.id)
        self._settled(1)

    def _settled(self, number: int) -> None:
        self.unwritten -= number
        if not self.running and not self.unwritten:
            self.idle.set()


def _nobody() -> None:
    return None


def _nothing(_run: LiveRun) -> None:
    return None
