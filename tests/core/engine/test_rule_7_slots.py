"""Rule 7: waiting is a row. Runs without a slot are queued, and admitted longest waiting first."""

from __future__ import annotations

import asyncio
import threading

from engine_kit import Kit, KitClock, World, check, running

from schedtui import Group, current_run
from schedtui.models import RunState

EVERY_HOUR = {"type": "every", "seconds": 3_600}


class Async:
    """Async jobs that each end when they are told to, and the order in which they began."""

    def __init__(self, count: int) -> None:
        self.group = Group("g")
        self.began: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.now = 0
        self.most = 0
        for number in range(count):
            self.group.job(every=60, name=f"j{number}")(self.work)

    async def work(self) -> None:
        name = current_run().job.partition("/")[2]
        self.began.append(name)
        self.now += 1
        self.most = max(self.most, self.now)
        await self.gates.setdefault(name, asyncio.Event()).wait()
        self.now -= 1

    def end(self, name: str) -> None:
        self.gates.setdefault(name, asyncio.Event()).set()


async def test_more_due_than_slots_are_queued_and_admitted_in_their_order(world: World) -> None:
    jobs = Async(7)
    async with running(jobs.group, world=world, async_slots=3) as kit:
        await kit.clock.advance(61)
        assert jobs.began == ["j0", "j1", "j2"]
        rows = await kit.rows()
        assert [run.state for run in rows] == [RunState.RUNNING] * 3 + [RunState.QUEUED] * 4
        assert {(run.wait_reason, run.attempt, run.started_at) for run in rows[3:]} == {
            ("slot", 0, None)
        }
        assert kit.running.info().runs_queued == 4
        assert kit.running.info().runs_active == 3
        for name in ("j1", "j0", "j2", "j3", "j4", "j5", "j6"):
            jobs.end(name)
            await kit.clock.settle()
        assert jobs.began == [f"j{n}" for n in range(7)]
        assert jobs.most == 3
        await kit.clock.settle()
        rows = await kit.rows()
        assert {run.state for run in rows} == {RunState.SUCCEEDED}
        assert {(run.wait_reason, run.attempt) for run in rows} == {(None, 1)}
        assert kit.running.core.pools["async"].free == 3
        await check(kit)


async def test_the_pools_are_independent(world: World) -> None:
    jobs = Async(2)
    done: list[str] = []

    @jobs.group.job(every=60)
    def plain() -> None:
        done.append("plain")

    async with running(jobs.group, world=world, async_slots=1, threads=1) as kit:
        await kit.clock.advance(61)
        await kit.until(lambda: done == ["plain"])
        states = {run.job: run.state for run in await kit.rows()}
        assert (states["g/j0"], states["g/j1"]) == (RunState.RUNNING, RunState.QUEUED)
        jobs.end("j0")
        jobs.end("j1")


async def test_a_slot_that_comes_back_while_a_claim_is_on_its_way_is_not_forgotten() -> None:
    """The claim found the pool full; by its commit nobody runs who could wake the queue."""
    jobs = Async(1)
    async with running(jobs.group, async_slots=1) as kit:
        await kit.client.trigger_job("g/j0")
        await kit.engine.create_job(function="g/work", trigger=EVERY_HOUR, name="late")
        live = kit.running.core.jobs.named("g/late")
        await kit.clock.settle()
        assert jobs.began == ["j0"]
        gate = threading.Event()
        kit.faults.hooks["claim"] = lambda: gate.wait(10) and None
        kit.hung = True
        kit.clock._move(kit.clock._monotonic_us + (live.next_due_us or 0) - kit.clock.now_us())
        await kit.clock.advance(0.5)
        assert kit.running.claims.outstanding
        jobs.end("j0")
        for _ in range(20):
            await asyncio.sleep(0)
        assert kit.running.core.pools["async"].free == 1
        kit.faults.hooks.clear()
        gate.set()
        kit.hung = False
        jobs.end("late")
        await kit.clock.settle()
        await kit.clock.advance(0.5)
        assert "late" in jobs.began


