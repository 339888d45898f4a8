"""Rule 6: no row, no run; due times are handed back; outcomes wait; bad data costs one job only."""

from __future__ import annotations

import asyncio

import pytest
from engine_kit import FULL, Kit, Worker, World, back, check, due_s, running

from schedtui import Group, log
from schedtui.errors import StoreError, StoreUnavailableError
from schedtui.models import Health, JobPatch, RunState
from schedtui.store import writer
from schedtui.store.writer import Lane


@pytest.mark.parametrize("point", ["begin", "claim", "claim:after", "commit"])
async def test_a_claim_that_fails_is_tried_again_with_the_same_due_time(
    world: World, point: str
) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        await kit.clock.advance(5)
        kit.faults.once(point, FULL)
        await kit.clock.advance(8)
        assert worker.done == [10.0]
        assert [due_s(run) for run in await kit.rows()] == [10.0]
        await check(kit, effects=worker.done)


async def test_no_row_no_run_while_the_store_is_down(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        kit.faults.down = True
        await kit.clock.advance(45)
        await kit.until(lambda: kit.running.info().health is Health.DEGRADED)
        assert kit.running.info().problems == ("the disk is full",)
        assert worker.done == []
        await back(kit)
        await kit.clock.advance(3)
        assert kit.running.info().health is Health.OK
        assert worker.done == [40.0]
        states = [(due_s(run), run.state) for run in await kit.rows()]
        assert states[:3] == [(s, RunState.SKIPPED) for s in (10.0, 20.0, 30.0)]
        await kit.clock.advance(10)
        await check(kit, effects=worker.done)


async def test_a_long_outage_is_misfire_and_range(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        kit.faults.down = True
        await kit.clock.advance(2)
        kit.clock._move(kit.clock._monotonic_us + 5_000_000_000)
        await kit.clock.advance(1)
        await back(kit)
        await kit.clock.advance(12)
        rows = await kit.rows()
        assert rows[0].range_count is not None
        assert rows[0].state is RunState.MISSED
        await check(kit, effects=worker.done)


async def test_an_outcome_waits_and_arrives(world: World) -> None:
    worker = Worker()
    worker.gate.clear()
    async with running(worker.group, world=world) as kit:
        await kit.clock.advance(10)
        kit.faults.down = True
        worker.gate.set()
        await kit.clock.advance(6)
        await kit.until(lambda: "store" in kit.running.core.problems)
        assert [run.state for run in await kit.rows()] == [RunState.RUNNING]
        await back(kit)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        (run,) = await kit.rows()
        assert run.state is RunState.SUCCEEDED
        await kit.clock.settle()
        lines = (await kit.client.logs(run.id)).lines
        assert [line.text for line in lines] == ["line"]
        await kit.clock.advance(10)
        await check(kit, effects=worker.done)


async def test_the_job_counts_as_active_until_its_outcome_is_written() -> None:
    worker = Worker()
    worker.gate.clear()
    async with running(worker.group) as kit:
        await kit.clock.advance(10)
        kit.faults.always("finish", FULL)
        worker.gate.set()
        await kit.clock.advance(1)
        live = kit.running.core.jobs.named("g/work")
        assert live.active == 1
        kit.faults.hooks.clear()
        await kit.until(lambda: live.active == 0)


async def test_at_most_two_batches_are_under_way_and_nothing_more_is_popped() -> None:
    group = Group("g")

    async def work() -> None: ...

    for number in range(1_600):
        group.job(every=60, name=f"j{number}")(work)
    async with running(group) as kit:
        gate = asyncio.Event()
        loop = asyncio.get_running_loop()
        kit.faults.hooks["claim"] = lambda: asyncio.run_coroutine_threadsafe(
            gate.wait(), loop
        ).result()
        kit.hung = True
        await kit.clock.advance(60)
        for _ in range(50):
            await kit.clock.advance(0.01)
        assert kit.running.claims.outstanding == 1_000
        del kit.faults.hooks["claim"]
        gate.set()
        kit.hung = False
        await kit.clock.advance(2)
        assert len(await kit.rows()) == 1_600


@pytest.mark.parametrize("error", [FULL, StoreError("the file is damaged")])
async def test_a_command_fails_at_once_and_changes_nothing(error: Exception) -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        kit.faults.always("begin", error)
        for command in (
            lambda: kit.client.trigger_job("g/work"),
            lambda: kit.client.pause_job("g/work"),
            lambda: kit.client.edit_job("g/work", JobPatch(description="x")),
            lambda: kit.engine.create_job(
                function="g/work", trigger={"type": "every", "seconds": 5}, name="n"
            ),
        ):
            with pytest.raises(type(error)):
                await command()
        kit.faults.hooks.clear()
        live = kit.running.core.jobs.named("g/work")
        assert (live.active, live.busy, live.version, live.job.paused) == (0, False, 1, False)
        assert all(pool.free == pool.executor.slots for pool in kit.running.core.pools.values())
        assert not any(pool.claimed for pool in kit.running.core.pools.values())
        await kit.clock.advance(20)
        assert worker.done == [0.0, 10.0, 20.0]


async def test_a_command_on_a_due_job_is_refused_while_the_store_is_down() -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        kit.faults.down = True
        await kit.clock.advance(11)
        with pytest.raises(StoreUnavailableError):
            await kit.client.pause_job("g/work")
        await back(kit)
        await kit.client.pause_job("g/work")
        await kit.clock.advance(30)
        assert worker.done == [10.0]


async def test_log_lines_are_dropped_first_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_LOG_BYTES", 2_000)
    group = Group("g")
    speak, gate = asyncio.Event(), asyncio.Event()

    @group.job(every=10)
    async def work() -> None:
        await speak.wait()
        for _ in range(10):
            log("x" * 1_000)
            kit.running.logs._flush()
            await asyncio.wait(kit.running.logs._tasks)
        await gate.wait()

    async with running(group) as kit:
        await kit.clock.advance(10)
        kit.faults.down = True
        speak.set()
        live = kit.running.core.jobs.named("g/work")
        await kit.until(lambda: bool(live.running))
        (run,) = live.running.values()
        await kit.until(lambda: run.sink is not None and run.sink.last_seq == 10)
        await kit.until(lambda: run.sink is not None and run.sink.dropped > 0)
        gate.set()
        await kit.clock.settle()
        await back(kit)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        await kit.until(lambda: kit.idle)
        row = await kit.client.run(run.id)
        page = await kit.client.logs(run.id)
        assert row.state is RunState.SUCCEEDED
        assert row.log_dropped > 0
        assert row.log_dropped + len(page.lines) == 10


async def test_lines_that_are_dropped_after_the_end_are_counted_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "MAX_LOG_BYTES", 1_000)
    group = Group("g")

    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()
        for _ in range(3):
            log("x" * 300)

    for name in ("a", "b"):
        group.job(every=3_600, name=name)(work)
    async with running(group) as kit:
        runs = [(await kit.client.trigger_job(f"g/{name}")).id for name in ("a", "b")]
        kit.faults.down = True
        gate.set()
        lines = kit.running.logs
        await kit.until(lambda: sum(sink.dropped for sink in lines._sinks.values()) == 3)
        await kit.until(lambda: len(kit.running.writer._lanes[Lane.LOG]) == 1)
        await back(kit)
        await kit.until(lambda: kit.idle)
        rows = [await kit.client.run(run_id) for run_id in runs]
        kept = [len((await kit.client.logs(run_id)).lines) for run_id in runs]
        assert sorted(kept) == [0, 3]
        assert [row.log_dropped for row in rows] == [3 - lines for lines in kept]


async def test_health_is_degraded_while_claims_fail_for_another_reason(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        kit.faults.always("claim", StoreError("state.db is damaged"))
        await kit.clock.advance(12)
        assert kit.running.info().health is Health.DEGRADED
        assert any("state.db is damaged" in text for text in kit.running.info().problems)
        kit.faults.hooks.clear()
        await kit.clock.advance(5)
        assert kit.running.info().health is Health.OK
        await check(kit, effects=worker.done)


async def test_a_start_that_fails_is_tried_again(world: World) -> None:
    worker = Worker()
    worker.gate.clear()
    worker.group.job(every=3_600, name="a", paused=True)(worker.work)
    async with running(worker.group, world=world, async_slots=1) as kit:
        await kit.client.trigger_job("g/work")
        await kit.client.trigger_job("g/a")
        kit.faults.once("start", FULL)
        worker.gate.set()
        await kit.clock.advance(5)
        rows = await kit.rows()
        assert [run.state for run in rows] == [RunState.SUCCEEDED, RunState.SUCCEEDED]
        assert kit.running.core.pools["async"].free == 1
        assert kit.running.core.pools["async"].claimed == 0


@pytest.mark.parametrize("point", ["begin", "open"])
async def test_an_engine_does_not_start_on_a_store_that_does_not_answer(point: str) -> None:
    worker = Worker()
    kit = Kit([worker.group])
    kit.faults.always(point, FULL)
    with pytest.raises(StoreUnavailableError, match="the disk is full"):
        await kit.start()
    assert not kit.engine.is_running
    kit.faults.hooks.clear()
    await kit.start()
    await kit.clock.advance(10)
    assert worker.done == [10.0]
    await kit.stop()
