"""Queued runs get the slots that come back, longest waiting first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial

from schedtui.engine.core import Core
from schedtui.engine.live import LiveRun
from schedtui.errors import SchedtuiError
from schedtui.models import RunState
from schedtui.protocols import Start
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.runs")

RETRY_S = 0.5
MAX_BATCH = 500


class Admission:
    """Moves runs from ``queued`` to ``running``, in the store first.

    Args:
        core: The engine's parts.
        dispatch: Starts runs whose row says ``running``.
    """

    def __init__(self, core: Core, dispatch: Callable[[list[LiveRun]], None]) -> None:
        self._core = core
        self._dispatch = dispatch
        self._sweeping = False
        self._open = False

    def open(self) -> None:
        """Begin to admit."""
        self._open = True
        self.sweep()

    def close(self) -> None:
        """Admit nothing more; what is queued stays queued."""
        self._open = False

    def sweep(self) -> None:
        """Give free slots to waiting runs, as soon as the loop is free."""
        if not self._sweeping:
            self._sweeping = True
            self._core.loop.call_soon(self._sweep)

    def forget(self, run_ids: Iterable[int]) -> None:
        """Take cancelled runs out of their queues."""
        gone = set(run_ids)
        for pool in self._core.pools.values():
            for run in [run for run in pool.queue if run.id in gone]:
                pool.queue.remove(run)
                self._drop(run)
                self._core.hub.run(run.id, run.job.id, RunState.CANCELLED)

    def _sweep(self) -> None:
        self._sweeping = False
        if not self._open:
            return
        starting: list[tuple[LiveRun, Start]] = []
        now_us = self._core.clock.now_us()
        for pool in self._core.pools.values():
            while (run := pool.next_waiting()) is not None:
                start = Start(run.id, run.attempt + 1, next(self._core.tokens), now_us)
                starting.append((run, start))
        for first in range(0, len(starting), MAX_BATCH):
            batch = starting[first : first + MAX_BATCH]
            rows = [start for _, start in batch]
            self._core.writer.submit(
                Write(
                    Lane.CLAIM,
                    lambda tx, rows=rows: tx.start(rows),  # type: ignore[misc]
                    done=partial(self._started, batch),
                    failed=partial(self._failed, batch),
                )
            )

    def _started(self, batch: list[tuple[LiveRun, Start]], lost: set[int]) -> None:
        going: list[LiveRun] = []
        for run, start in batch:
            run.pool.claimed -= 1
            if run.id in lost:
                run.pool.give_back()
                self._drop(run)
                continue
            run.state = RunState.RUNNING
            run.attempt = start.attempt
            run.token = start.token
            run.started_at_us = start.started_at_us
            going.append(run)
            self._core.hub.run(run.id, run.job.id, run.state)
        if going:
            self._dispatch(going)
        self.sweep()

    def _failed(self, batch: list[tuple[LiveRun, Start]], error: SchedtuiError) -> None:
        for run, _ in reversed(batch):
            run.pool.claimed -= 1
            run.pool.give_back()
            run.pool.queue.appendleft(run)
        logger.warning("%d runs could not be started: %s", len(batch), error)
        self._core.clock.call_later(RETRY_S, self.sweep)

    def _drop(self, run: LiveRun) -> None:
        run.job.active -= 1
        run.job.running.pop(run.id, None)
        self._core.hub.job(run.job.id)
