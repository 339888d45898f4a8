"""An engine between its start and its stop: the parts wired together, and the order of both."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from schedtui import __version__
from schedtui.capture import Capture
from schedtui.engine.aps import Shell
from schedtui.engine.code.reconcile import reconcile
from schedtui.engine.code.reloading import Reloading
from schedtui.engine.core import Core
from schedtui.engine.daemons import DaemonThreads
from schedtui.engine.events import Hub
from schedtui.engine.info import HANGS_S, info
from schedtui.engine.jobs.commands import Commands
from schedtui.engine.jobs.holds import ENGINE
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.run import LiveRun
from schedtui.engine.live.slots import Pool, Slots
from schedtui.engine.notices.delivery import Delivery
from schedtui.engine.revisions import Revisions
from schedtui.engine.runs.admit import Admission
from schedtui.engine.runs.cancel import Cancels
from schedtui.engine.runs.chains import Chains
from schedtui.engine.runs.loglines import LogLines
from schedtui.engine.runs.spans import Spans
from schedtui.engine.runs.supervise import LAST_WORD_S, Supervisor
from schedtui.engine.settings import Settings
from schedtui.engine.tick.claim import Claims
from schedtui.engine.upkeep.chores import Chores
from schedtui.engine.upkeep.clockwatch import ClockWatch
from schedtui.engine.upkeep.downtime import note_downtimes
from schedtui.engine.upkeep.halt import Halt
from schedtui.engine.upkeep.heartbeat import Heartbeat
from schedtui.engine.upkeep.load import Reloads, load
from schedtui.engine.upkeep.once_past import learn
from schedtui.engine.upkeep.recover import recover
from schedtui.engine.upkeep.retention import Retention
from schedtui.errors import StoreUnavailableError
from schedtui.execution import (
    AsyncExecutor,
    ProcessExecutor,
    ThreadExecutor,
    late,
    refuse_in_worker,
)
from schedtui.models import EngineInfo, JobSummary
from schedtui.protocols import Boot, Opened, Store, StoreTx
from schedtui.store.writer import Writer

logger = logging.getLogger("schedtui.engine")

T = TypeVar("T")

MOMENT_S = 0.002
"""What a function in a thread or process is given where nobody can know how long it takes."""
FLUSH_S = 10.0
"""How long a stop waits for a store that does not answer."""
THREADS = 8
"""Blocking calls of the engine's own that are made at once, most of them reads of the store."""


