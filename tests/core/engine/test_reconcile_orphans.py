"""What was due before a declaration was gone from the code has the reason of that time."""

from __future__ import annotations

import pytest
from engine_kit import Kit, KitClock, World, at, check, due_s
from owed_kit import Calendar, away

from schedtui import Every, Group
from schedtui.models import JobState, RunState
from schedtui.triggers import Trigger

RAN, MISSED, SKIPPED = RunState.SUCCEEDED, RunState.MISSED, RunState.SKIPPED
DOWN = "the engine did not run from 2026-03-02T12:00:15Z to 2026-03-02T12:01:05Z"


def code(trigger: Trigger | Calendar | None) -> Group:
    group = Group("g")

    async def work() -> None: ...

    if trigger is None:
        group.function(work)
    else:
        group.job(trigger=trigger)(work)
    return group


async def next_engine(kit: Kit, down_s: float, group: Group, world: World) -> Kit:
    clock = KitClock(await kit.crash())
    clock.step(down_s)
    return await Kit([group], world=world, clock=clock).start()


async def test_what_was_due_while_no_engine_ran_says_so(world: World) -> None:
    kit = await Kit([code(Every(10))], world=world).start()
    await kit.clock.advance(15)
    kit = await next_engine(kit, 50, code(None), world)
    await kit.clock.advance(30)
    assert kit.running.core.jobs.named("g/work").state is JobState.ORPHANED
    kit = await next_engine(kit, 5, code(Every(10)), world)
    await kit.clock.advance(20)
    rows = await kit.rows()
    assert [(due_s(run), run.state) for run in rows] == [
        (10.0, RAN),
        *((10.0 * n, MISSED) for n in range(2, 7)),
        *((10.0 * n, SKIPPED) for n in range(7, 11)),
        (110.0, RAN),
        (120.0, RAN),
    ]
    assert all(run.reason.startswith(DOWN) for run in rows[1:6])
    assert all(run.reason.startswith("orphaned: ") for run in rows[6:10])
    told = await kit.client.explain("g/work", at(30))
    assert "orphan" not in told.summary
    await check(kit)
    await kit.stop()


@pytest.mark.parametrize("fails", [False, True])
async def test_also_of_a_trigger_that_only_the_code_has(world: World, fails: bool) -> None:
    calendar = Calendar()
    kit = await Kit([code(calendar)], world=world).start()
    await kit.clock.advance(15)
    kit = await next_engine(kit, 50, code(None), world)
    await kit.clock.advance(30)
    calendar.wrong = away if fails else None
    kit = await next_engine(kit, 5, code(calendar), world)
    await kit.clock.advance(5)
    calendar.wrong = None
    rows = {due_s(run): run for run in await kit.rows()}
    known = (20.0,) if fails else (20.0, 30.0, 40.0, 50.0, 60.0)
    assert [rows[due].state for due in known] == [MISSED] * len(known)
    assert all(rows[due].reason.startswith(DOWN) for due in known)
    if fails:
        await kit.client.resume_job("g/work")
    rows = {due_s(run): run for run in await kit.rows()}
    orphan = [rows[due].reason for due in (70.0, 80.0, 90.0)]
    assert orphan == ["orphaned: its declaration was gone from the code"] * 3
    await check(kit)
    await kit.stop()
