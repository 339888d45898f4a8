"""What is said of due times from before a pause of the whole engine."""

from __future__ import annotations

from engine_kit import Kit, KitClock, World, at, due_s
from explain_kit import kinds, text, why

from schedtui import Group
from schedtui.models import FactKind, RunState


def work_every(seconds: float) -> Group:
    group = Group("g")

    @group.job(every=seconds)
    async def work() -> None: ...

    return group


async def paused_start_after(world: World, down_s: float, *, up_s: float, every_s: float) -> Kit:
    kit = await Kit([work_every(every_s)], world=world).start()
    await kit.clock.advance(up_s)
    clock = KitClock(await kit.crash())
    clock.step(down_s)
    kit = Kit([work_every(every_s)], world=world, clock=clock)
    kit.engine.start_paused = True
    return await kit.start()


async def test_those_that_wait_for_the_resume_say_so(world: World) -> None:
    kit = await paused_start_after(world, 20, up_s=25, every_s=10)
    await kit.clock.advance(20)
    for moment in (30, 40):
        told = await why(kit, at(moment))
        assert kinds(told)[0] == "pending"
        assert text(told, FactKind.PENDING) == (
            "it is decided when the engine, paused by engine since 2026-03-02 12:00:45 UTC, "
            "is resumed"
        )
    assert kinds(await why(kit, at(50)))[0] == "paused"
    await kit.engine.resume_engine()
    assert "pending" not in kinds(await why(kit, at(30)))
    await kit.stop()


async def test_those_of_a_job_that_is_itself_paused_do_not_wait_for_it(world: World) -> None:
    kit = await paused_start_after(world, 20, up_s=25, every_s=10)
    await kit.client.pause_job("g/work")
    assert "pending" not in kinds(await why(kit, at(30)))
    await kit.stop()


async def test_lateness_that_the_pause_made_is_told_of_it(world: World) -> None:
    kit = await paused_start_after(world, 10, up_s=595, every_s=600)
    await kit.clock.advance(310)
    await kit.engine.resume_engine()
    await kit.clock.settle()
    (run,) = await kit.rows()
    assert (due_s(run), run.state) == (600, RunState.MISSED)
    assert run.reason == (
        "found 315.0 s late, past its grace of 60 s: the engine did not run from "
        "2026-03-02T12:09:55Z to 2026-03-02T12:10:05Z (it did not stop in order); "
        "then engine paused by engine: started paused, since 2026-03-02T12:10:05Z"
    )
    told = await why(kit, at(600))
    assert ("engine_down" in kinds(told), "paused" in kinds(told)) == (True, True)
    (fact,) = [fact for fact in told.facts if fact.kind is FactKind.PAUSED]
    assert (fact.actor, fact.since) == ("engine", at(605))
    await kit.stop()
