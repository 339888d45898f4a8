"""What the engine does to its jobs of its own accord: end pauses, make some, run at the start."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from schedtui.clock import to_us
from schedtui.engine.core import Core
from schedtui.engine.jobs.commands import Commands
from schedtui.engine.jobs.holds import ENGINE
from schedtui.engine.jobs.pauses import is_over
from schedtui.engine.live.job import LiveJob
from schedtui.engine.runs.admit import Admission
from schedtui.engine.runs.backoff import pause_s
from schedtui.engine.runs.failures import Failures
from schedtui.errors import SchedtuiError
from schedtui.models import Source

logger = logging.getLogger("schedtui.engine")

AT_ONCE = 200
"""Pauses that are ended together, so that the writer commits them in groups."""
FEW = 64
"""Ends of pauses that are kept without a look at which of them still hold."""

Work = Callable[[], Awaitable[None]]


class Chores:
    """Follows what happens to jobs; on the engine's loop.

    Args:
        core: The engine's parts.
        commands: Do what is to be done, as for anybody else.
        admission: Looks again when a job was changed.
        failures: Tell which job has failed too often.
    """

    def __init__(
        self, core: Core, commands: Commands, admission: Admission, failures: Failures
    ) -> None:
        self._core = core
        self._commands = commands
        self._admission = admission
        self._failures = failures
        self._pauses: list[tuple[int, int, int]] = []
        """A heap of the moments at which pauses end, some of which have been changed since."""
        self._most = FEW
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        failures.on_too_many = self._pause
        core.on_change = self._changed

    async def overdue(self) -> None:
        """End the pauses whose end has passed meanwhile; before anything is decided.

        Raises:
            StoreUnavailableError: the store cannot take it now.
        """
        now_us = self._core.clock.now_us()
        over = [live for live in self._core.jobs if is_over(live, now_us)]
        for first in range(0, len(over), AT_ONCE):
            ends = (self._commands.end_pause(live) for live in over[first : first + AT_ONCE])
            for error in await asyncio.gather(*ends, return_exceptions=True):
                if isinstance(error, SchedtuiError) and not error.retryable:
                    logger.warning("not done: %s", error)  # the others are not kept waiting
                elif error is not None:
                    raise error

    def begin(self) -> None:
        """The engine has started."""
        for live in self._core.jobs:
            self._changed(live)
            if live.policies.run_on_startup and live.fires:
                self._later(partial(self._start, live))

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return bool(self._tasks)

    def tick(self) -> float:
        """Resume what is due to be. Returns the seconds until there may be more to do."""
        now_us = self._core.clock.now_us()
        while self._pauses and self._pauses[0][0] <= now_us:
            _, job_id, _ = heapq.heappop(self._pauses)
            self._later(partial(self._resume, job_id))
        return 1.0 if not self._pauses else max(0.0, (self._pauses[0][0] - now_us) / 1e6)

    def _changed(self, live: LiveJob) -> None:
        ends = _pause_end(live)
        if ends is not None:
            heapq.heappush(self._pauses, ends)
            if len(self._pauses) > self._most:
                self._pauses = [one for one in map(_pause_end, self._core.jobs) if one is not None]
                heapq.heapify(self._pauses)
                self._most = 2 * len(self._pauses) + FEW
        self._failures.judge(live)  # by another policy now
        self._admission.sweep()  # more of its runs may go side by side now

    async def _start(self, live: LiveJob) -> None:
        if live.fires:
            await self._commands.fire(live, Source.STARTUP, ENGINE)

    async def _resume(self, job_id: int) -> None:
        live = self._core.jobs.by_id(job_id)
        if live is not None:
            await self._commands.end_pause(live)

    def _pause(self, live: LiveJob, reason: str) -> None:
        async def pause() -> None:
            still = self._failures.too_many
            if still(live):
                name = live.full_name
                await self._commands.pause(name, reason, ENGINE, expect_id=live.id, still=still)

        self._later(pause)

    def _later(self, work: Work, tried: int = 0) -> None:
        """Do something after what is being done now; again, while the store cannot be written."""
        if self._closed:
            return

        async def do() -> None:
            try:
                await work()
            except SchedtuiError as error:
                logger.warning("not done: %s", error)
                if error.retryable and not self._closed:
                    again = partial(self._later, work, tried + 1)
                    self._core.clock.call_later(pause_s(tried), again)

        task = self._core.loop.create_task(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _pause_end(live: LiveJob) -> tuple[int, int, int] | None:
    """When the pause of a job ends; None where it has none that ends by itself."""
    job = live.job
    if not job.paused or job.paused_until is None:
        return None
    return to_us(job.paused_until), live.id, live.version
