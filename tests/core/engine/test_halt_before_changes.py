"""What was due before the whole engine was paused, of jobs that are changed before its resume."""

from __future__ import annotations

import re

import pytest
from engine_kit import Kit, KitClock, Worker, World, at, check, due_s
from explain_kit import kinds, why

from schedtui import Group
from schedtui.models import FactKind, JobPatch, RunState
from schedtui.triggers import Every

SEVEN = {"type": "every", "seconds": 7}
DOWN = re.compile(r"found \d+\.0 s late, past its grace of 60 s: the engine did not run from .*")


def functions() -> Group:
    group = Group("g")

    @group.function
    async def work() -> None: ...

    return group


async def paused_start_after(world: World, down_s: float, every_s: float = 10) -> tuple[Kit, int]:
    """An engine that was killed at 15, and started paused after a while; its dynamic job."""
    kit = await Kit([functions()], world=world).start()
    job = await kit.engine.create_job(
        function="g/work", name="work", trigger=Every(every_s), catch_up="latest"
    )
    await kit.clock.advance(15)
    clock = KitClock(await kit.crash())
    clock.step(down_s)
    kit = Kit([functions()], world=world, clock=clock)
    kit.engine.start_paused = True
    return await kit.start(), job.id


async def test_a_pause_names_the_downtime_whose_catch_up_it_prevents(world: World) -> None:
    worker = Worker(catch_up="all", overlap="queue_all")
    kit = await Kit([worker.group], world=world).start()
    await kit.clock.advance(15)
    clock = KitClock(await kit.crash())
    clock.step(300)
    kit = Kit([worker.group], world=world, clock=clock)
    kit.engine.start_paused = True
    await kit.start()
    await kit.clock.advance(3)
    await kit.client.pause_job("g/work", reason="look")
    await kit.engine.resume_engine()
    await kit.client.resume_job("g/work")
    await kit.clock.advance(5)
    rows = (await kit.rows())[1:]
    assert {run.state for run in rows[:-1]} == {RunState.SKIPPED}
    down = "the engine did not run from 2026-03-02T12:00:15Z to 2026-03-02T12:05:15Z"
    assert all(run.reason.startswith(f"paused by local just then: {down}") for run in rows[:30])
    assert worker.done == [10, 320]
    await check(kit, effects=worker.done)
    await kit.stop()


@pytest.mark.parametrize("change", ["paused", "paused until", "changed", "deleted"])
async def test_those_that_are_late_tell_of_the_downtime(world: World, change: str) -> None:
    kit, job_id = await paused_start_after(world, 100)
    await kit.clock.advance(10)
    if change == "paused":
        await kit.engine.pause_job("g/work", actor="ann")
    elif change == "paused until":
        await kit.engine.pause_job("g/work", actor="ann", until=at(140))
    elif change == "changed":
        await kit.engine.edit_job("g/work", JobPatch(trigger=SEVEN), actor="ann")
    else:
        await kit.running.commands.delete("g/work", "ann", expect_id=None)
    rows = await kit.rows(job_id)
    told = {due_s(run): (run.state, run.reason) for run in rows}
    assert list(told) == list(range(10, 130, 10))
    for moment in range(20, 70, 10):
        assert told[moment][0] is RunState.MISSED
        assert DOWN.fullmatch(told[moment][1])
    by = change.partition(" ")[0]
    for moment in range(70, 120, 10):
        assert told[moment][0] is RunState.SKIPPED
        assert told[moment][1].startswith(f"{by} by ann just then: the engine did not run from ")
    held = (RunState.SKIPPED, "engine paused by engine: started paused")
    assert told[120] == held
    assert FactKind.ENGINE_DOWN.value in kinds(await why(kit, at(30)))
    await kit.engine.resume_engine()
    if change != "changed":  # its laws are those of one schedule
        await check(kit)
    await kit.stop()