async def test_thirty_two_threads_at_once_and_not_one_more(world: World) -> None:
    group = Group("g")
    lock = threading.Lock()
    now = most = total = 0
    full = threading.Barrier(33)

    def work() -> None:
        nonlocal now, most, total
        with lock:
            now += 1
            total += 1
            most = max(most, now)
            first = total <= 32
        if first:
            full.wait(20)
        with lock:
            now -= 1

    for number in range(80):
        group.job(every=60, name=f"j{number}")(work)
    async with running(group, world=world) as kit:
        await kit.clock.advance(61)
        await asyncio.to_thread(full.wait, 20)
        await kit.until(lambda: total == 80)
        assert most == 32
        await kit.until(lambda: kit.running.core.pools["thread"].free == 32)
        await kit.until(lambda: kit.idle)
        rows = await kit.rows()
        assert len(rows) == 80
        assert {run.state for run in rows} == {RunState.SUCCEEDED}
        await check(kit)


async def test_deleting_jobs_cancels_what_is_queued_and_it_never_runs(world: World) -> None:
    jobs = Async(0)
    jobs.group.function("work")(jobs.work)
    async with running(jobs.group, world=world, async_slots=1) as kit:
        for name in ("a", "b", "c"):
            await kit.engine.create_job(function="g/work", trigger=EVERY_HOUR, name=name)
            await kit.client.trigger_job(f"g/{name}")
        await kit.clock.settle()
        cursor = kit.running.core.hub.cursor
        await kit.client.delete_job("g/b")
        changes = await kit.running.core.hub.after(cursor)
        assert [run.state for run in changes.runs] == [RunState.CANCELLED]
        jobs.end("a")
        jobs.end("c")
        await kit.clock.settle()
        await kit.clock.settle()
        assert jobs.began == ["a", "c"]
        states = {run.job: run.state for run in await kit.rows()}
        assert states["g/b"] is RunState.CANCELLED


async def test_a_start_that_a_delete_overtakes_gives_its_slot_back(world: World) -> None:
    jobs = Async(0)
    jobs.group.function("work")(jobs.work)
    async with running(jobs.group, world=world, async_slots=1) as kit:
        for name in ("a", "b"):
            await kit.engine.create_job(function="g/work", trigger=EVERY_HOUR, name=name)
            await kit.client.trigger_job(f"g/{name}")
        await kit.clock.settle()
        hold = threading.Event()
        kit.faults.hooks["delete_job"] = lambda: hold.wait(10) and None
        deleting = asyncio.ensure_future(kit.client.delete_job("g/b"))
        await kit.until(lambda: kit.faults.calls["delete_job"] == 1)
        jobs.end("a")
        await kit.until(lambda: kit.running.core.pools["async"].claimed == 1)
        hold.set()
        await deleting
        await kit.clock.settle()
        pool = kit.running.core.pools["async"]
        assert (pool.free, pool.claimed, pool.queue.size) == (1, 0, 0)
        assert jobs.began == ["a"]
        assert {run.job: run.state for run in await kit.rows()} == {
            "g/a": RunState.SUCCEEDED,
            "g/b": RunState.CANCELLED,
        }


async def test_a_queued_run_counts_as_active_for_overlap(world: World) -> None:
    jobs = Async(2)
    async with running(jobs.group, world=world, async_slots=1) as kit:
        await kit.clock.advance(121)
        rows = [run for run in await kit.rows() if run.job == "g/j1"]
        assert [run.state for run in rows] == [RunState.QUEUED, RunState.SKIPPED]
        assert rows[1].reason == f"overlap: run {rows[0].id} is still active"
        jobs.end("j0")
        jobs.end("j1")


async def test_a_restart_admits_what_was_queued_first(world: World) -> None:
    jobs = Async(3)
    kit = await Kit([jobs.group], world=world, async_slots=1).start()
    await kit.clock.advance(61)
    await kit.stop()
    jobs.began.clear()
    for name in ("j0", "j1", "j2"):
        jobs.end(name)
    clock = KitClock()
    clock.step(100)
    async with running(jobs.group, world=world, clock=clock, async_slots=1) as after:
        await after.clock.advance(1)
        assert jobs.began == ["j1", "j2"]
        assert [run.state for run in await after.rows()] == [
            RunState.CANCELLED,
            RunState.SUCCEEDED,
            RunState.SUCCEEDED,
        ]
        assert after.running.core.jobs.named("g/j1").active == 0
