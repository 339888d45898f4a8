"""What the engine's tests share: an engine that can be killed, and the invariants that hold
whatever happens.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from engine_faults import FaultStore, World

from schedtui import Engine, Group, current_run, log
from schedtui.client.local import LocalClient
from schedtui.clock import from_us, to_us
from schedtui.engine.running import Running
from schedtui.errors import StoreUnavailableError
from schedtui.models import Job, JobState, Run, RunFilter, RunState, Source
from schedtui.testing import FakeClock, MemoryStore
from schedtui.triggers import Trigger, parse_trigger

__all__ = ["FULL", "START", "FaultStore", "Kit", "KitClock", "Worker", "World"]
__all__ += ["at", "back", "check", "due_s", "running"]

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday, noon."""


def at(seconds: float) -> datetime:
    """So many seconds after `START`."""
    return START + timedelta(seconds=seconds)


class KitClock(FakeClock):
    """A fake clock that starts at `START`."""

    def __init__(self, start: datetime = START) -> None:
        super().__init__(start)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps, and both clocks go on: no timer is called before it wakes."""
        self._move(self._monotonic_us + round(seconds * 1e6))

    def pending_timers(self) -> int:
        """Timers that would still call somebody."""
        return sum(1 for _, _, timer in self._timers if timer.callback is not None)


class Kit:
    """An engine under test, with its clock, its store and a client."""

    def __init__(
        self,
        groups: Iterable[Group] = (),
        *,
        world: World | None = None,
        clock: KitClock | None = None,
        **settings: Any,
    ) -> None:
        self.clock = clock if clock is not None else KitClock()
        self.store = world.store() if world is not None else FaultStore(MemoryStore())
        self.faults = self.store.faults
        self.engine = Engine(
            groups=groups, store=self.store, clock=self.clock, echo=False, **settings
        )
        self.client = LocalClient(self.engine)
        self.hung = False
        """Whether time passes although the engine is busy, because a test makes its store hang."""
        self.unwatch: Callable[[], None] = lambda: None

    @property
    def running(self) -> Running:
        return self.engine.running

    @property
    def idle(self) -> bool:
        """Whether every write was answered, or waits for a store that does not answer."""
        return not self.running.busy_s()

    async def start(self) -> Kit:
        await self.engine.start()
        running = self.running
        running._unwatch()
        self.unwatch = self.clock.watch(
            lambda: 0.0 if self.hung or self.store.dead else running.busy_s()
        )
        return self

    async def stop(self, grace_s: float = 0.05) -> None:
        self.faults.down = False
        await self.engine.stop(grace_s)
        self.unwatch()

    async def crash(self) -> datetime:
        """End as ``kill -9`` does: nothing more is written or done. Returns the wall time."""
        running = self.running
        self.store.dead = True
        running.claims.close()
        running.admission.close()
        running.watch.stop()
        for part, method in (
            (running.supervisor, "record"),
            (running.writer, "submit"),
            (running.core, "deliver"),
        ):
            setattr(part, method, lambda *_: None)
        for pool in running.core.pools.values():
            await pool.executor.close()
        running.shell.shutdown(wait=False)
        await asyncio.sleep(0)
        running._capture.uninstall()
        running.writer._deadline = 0
        running.writer._stopping = True
        self.store.release()
        await asyncio.to_thread(running.writer.stop, 0)
        await asyncio.to_thread(self.store.inner.close)
        running._threads.shutdown()
        self.unwatch()
        return from_us(self.clock.now_us())

    async def rows(self, job_id: int | None = None) -> list[Run]:
        """All runs, oldest first."""
        where = RunFilter(job_id=job_id)
        found = await asyncio.to_thread(self.store.inner.runs, where, limit=5_000, before=None)
        return found[::-1]

    async def told(self, job_id: int | None = None) -> list[tuple[Source, RunState, float | None]]:
        """Source, state and due time (seconds after `START`) of each run, oldest first."""
        return [(run.source, run.state, due_s(run)) for run in await self.rows(job_id)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that other threads do."""
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - what is waited for knows no event loop
                await asyncio.sleep(0.001)


def due_s(run: Run) -> float | None:
    return None if run.scheduled_for is None else (run.scheduled_for - START).total_seconds()


FULL = StoreUnavailableError("the disk is full")


@asynccontextmanager
async def running(*groups: Group, **settings: Any) -> AsyncIterator[Kit]:
    """A started engine, stopped at the end, unless it has crashed by then."""
    kit = Kit(groups, **settings)
    await kit.start()
    try:
        yield kit
    finally:
        if kit.engine.is_running and not kit.store.dead:
            await kit.stop()


def trigger_of(job: Job) -> Trigger:
    return parse_trigger(job.trigger, job.timezone, 0)


def unaccounted(rows: Iterable[Run], trigger: Trigger, after: datetime, until: datetime) -> str:
    """What is wrong with the rows of one job's due times in ``(after, until]``: each must be in
    exactly one row, alone or in a range. Empty where nothing is."""
    after_us, until_us = to_us(after), to_us(until)
    total, newest_us = 0, after_us
    due = [run for run in rows if run.scheduled_for is not None and run.scheduled_for > after]
    for run in sorted(due, key=lambda run: run.scheduled_for or after):
        assert run.scheduled_for is not None
        number = 1 if run.range_count is None else run.range_count
        oldest_us = to_us(run.range_from or run.scheduled_for)
        missing = trigger.count(newest_us, oldest_us - 1)
        if oldest_us <= newest_us or missing:
            said = f"{missing} due times without a row before" if missing else "a second row at"
            return f"{said} {from_us(oldest_us):%FT%T.%f} (run {run.id}: {run.state})"
        newest_us = to_us(run.scheduled_for)
        if trigger.count(oldest_us - 1, newest_us) != number:
            return f"run {run.id} stands for {number} due times, which do not lie there"
        total += number
    expected = trigger.count(after_us, until_us)
    return "" if total == expected else f"{total} due times have a row, of {expected}"


async def check(kit: Kit, *, after: datetime = START, effects: Iterable[Any] = ()) -> None:
    """The invariants: every due time of every living job has one row, no run made an illegal move,
    and nothing was done twice.

    Args:
        kit: An engine that has settled.
        after: When all its jobs were there.
        effects: What the functions did, one hashable thing per execution.
    """
    assert kit.store.illegal == []
    done = Counter(effects)
    assert [effect for effect, times in done.items() if times > 1] == []
    now = from_us(kit.clock.now_us())
    for live in kit.running.core.jobs:
        job = live.current()
        if live.trigger is None:
            continue
        begun = max(after, job.created_at)
        fires = live.fires and not live.exhausted and live.state is not JobState.BROKEN
        until = now if fires else (job.last_due or begun)
        rows = [run for run in await kit.rows(job.id) if run.source is not Source.BACKFILL]
        wrong = unaccounted(rows, live.trigger, begun, until)
        assert not wrong, f"{job.full_name}: {wrong}"


class Worker:
    """One job every ten seconds, and what it did."""

    def __init__(self, **policies: Any) -> None:
        self.group = Group("g")
        self.done: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.group.job(every=10, **policies)(self.work)

    async def work(self) -> None:
        moment = current_run().scheduled_for
        self.done.append(0.0 if moment is None else moment.timestamp() % 3_600)
        log("line")
        await self.gate.wait()


async def back(kit: Kit) -> None:
    """The store answers again; wait until the writer has found out."""
    kit.faults.down = False
    await kit.until(lambda: not kit.running.core.problems)
    await kit.clock.settle()
