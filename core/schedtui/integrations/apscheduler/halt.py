"""APScheduler as a whole paused and resumed."""

from __future__ import annotations

import json
from typing import Any

from schedtui.engine.running import Running
from schedtui.engine.upkeep.halt import Halt
from schedtui.errors import EngineStoppedError
from schedtui.integrations.apscheduler import inside
from schedtui.integrations.apscheduler.ledger import NOT_RUNNING
from schedtui.integrations.apscheduler.mirror import ACTOR
from schedtui.models.names import check_reason
from schedtui.protocols import EnginePause


class SchedulerHalt(Halt):
    """Pauses and resumes the whole scheduler; on the engine's loop.

    It is a state of the scheduler's memory: a restart of the application ends it.

    Args:
        running: The engine.
        scheduler: The scheduler.
    """

    def __init__(self, running: Running, scheduler: Any) -> None:
        super().__init__(running.core, running.claims, running.writes)
        self._running = running
        self._scheduler = scheduler

    async def pause(self, reason: str, actor: str) -> None:
        """Have the scheduler look at no job."""
        check_reason(reason)
        if self.now is None:
            await self._call(self._scheduler.pause)
            self._set_to(actor, reason)
            self._audit("engine.pause", actor, {"reason": reason})

    async def resume(self, actor: str) -> None:
        """Have the scheduler look at its jobs again; it decides what was missed meanwhile."""
        if self.now is not None:
            await self._call(self._scheduler.resume)
            self.now = None
            self._core.hub.engine()
            self._audit("engine.resume", actor, {})

    async def follow(self) -> None:
        """The scheduler was paused, resumed, started or stopped, by whomever."""
        paused = self._scheduler.running and inside.is_paused(self._scheduler)
        if not paused:
            self.now = None
        elif self.now is None:
            self._set_to(ACTOR, "")
        self._core.problem("apscheduler", None if self._scheduler.running else NOT_RUNNING)
        self._core.hub.engine()

    def _set_to(self, actor: str, reason: str) -> None:
        now_us = self._core.clock.now_us()
        self.now = EnginePause(by=actor, reason=reason, since_us=now_us)
        self._core.hub.engine()

    async def _call(self, work: Any) -> None:
        if not self._scheduler.running:
            raise EngineStoppedError(f"{NOT_RUNNING}; nothing was done")
        await self._core.off_loop(work)

    def _audit(self, action: str, actor: str, detail: dict[str, str]) -> None:
        core = self._core
        at_us, said = core.clock.now_us(), json.dumps(detail, sort_keys=True)
        core.loop.create_task(
            self._writes.write(lambda tx: tx.audit(at_us, actor, action, core.boot, said))
        )
