"""The engine that keeps the history of an APScheduler and fires nothing itself."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schedtui.api import start_server
from schedtui.client.local import LocalClient
from schedtui.engine import Engine
from schedtui.engine.running import Running
from schedtui.errors import RefusedError
from schedtui.integrations.apscheduler import inside
from schedtui.integrations.apscheduler.halt import SchedulerHalt
from schedtui.integrations.apscheduler.ledger import Ledger
from schedtui.integrations.apscheduler.refusals import NoRevisions
from schedtui.integrations.apscheduler.steer import Steering
from schedtui.integrations.apscheduler.triggers import zone_name
from schedtui.integrations.apscheduler.watch import Watch
from schedtui.locations import StateDir
from schedtui.models import Explanation, FunctionInfo, Job, JobFilter, Page, Snapshot
from schedtui.protocols import StoreTx

if TYPE_CHECKING:
    from schedtui.api.listen import Listen
    from schedtui.api.server import Server

REFRESH_S = 10.0
"""Job stores that others may write to as well are read again when somebody looks, so often."""
_BEGINS_ANEW = "the program ended before APScheduler had begun it"


class ObservingEngine(Engine):
    """Keeps the history of an APScheduler, and passes commands on to it.

    Args:
        scheduler: The scheduler.
        watch: Watches it.
        store: A store's URL; None: the default one.
        state_dir: Where the default store and the socket are.
        echo: Whether what runs print also goes where it went before.
    """

    def __init__(
        self,
        scheduler: Any,
        watch: Watch,
        *,
        store: str | None,
        state_dir: StateDir,
        echo: bool,
    ) -> None:
        zone = zone_name(scheduler.timezone) or "UTC"
        super().__init__(store=store, state_dir=state_dir, timezone=zone, echo=echo)
        self._scheduler = scheduler
        self._watch = watch
        self._ledger: Ledger | None = None
        self._read_at = 0.0
        self.on_start.append(self._take_over)

    @property
    def ledger(self) -> Ledger:
        """Where what is observed is told; once it has started."""
        if self._ledger is None:
            raise RuntimeError("the engine has not started")
        return self._ledger

    async def explain(self, job: str, at: datetime | str | None = None) -> Explanation:  # noqa: ARG002 - refused
        """Refused: nobody wrote down what was to be before it was."""
        raise RefusedError(
            f"why {job} ran or did not cannot be told: APScheduler decides it, and schedtui only "
            "writes down what it sees; look at the job's runs"
        )

    async def refresh(self) -> None:
        """Read the job stores again that others may write to as well, where that is long ago."""
        now = time.monotonic()
        stores = inside.jobstores(self._scheduler).values()
        if now - self._read_at < REFRESH_S or all(inside.in_memory(store) for store in stores):
            return
        self._read_at = now
        await self.off_loop(self._watch.list_jobs)
        await self.on_loop(self.ledger.caught_up)

    async def _take_over(self) -> None:
        """Before anything could fire: what the store holds is APScheduler's to fire."""
        running = self._running
        if running is None:
            raise RuntimeError("the engine has not started")
        self._ledger = ledger = Ledger(running)
        await _forget_queued(running)
        ledger.mirror.take_over()
        ledger.fires = self._fires
        running.commands = Steering(running, ledger, self._watch, self._scheduler)
        running.revisions = NoRevisions(running.core, running.writes, running.commands)
        halt = SchedulerHalt(running, self._scheduler)
        running.halt = halt
        await halt.follow()

    def _fires(self) -> bool:
        return self._scheduler.running and not inside.is_paused(self._scheduler)


async def _forget_queued(running: Running) -> None:
    """End the runs that were asked for and never begun: APScheduler knows nothing of them."""
    now_us = running.clock.now_us()
    for live in running.core.jobs:
        queued = list(live.running)
        if not queued:
            continue

        def cancel(tx: StoreTx, job_id: int = live.id) -> list[int]:
            return tx.cancel_queued(job_id, _BEGINS_ANEW, now_us)

        ended = await running.writes.write(cancel)
        running.admission.forget([live.running[one] for one in ended if one in live.running])


class ObservingClient(LocalClient):
    """`EngineClient` on an `ObservingEngine`; what it shows is as fresh as the job stores.

    Args:
        engine: The engine.
        actor: Who is named in the audit trail.
    """

    def __init__(self, engine: ObservingEngine, *, actor: str = "local") -> None:
        super().__init__(engine, actor=actor)
        self._observing = engine

    async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
        """All jobs, and where changes go on from."""
        await self._observing.refresh()
        return await super().snapshot(where)

    async def jobs(
        self, where: JobFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Job]:
        """Jobs in the order of their ids."""
        await self._observing.refresh()
        return await super().jobs(where, limit=limit, cursor=cursor)

    async def job(self, job: str) -> Job:
        """One job."""
        await self._observing.refresh()
        return await super().job(job)

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        """The functions of its jobs. None of them can be run without a job."""
        mirror = self._observing.ledger.mirror
        return await self._observing.off_loop(mirror.functions, group)


async def serve(engine: ObservingEngine, listen: Listen | None, socket: Path) -> Server:
    """Open a started engine to clients; on its loop. Raises as `schedtui.api.start_server`."""
    return await start_server(
        engine,
        listen=listen,
        socket=socket,
        client=lambda actor: ObservingClient(engine, actor=actor),
    )
