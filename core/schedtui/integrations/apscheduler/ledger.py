"""What is observed in the application's threads, in order, on its way to the engine's loop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from schedtui.capture import RunSink
from schedtui.clock import from_us
from schedtui.engine.running import Running
from schedtui.errors import EngineStoppedError, SchedtuiError
from schedtui.integrations.apscheduler.inside import Key
from schedtui.integrations.apscheduler.mirror import Mirror
from schedtui.integrations.apscheduler.record import Record
from schedtui.models import RunState

logger = logging.getLogger("schedtui.apscheduler")

MOST = 100_000
"""Observations that wait while the store does not answer; further ones are left out."""
LOOK_S = 5.0
"""Between two looks at whether APScheduler still fires."""
OVERDUE_S = 30.0
"""A job that is due for so long and has not been looked at is told."""
NOT_RUNNING = "APScheduler is not running: it was not started yet, or was shut down"

Entry = Callable[..., Awaitable[object]]


class Ledger:
    """Takes what is observed, and has it written down in the order in which it came.

    Args:
        running: The engine that keeps the history. Made on its loop.
    """

    def __init__(self, running: Running) -> None:
        self.clock = running.clock
        self._running = running
        self._core = running.core
        self.mirror = Mirror(running)
        self.record = Record(running)
        self._waiting: deque[tuple[Entry, tuple[Any, ...]]] = deque()
        self._left_out = 0
        self._woken = False
        self._news = asyncio.Event()
        self._closed = False
        self._pid = os.getpid()
        self.fires: Callable[[], bool] = _never
        """Whether APScheduler runs and is not paused."""
        self._task = self._core.loop.create_task(self._write())
        self._timer = self.clock.call_later(LOOK_S, self._look)

    # --- from any thread

    @property
    def is_open(self) -> bool:
        """Whether it takes anything; in a forked child it does not."""
        return not self._closed and os.getpid() == self._pid

    def next_id(self) -> int:
        """The id of a new run."""
        return next(self._core.run_ids)

    def moment(self, us: int) -> datetime:
        """A moment as the application gets it."""
        return from_us(us)

    def said(self, sink: RunSink) -> None:
        """A run has written something."""
        if self.is_open:
            self._running.logs.dirty(sink)

    def tell(self, entry: Entry, *args: Any) -> None:
        """Have ``entry`` awaited on the engine's loop, after all that was told before."""
        if not self.is_open:
            return
        if len(self._waiting) >= MOST:
            self._left_out += 1
            return
        self._waiting.append((entry, args))
        if not self._woken:
            self._woken = True
            self._core.deliver([self._news.set])

    # --- on the engine's loop

    async def caught_up(self) -> None:
        """Wait until all that was told so far is written, or on its way to the store."""
        if self._closed:
            raise EngineStoppedError("the engine that observes APScheduler has stopped")
        done = asyncio.Event()

        async def mark() -> None:
            done.set()

        self.tell(mark)
        await done.wait()

    async def decided(self, key: Key, state: RunState, due_us: int, reason: str) -> None:
        """A due time of a job did not run; see `Record.decided`."""
        live = self.mirror.find(key)
        if live is not None:
            await self.record.decided(live, state, due_us, reason)

    async def close(self) -> None:
        """Write what was told, and take nothing more."""
        if self._closed:
            return
        await self.caught_up()
        self._closed = True
        self._timer.cancel()
        self._task.cancel()

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            # Before the queue is read: what comes meanwhile wakes this again.
            self._woken = False
            while self._waiting:
                entry, args = self._waiting.popleft()
                try:
                    await entry(*args)
                except SchedtuiError as error:
                    logger.warning("what APScheduler did is not written down: %s", error)
                except Exception:  # the next observation is to be written all the same
                    logger.exception("what APScheduler did is not written down")
            if self._left_out:
                told = f"{self._left_out} observations of APScheduler did not fit and are lost"
                self._core.problem("observations", told)

    def _look(self) -> None:
        """Whether jobs are due and APScheduler does nothing about it."""
        late_s = self.mirror.overdue_s(self.clock.now_us()) if self.fires() else 0.0
        told = None
        if late_s > OVERDUE_S:
            told = (
                f"APScheduler has not looked at a job that is due for {late_s:.0f} s: its thread "
                "has died, or its event loop is blocked"
            )
        self._core.problem("apscheduler late", told)
        self._timer = self.clock.call_later(LOOK_S, self._look)


def _never() -> bool:
    return False