class Running:
    """One start of an engine."""

    def __init__(self, settings: Settings, store: Store, address: str = "") -> None:
        self.settings = settings
        self._address = address
        self.store = store
        self.clock = settings.clock
        self.boot = secrets.token_hex(8)
        self.started_us = self.clock.now_us()
        self.ready = False
        self.stopping = False
        self.loop = asyncio.get_running_loop()
        self._threads = DaemonThreads(THREADS, "schedtui-own")
        self.off_loop = self._threads.call
        self.opened = False
        """Whether its store can be read."""
        self.ended = asyncio.Event()
        """Set when it has stopped, or its start has failed."""
        self._begun = asyncio.Event()
        self._stop_task: asyncio.Task[None] | None = None
        self._capture = Capture(echo=settings.echo)
        self._processes = ProcessExecutor(slots=settings.processes, clock=self.clock)
        self._unwatch: Callable[[], None] = _nothing

    async def start(self, before: Iterable[Callable[[], Awaitable[object]]] = ()) -> None:
        """Open the store, take over what it holds, and begin to tick.

        Args:
            before: Awaited before the first tick.

        Raises:
            StoreLockedError, StoreSchemaError, StoreUnavailableError: nothing was started.
            RefusedError: this process is a worker of another engine.
        """
        try:
            refuse_in_worker()
            await self._start(before)
        finally:
            self._begun.set()
            if not self.ready:
                self._threads.shutdown()
                self.ended.set()

    async def stop(self, grace_s: float) -> None:
        """Claim nothing more, let runs finish for ``grace_s`` seconds, cancel, record, flush.

        It goes on where its caller does not, and all who call it, also during the start, wait for
        its one end.
        """
        if self._stop_task is None:
            self._stop_task = self.loop.create_task(self._stop(grace_s))
        await asyncio.shield(self._stop_task)

    async def _start(self, before: Iterable[Callable[[], Awaitable[object]]]) -> None:
        boot = Boot(
            boot=self.boot,
            pid=os.getpid(),
            started_at_us=self.started_us,
            address=self._address,
        )
        opened = await self._open(boot)
        try:
            self._wire(opened)
            self.halt.take_over(opened.pause)
            self.writer.start()
            if self.settings.paused:
                await self.halt.pause("started paused", ENGINE)
            await load(self.core)
            await note_downtimes(self.core, opened)
            await self._tell_start()
            await self.chores.overdue()
            await reconcile(self.core, self.writes)
            if opened.last_seen_us is not None:  # now it is known whose triggers fail
                await self.watch.since(opened.last_seen_us)
            await learn(self.core, self.writes.write, self.core.jobs)
            await recover(self.core, self.writes, opened, self.admission, self.chains)
            self.opened = True
            for call in before:
                await call()
        except BaseException:
            self._unwatch()
            await late.in_thread(self._abandon)
            raise
        for pool in self.core.pools.values():
            pool.executor.start()
        self._capture.install(log_level=self.settings.log_level)
        self.shell.start()
        self.claims.open()
        self.admission.open()
        self.ready = True
        self.heartbeat.begin()
        self.chores.begin()
        self.delivery.open()
        logger.info("engine %s runs %d jobs on %s", self.boot, len(self.core.jobs), self.store.url)

    async def _tell_start(self) -> None:
        at_us, detail = self.started_us, json.dumps({"version": __version__, "pid": os.getpid()})

        def apply(tx: StoreTx) -> str:
            tx.audit(at_us, "engine", "engine.start", self.boot, detail)
            return tx.secret()

        self.core.secret = (await self.writes.write(apply)).encode()
        self.core.store_id = sha256(b"store" + self.core.secret).hexdigest()[:12]

    async def _open(self, boot: Boot) -> Opened:
        opening = asyncio.ensure_future(self._threads.call(self.store.open, boot))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread goes on, and what it opens must not stay locked.
            await asyncio.wait([opening])
            if opening.exception() is None:
                await self._threads.call(self.store.close)
            raise

    async def _stop(self, grace_s: float) -> None:
        await self._begun.wait()
        if not self.ready:
            return
        try:
            await self._end(grace_s)
        finally:
            self.ended.set()

    async def _end(self, grace_s: float) -> None:
        self.stopping = True
        self.claims.close()
        self.admission.close()
        self.watch.stop()
        self.reloads.close()
        self.chores.close()
        self.retention.close()
        self.core.alerts.close()
        self.core.hub.close()
        self.heartbeat.cancel()
        await self.reloading.close()
        async with AsyncExitStack() as last:
            # Last one first, and whatever fails: nothing may stay locked, hooked or running.
            last.callback(self._threads.shutdown)
            # Neither this nor the flush waits behind what hangs in the engine's own threads.
            last.push_async_callback(late.in_thread, self.store.close)
            last.callback(self._unwatch)
            last.callback(self._capture.uninstall)
            last.callback(self.shell.shutdown, wait=False)
            last.push_async_callback(self._flush)
            last.callback(self.delivery.close)
            for pool in self.core.pools.values():
                last.push_async_callback(pool.executor.close)
            await self._let_finish(grace_s)

    async def _let_finish(self, grace_s: float) -> None:
        await self._quiet(grace_s)
        if self.supervisor.cancel_all("the engine stopped, and the grace was over"):
            await self._quiet(LAST_WORD_S)
        self.supervisor.abandon(
            "still ran in its thread when the engine stopped; it may have done its work"
        )
        await asyncio.sleep(0)  # lets the supervisor hand its outcomes to the writer
        self.supervisor.close()
        await self.logs.drain()
        now_us = self.clock.now_us()
        self.heartbeat.tell(lambda tx: tx.audit(now_us, "engine", "engine.stop", self.boot, "{}"))
        self.heartbeat.tell(lambda tx: tx.beat(self.boot, now_us, stopped=True))

    async def _flush(self) -> None:
        if not await late.in_thread(partial(self.writer.stop, FLUSH_S)):
            logger.error("the store did not answer: what ended last is recorded as lost")
        await asyncio.sleep(0)

    async def on_loop(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await a coroutine on the engine's loop, from whichever loop this one is."""
        if asyncio.get_running_loop() is self.loop:
            return await make()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(make(), self.loop))

    def info(self) -> EngineInfo:
        """The engine now."""
        return info(self)

    def busy_s(self) -> float:
        """Real seconds that are worth waiting for what is under way off the loop; 0 for nothing."""
        if (
            self.writer.busy
            or self.logs.busy
            or self.reloads.busy
            or self.chores.busy
            or self.delivery.busy
            or self._threads.busy
            or self.core.asking.busy
            or late.busy(self.loop)
        ):
            return HANGS_S
        elsewhere = (self.core.pools["thread"], self.core.pools["process"])
        busy = any(pool.free < pool.executor.slots for pool in elsewhere)
        return MOMENT_S if busy else 0.0

    def _wire(self, opened: Opened) -> None:
        settings = self.settings
        core = Core(
            clock=self.clock,
            store=self.store,
            registry=settings.registry,
            policies=settings.policies,
            timezone=settings.timezone,
            boot=self.boot,
            last_run_id=opened.last_run_id,
            clock_epoch=opened.clock_epoch,
            threads=self._threads,
            secrets=settings.secrets,
            alerts=settings.alerts,
        )
        self.core = core
        core.hub = Hub(self.boot, summary=self._summary, info=self.info, group=core.jobs.group_of)
        core.writer = self.writer = Writer(
            self.store, deliver=core.deliver, on_health=self._store_health
        )
        pools = {
            "async": Pool(AsyncExecutor(slots=settings.async_slots, clock=self.clock)),
            "thread": Pool(ThreadExecutor(slots=settings.threads, clock=self.clock)),
            "process": Pool(self._processes),
        }
        core.slots = Slots(pools, settings.pools, settings.registry.limit_of)
        self.logs = LogLines(core, self._job_of)
        self.chains = chains = Chains(core)
        self.supervisor = Supervisor(core, self.logs, chains)
        if settings.telemetry:
            self.supervisor.spans = Spans()
        self.admission = Admission(core, self._dispatch, chains, self.logs)
        self.reloads = Reloads(core)
        self.writes = JobWrites(core)
        self.cancels = Cancels(core, self.writes, self.supervisor, self.admission)
        chains.wait, chains.replace = self.admission.wait, self.cancels.replaced
        self.claims = Claims(
            core,
            dispatch=self._dispatch,
            wait=self.admission.wait,
            replace=self.cancels.replaced,
            reload=self.reloads.read,
        )
        self.supervisor.on_slot = self.admission.sweep
        self.supervisor.on_retry = self.admission.wait
        self.commands = Commands(
            core, self.writes, self.claims, self.admission, self.cancels, self._dispatch
        )
        self.revisions = Revisions(core, self.writes, self.commands)
        self.chores = Chores(core, self.commands, self.admission, self.supervisor.failures)
        self.retention = Retention(core)
        self.heartbeat = Heartbeat(core)
        self.delivery = Delivery(core, self.writes, core.alerts)
        self.reloading = Reloading(core, self.writes, self.commands)
        self.halt = Halt(core, self.claims, self.writes)
        self.watch = ClockWatch(core, self.claims, self.writes.write, self.halt)
        self.shell = Shell(self._tick, self.clock)
        core.wakeup = self.shell.wakeup
        # A clock for tests lets no time pass while the engine is busy.
        watch = getattr(self.clock, "watch", None)
        if watch is not None:
            self._unwatch = watch(self.busy_s)

    def _tick(self) -> float:
        self.watch.check()
        own = self.chores.tick(), self.retention.tick()
        return min(self.claims.tick(), self.admission.tick(), *own)

    def _dispatch(self, runs: list[LiveRun]) -> None:
        self.supervisor.start(runs)

    def _summary(self, job_id: int) -> JobSummary | None:
        live = self.core.jobs.by_id(job_id)
        return None if live is None else live.summary()

    def _job_of(self, run_id: int) -> int | None:
        run = self.supervisor.running.get(run_id)
        return None if run is None else run.job.id

    def _store_health(self, error: StoreUnavailableError | None) -> None:
        self.core.problem("store", None if error is None else str(error))
        if error is None:
            self.core.wakeup()

    @property
    def _starting(self) -> int:
        """Claims, and runs with a slot, whose commit is not heard yet."""
        return self.claims.outstanding + self.core.slots.claimed

    async def _quiet(self, timeout_s: float) -> None:
        """Wait until nothing is claimed, runs or waits to be written; not longer than told."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._starting or not self.supervisor.idle.is_set():
                    await self.supervisor.idle.wait()
                    await asyncio.sleep(0.005)
        except TimeoutError:
            return

    def abandon(self) -> None:
        """Let go of everything, from any thread, once the loop has died: nothing more is told."""
        self.ready = False
        self.ended.set()
        self._unwatch()
        self._capture.uninstall()
        self._processes.kill()
        self._abandon()

    def _abandon(self) -> None:
        try:
            self.writer.stop(0)
        finally:
            self.store.close()
            self._threads.shutdown()


def _nothing() -> None:
    return None
