"""What the engine does to its jobs of its own accord: end pauses, make some, run at the start."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Coroutine
from typing import Any

from schedtui.clock import to_us
from schedtui.engine.admit import Admission
from schedtui.engine.commands import Commands
from schedtui.engine.core import Core
from schedtui.engine.failures import Failures
from schedtui.engine.live import LiveJob
from schedtui.errors import SchedtuiError
from schedtui.models import Source

logger = logging.getLogger("schedtui.engine")

ENGINE = "engine"
"""The actor of all this."""


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
        """A heap of the moments at which pauses end."""
        self._tasks: set[asyncio.Task[None]] = set()
        failures.on_too_many = self._pause
        core.on_change = self._changed

    def begin(self) -> None:
        """The engine has started."""
        for live in self._core.jobs:
            self._changed(live)
            self._failures.judge(live)
            if live.policies.run_on_startup and live.fires:
                self._later(self._commands.fire(live, Source.STARTUP, ENGINE))

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return bool(self._tasks)

    def tick(self) -> float:
        """Resume what is due to be. Returns the seconds until there may be more to do."""
        now_us = self._core.clock.now_us()
        while self._pauses and self._pauses[0][0] <= now_us:
            _, job_id, version = heapq.heappop(self._pauses)
            live = self._core.jobs.by_id(job_id)
            if live is not None and live.version == version:
                self._later(self._commands.resume(live.full_name, ENGINE, expect_id=live.id))
        return 1.0 if not self._pauses else max(0.0, (self._pauses[0][0] - now_us) / 1e6)

    def _changed(self, live: LiveJob) -> None:
        if live.job.paused and live.job.paused_until is not None:
            heapq.heappush(self._pauses, (to_us(live.job.paused_until), live.id, live.version))
        self._admission.sweep()  # more of its runs may go side by side now

    def _pause(self, live: LiveJob, reason: str) -> None:
        self._later(self._commands.pause(live.full_name, reason, ENGINE, expect_id=live.id))

    def _later(self, command: Coroutine[Any, Any, object]) -> None:
        """Do something after what is being done now."""

        async def do() -> None:
            try:
                await command
            except SchedtuiError as error:
                logger.warning("not done: %s", error)

        task = self._core.loop.create_task(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
