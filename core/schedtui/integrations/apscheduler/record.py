"""The rows of runs that were observed: written after the fact, and in the order of the facts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from schedtui.engine.jobs.keys import Asked
from schedtui.engine.live.job import dump_kwargs
from schedtui.engine.live.run import LiveRun
from schedtui.engine.running import Running
from schedtui.errors import SchedtuiError
from schedtui.integrations.apscheduler.handle import Handle
from schedtui.integrations.apscheduler.mirror import MirroredJob
from schedtui.models import RunState, Source, WaitReason
from schedtui.protocols import Ended, NewRun, RecentRun, Settled, Start, StoreTx
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.apscheduler")

TWICE = "its due time has a row already: APScheduler came to it more than once"


class Record:
    """Writes the rows of runs; on the engine's loop.

    Args:
        running: The engine that keeps the history.
    """

    def __init__(self, running: Running) -> None:
        self._running = running
        self._core = running.core

    async def began(self, handle: Handle, live: MirroredJob) -> None:
        """The function of a run is about to execute."""
        run = live.running.get(handle.id) if handle.manual else None
        queued = run is not None
        if run is None:
            run = self._run(handle.id, live, Source.SCHEDULE, handle.due_us, handle.started_us)
        run.state = RunState.RUNNING
        run.attempt, run.token = 1, next(self._core.tokens)
        run.started_at_us = handle.started_us
        run.sink = handle.sink
        handle.live = run
        supervisor = self._running.supervisor
        supervisor.running[run.id] = run
        supervisor.idle.clear()
        done = partial(self._moved, run)
        if queued:
            start = Start(run.id, run.attempt, run.token, run.started_at_us)
            self._write(lambda tx: tx.start([start]), done)
        else:
            self._insert(_row(self._core.epoch, run, run.started_at_us), partial(self._new, run))

    async def ended(self, handle: Handle, ended: Ended) -> None:
        """A run has ended."""
        supervisor = self._running.supervisor
        run = handle.live
        if run is None or supervisor.running.get(run.id) is not run:
            return
        del supervisor.running[run.id]
        run.sink = handle.sink
        supervisor.record(run, ended)

    async def decided(
        self, live: MirroredJob, state: RunState, due_us: int | None, reason: str
    ) -> None:
        """A due time did not run, or its run was not seen from its beginning."""
        now_us = self._core.clock.now_us()
        run_id = next(self._core.run_ids)
        run = self._run(run_id, live, Source.SCHEDULE, due_us, now_us)
        run.state = state
        row = _row(self._core.epoch, run, None)._replace(finished_at_us=now_us, reason=reason)

        def done(result: object) -> None:
            if isinstance(result, SchedtuiError):
                _not_written(result)
                return
            live.recent.append(RecentRun(run_id, live.id, state, now_us, None))
            self._core.hub.run(run_id, live.id, state, live.job.group)

        self._insert(row, done)

    async def asked(
        self, live: MirroredJob, kwargs: dict[str, Any], actor: str, call: Asked | None
    ) -> int:
        """Write a run that somebody asked for, before it is handed to APScheduler.

        Args:
            live: Its job.
            kwargs: Replace arguments of the job by name.
            actor: Who asked.
            call: The key by which the call is known when it comes again; None: it has none.

        Returns:
            Its id.

        Raises:
            StoreUnavailableError: nothing was written.
        """
        now_us = self._core.clock.now_us()
        run = self._run(next(self._core.run_ids), live, Source.MANUAL, None, now_us)
        run.kwargs = {**live.kwargs, **kwargs}
        row = _row(self._core.epoch, run, None)._replace(
            wait_reason=WaitReason.SLOT, actor=actor, kwargs_json=dump_kwargs(run.kwargs)
        )

        def apply(tx: StoreTx) -> None:
            tx.insert_runs([row])
            detail: dict[str, Any] = {"run": run.id}
            if call is not None:
                call.keep(tx, run.id, now_us)
                detail["key"] = call.key
            self._running.writes.audit(tx, actor, "job.trigger", live.job, detail)

        live.enter(run)
        try:
            await self._running.writes.write(apply)
        except SchedtuiError:
            live.leave(run)
            raise
        self._moved(run)
        return run.id

    async def settled(self, run_id: int, live: MirroredJob, state: RunState, reason: str) -> None:
        """A run that was asked for will not start."""
        run = live.running.get(run_id)
        if run is None or run.state is not RunState.QUEUED:
            return
        now_us = self._core.clock.now_us()
        live.leave(run)

        def done(_result: object) -> None:
            live.recent.append(RecentRun(run_id, live.id, state, run.claimed_at_us, None))
            self._core.hub.run(run_id, live.id, state, live.job.group)

        self._write(lambda tx: tx.settle([Settled(run_id, state, reason, now_us)]), done)

    def _run(
        self, run_id: int, live: MirroredJob, source: Source, due_us: int | None, now_us: int
    ) -> LiveRun:
        return LiveRun(
            run_id,
            live,
            function=live.job.function,
            kwargs=live.kwargs,
            source=source,
            scheduled_for_us=due_us,
            pool=self._core.pools["thread"],
            claimed_at_us=now_us,
        )

    def _new(self, run: LiveRun, result: object) -> None:
        """Its row is in the store, or will never be; only then it is shown as active."""
        run.job.enter(run)
        if isinstance(result, SchedtuiError):
            _not_written(result)
        else:
            self._moved(run)

    def _moved(self, run: LiveRun, _result: object = None) -> None:
        self._core.hub.run(run.id, run.job.id, run.state, run.job.job.group)

    def _insert(self, row: NewRun, done: Callable[[Any], object]) -> None:
        """Insert a row; where its due time has one, without the due time.

        ``done`` is called with an error where the store takes neither.
        """
        again = row._replace(scheduled_for_us=None, reason=row.reason or TWICE)

        def otherwise() -> list[Write]:
            # Not halves, but likewise what is tried at once, before what was told later.
            return [] if row.scheduled_for_us is None else [_write(_inserting(again), done, done)]

        self._core.writer.submit(_write(_inserting(row), done, done, otherwise))

    def _write(self, apply: Callable[[StoreTx], object], done: Callable[[Any], object]) -> None:
        self._core.writer.submit(_write(apply, done, _not_written))


def _inserting(row: NewRun) -> Callable[[StoreTx], object]:
    return lambda tx: tx.insert_runs([row])


def _write(
    apply: Callable[[StoreTx], object],
    done: Callable[[Any], object],
    failed: Callable[[SchedtuiError], object],
    otherwise: Callable[[], list[Write]] | None = None,
) -> Write:
    # In the lane of the outcomes: it waits for a store that does not answer, in this order.
    return Write(Lane.OUTCOME, apply, done=done, failed=failed, halves=otherwise)


def _row(epoch: int, run: LiveRun, started_us: int | None) -> NewRun:
    running = run.state is RunState.RUNNING
    return NewRun(
        run.id,
        run.job.id,
        run.function,
        run.source,
        run.state,
        run.scheduled_for_us,
        epoch,
        run.job.version,
        run.job.kwargs_json,
        run.claimed_at_us,
        None,
        run.attempt,
        run.token if running else None,
        started_us,
        None,
        None,
        None,
        None,
        None,
    )


def _not_written(error: SchedtuiError) -> None:
    logger.error("a run of APScheduler is not in the history: %s", error)
