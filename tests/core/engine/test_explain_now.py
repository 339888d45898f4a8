"""Asked without a moment: what keeps a job from firing now is told, due or not."""

from __future__ import annotations

import pytest
from engine_kit import KitClock, World, running
from explain_kit import Held, kinds, text, why
from once_kit import Guarded

from schedtui import Every, Group
from schedtui.models import FactKind


@pytest.mark.parametrize("after_s", [5, 130])
async def test_a_paused_job_and_a_paused_engine(world: World, after_s: float) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(after_s)
        await kit.engine.pause_job("g/work", reason="tax day", actor="ann")
        await kit.engine.pause_engine(reason="move", actor="bob")
        told = await why(kit)
        assert "paused by ann: tax day" in text(told, FactKind.PAUSED)
        assert "the engine was paused by bob: move" in text(told, FactKind.PAUSED)
        assert told.ran is (after_s > 100)
        if not told.ran:
            assert "not due at 2026-03-02 12:00:05 UTC: paused by ann: tax day" in told.summary
            assert kinds(told) == ["paused", "paused", "not_due"]
        assert "paused" not in kinds(await why(kit, "12:00:01"))
        await kit.engine.resume_job("g/work")
        await kit.engine.resume_engine()
        assert "paused" not in kinds(await why(kit))


async def test_a_pause_that_took_the_newest_due_time_is_told_once(world: World) -> None:
    job = Held()
    async with running(job.group, world=world) as kit:
        await kit.engine.pause_job("g/work", actor="ann")
        await kit.clock.advance(130)
        await kit.engine.pause_engine(actor="bob")
        told = await why(kit)
    assert kinds(told) == ["paused", "paused"]


async def test_an_orphan(world: World) -> None:
    job, clock = Held(every=3_600), KitClock()
    async with running(job.group, world=world, clock=clock) as kit:
        await kit.clock.advance(30)
    left = Group("g")
    async with running(left, world=world, clock=clock) as kit:
        told = await why(kit)
    assert kinds(told)[0] == "orphaned"
    assert "its declaration was gone from the code" in told.summary


async def test_a_broken_job(world: World) -> None:
    group = Group("g")

    class Breaks(Every):
        def next_after_us(self, us: int) -> int | None:
            raise RuntimeError(f"no luck at {us}")

    group.job(trigger=Breaks(3_600), name="work")(lambda: None)
    async with running(group, world=world) as kit:
        told = await why(kit)
    assert "no luck" in text(told, FactKind.BROKEN)


async def test_a_run_of_the_same_period_is_told_as_such(world: World) -> None:
    jobs = Guarded()
    async with running(jobs.group, world=world) as kit:
        await kit.clock.advance(21)
        told = await why(kit, None, "g/clean")
    assert kinds(told) == ["once", "once"]
    assert "succeeded" in text(told, FactKind.ONCE)
