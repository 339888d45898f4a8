"""What was due before the whole engine was paused: it is decided at the resume."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from engine_kit import Kit, KitClock, Worker, World, at, check, due_s, running
from explain_kit import kinds, why

from schedtui.errors import StoreUnavailableError
from schedtui.models import JobPatch, RunState, Source


async def paused_start_after(world: World, down_s: float, **policies: Any) -> tuple[Kit, Worker]:
    """An engine that was killed at 10, and started paused after a while."""
    worker = Worker(**policies)
    kit = await Kit([worker.group], world=world).start()
    await kit.clock.advance(10)
    clock = KitClock(await kit.crash())
    clock.step(down_s)
    kit = Kit([worker.group], world=world, clock=clock)
    kit.engine.start_paused = True
    return await kit.start(), worker


async def test_a_downtime_before_a_paused_start_is_no_part_of_the_pause(world: World) -> None:
    kit, worker = await paused_start_after(world, 125, catch_up="latest")
    await kit.clock.advance(90)
    assert [due_s(run) for run in await kit.rows()] == [10]
    await kit.engine.resume_engine(actor="bob")
    await kit.clock.advance(10)

    rows = [(due_s(run), run.state, run.source) for run in await kit.rows()]
    assert rows[1:12] == [(s, RunState.MISSED, Source.SCHEDULE) for s in range(20, 130, 10)]
    assert rows[12] == (130, RunState.SUCCEEDED, Source.CATCHUP)
    held = [due_s(run) for run in await kit.rows() if run.reason.startswith("engine paused")]
    assert held == list(range(140, 230, 10))
    assert rows[-1] == (230, RunState.SUCCEEDED, Source.SCHEDULE)
    because = await why(kit, at(50))
    assert ("engine_down" in kinds(because), "paused" in kinds(because)) == (True, False)
    await check(kit, effects=worker.done)
    await kit.stop()


@pytest.mark.parametrize("change", ["edit", "pause"])
async def test_a_job_that_is_changed_meanwhile_blames_its_downtime_on_nobody_else(
    world: World, change: str
) -> None:
    kit, _ = await paused_start_after(world, 25)
    await kit.clock.advance(10)
    if change == "edit":
        patch = JobPatch(trigger={"type": "every", "seconds": 7})
        await kit.engine.edit_job("g/work", patch, actor="ann")
        by = "changed by ann just then"
    else:
        await kit.engine.pause_job("g/work", actor="ann")
        by = "paused by ann just then"
    held = "engine paused by engine: started paused"
    by += ": the engine did not run from 2026-03-02T12:00:10Z to 2026-03-02T12:00:35Z"
    told = [(due_s(run), run.reason.partition(" (it did not stop")[0]) for run in await kit.rows()]
    assert told == [(10, ""), (20, by), (30, by), (40, held)]
    await kit.stop()


async def test_a_claim_that_fails_at_the_resume_leaves_the_engine_paused(world: World) -> None:
    kit, worker = await paused_start_after(world, 25)
    kit.faults.once("claim", StoreUnavailableError("full"))
    with pytest.raises(StoreUnavailableError, match="still paused, try again"):
        await kit.engine.resume_engine()
    assert (await kit.client.info()).paused
    assert [due_s(run) for run in await kit.rows()] == [10]
    await kit.engine.resume_engine()
    await kit.clock.advance(6)
    rows = [(due_s(run), run.state) for run in await kit.rows()]
    states = (RunState.SUCCEEDED, RunState.SKIPPED, RunState.SUCCEEDED, RunState.SUCCEEDED)
    assert rows == list(zip((10, 20, 30, 40), states, strict=True))
    await check(kit, effects=worker.done)
    await kit.stop()


async def test_a_clock_that_is_set_back_while_it_is_paused_leaves_it_paused(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        await kit.clock.advance(100)
        await kit.engine.pause_engine(reason="move", actor="ann")
        kit.clock.step(-55)
        await kit.clock.advance(20)
        await kit.engine.resume_engine()
        rows = await kit.rows()
        assert {run.reason for run in rows[10:]} == {"engine paused by ann: move"}
        assert [due_s(run) for run in rows[10:]] == [50, 60]


async def test_a_clock_that_is_set_back_while_it_is_paused_makes_no_downtime_of_it(
    world: World,
) -> None:
    kit, _ = await paused_start_after(world, 115)
    kit.clock.step(-60)
    await kit.clock.advance(10)
    await kit.engine.resume_engine()
    told = [(due_s(run), run.reason.partition(":")[0]) for run in await kit.rows()]
    late = [moment for moment, reason in told if reason.startswith("overlap") or reason == ""]
    held = [moment for moment, reason in told if reason == "engine paused by engine"]
    assert (late, held[:1]) == ([10, 20, 30, 40, 50, 60], [70])
    await kit.stop()


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("down", [False, True], ids=["in life", "while down"])
async def test_a_clock_that_is_set_back_behind_the_pause_moves_it_too(
    world: World, killed: bool, down: bool
) -> None:
    """It began as long ago as before; a restart makes no pause of the downtime before it."""
    kit, worker = await paused_start_after(world, 190, catch_up="all", overlap="queue_all")
    await kit.clock.advance(5)
    if not down:
        kit.clock.step(-60)
        await kit.clock.advance(5)
    if killed or down:
        clock = KitClock(await kit.crash())
        clock.step(-60 if down else 2)
        kit = await Kit([worker.group], world=world, clock=clock).start()
        await kit.clock.advance(5)
    await kit.engine.resume_engine()
    await kit.clock.advance(1)
    rows = {due_s(run): (run.state, run.reason) for run in await kit.rows()}
    assert all(rows[due][0] is RunState.SUCCEEDED for due in range(10, 140, 10)), rows
    assert rows[140] == (RunState.SKIPPED, "engine paused by engine: started paused")
    await check(kit, effects=worker.done)
    await kit.stop()


@pytest.mark.parametrize("back_s", [(1_000,), (1_050,), (50, 1_000)])
async def test_a_clock_that_goes_forward_and_back_moves_the_pause_by_the_difference(
    world: World, back_s: tuple[float, ...]
) -> None:
    kit, worker = await paused_start_after(world, 90, catch_up="all", overlap="queue_all")
    await kit.clock.advance(5)
    kit.clock.step(1_000)
    await kit.clock.advance(5)
    for step_s in back_s:
        kit.clock.step(-step_s)
        await kit.clock.advance(5)
    began = 100 + 1_000 - sum(back_s)
    assert "paused" in kinds(await why(kit, at(began + 10)))
    await kit.engine.resume_engine()
    await kit.clock.advance(1)
    rows = {due_s(run): run.state for run in await kit.rows()}
    assert all(rows[due] is RunState.SUCCEEDED for due in range(10, round(began), 10)), rows
    assert rows[began] is rows[began + 10] is RunState.SKIPPED
    await check(kit, effects=worker.done)
    await kit.stop()


async def test_while_it_lasts_a_pause_that_was_moved_is_the_reason(world: World) -> None:
    kit, _ = await paused_start_after(world, 190)
    await kit.clock.advance(35)
    kit.clock.step(-60)
    await kit.clock.advance(30)
    for moment, kind in ((130, "pending"), (150, "paused"), (190, "paused")):
        assert kinds(await why(kit, at(moment)))[0] == kind
    await kit.stop()


async def test_a_step_that_comes_during_the_resume_brings_no_pause_back(tmp_path: Path) -> None:
    for turns in range(40):
        world = World("memory", tmp_path)
        worker = Worker()
        kit = await Kit([worker.group], world=world).start()
        await kit.clock.advance(15)
        await kit.engine.pause_engine(reason="a look")
        await kit.clock.advance(5)
        kit.clock.step(-60)
        resumed = asyncio.ensure_future(kit.engine.resume_engine())
        for _ in range(turns):
            await asyncio.sleep(0)
        kit.running.watch.check()
        await resumed
        await kit.clock.advance(20)
        live = kit.running.core.jobs.named("g/work")
        assert (kit.running.halt.now, kit.running.core.halted, live.halted) == (None, "", ""), turns
        kit = await Kit([worker.group], world=world, clock=KitClock(await kit.crash())).start()
        assert kit.running.halt.now is None, turns
        await kit.stop()
