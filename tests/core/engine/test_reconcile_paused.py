"""A declaration that says paused from now on: what was due before is decided by what held then."""

from __future__ import annotations

from typing import Any

from engine_kit import KitClock, World, at, check, due_s, running
from explain_kit import kinds, why

from schedtui import Group
from schedtui.models import RunState


def code(**settings: Any) -> Group:
    group = Group("g")

    @group.job(every=10, **settings)
    async def work() -> None: ...

    return group


async def test_a_pause_that_is_added_to_a_declaration_takes_no_due_time_before_it(
    world: World,
) -> None:
    async with running(code(), world=world) as kit:
        await kit.clock.advance(25)
    async with running(code(paused=True), world=world, clock=KitClock(at(100))) as kit:
        await kit.clock.advance(45)
        await kit.client.resume_job("g/work")
        await kit.clock.advance(10)
        rows = [(due_s(run) or 0, run.state, run.reason) for run in await kit.rows()]
        down = [row for row in rows if 20 < row[0] <= 100]
        assert [row[:2] for row in down] == [(s, RunState.MISSED) for s in range(30, 110, 10)]
        assert all("the engine did not run" in reason for *_, reason in down), down
        held = [row for row in rows if 100 < row[0] < 150]
        assert held == [
            (s, RunState.SKIPPED, "paused by its declaration") for s in range(110, 150, 10)
        ]
        assert rows[-1][:2] == (150, RunState.SUCCEEDED)
        because = await why(kit, at(60))
        assert ("engine_down" in kinds(because), "paused" in kinds(because)) == (True, False)
        await check(kit)


async def test_a_pause_that_is_added_to_a_declaration_leaves_the_engine_its_own(
    world: World,
) -> None:
    async with running(code(), world=world) as kit:
        await kit.clock.advance(25)
        await kit.engine.pause_engine(reason="halt", actor="ann")
        await kit.clock.advance(30)
    async with running(code(paused=True), world=world, clock=KitClock(at(100))) as kit:
        await kit.clock.advance(45)
        await kit.engine.resume_engine()
        await kit.client.resume_job("g/work")
        told = [(due_s(run) or 0, run.state, run.reason) for run in await kit.rows()]
    held, declared = "engine paused by ann: halt", "paused by its declaration"
    assert told[2:] == [
        *((s, RunState.SKIPPED, held) for s in range(30, 110, 10)),
        *((s, RunState.SKIPPED, declared) for s in range(110, 150, 10)),
    ]
