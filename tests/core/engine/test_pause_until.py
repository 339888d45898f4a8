"""A pause with an end is over then, whoever is there to see it: what is due later is the job's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from engine_kit import Kit, KitClock, World, at, check, due_s, running
from explain_kit import kinds, why

from schedtui import Group, Once
from schedtui.errors import ConflictError
from schedtui.models import JobPatch, RunState, Source
from schedtui.triggers import Every

LOOK = "paused by ann: look"


def hourly(**words: Any) -> Group:
    """One job that is due at 3,600, at 7,200 and so on."""
    group = Group("g")

    @group.job(every=3_600, **words)
    async def work() -> None: ...

    return group


async def paused_over_a_stop(
    world: World, make: Callable[[], Group], *, until_s: float, stop_s: float, start_s: float
) -> Kit:
    """An engine that was killed while its job was paused, started again."""
    kit = await Kit([make()], world=world).start()
    await kit.engine.pause_job("g/work", reason="look", actor="ann", until=at(until_s))
    await kit.clock.advance(stop_s)
    clock = KitClock(await kit.crash())
    clock.step(start_s - stop_s)
    kit = await Kit([make()], world=world, clock=clock).start()
    await kit.clock.advance(2)
    return kit


async def test_what_is_in_its_grace_runs_when_the_engine_was_down_as_the_pause_ended(
    world: World,
) -> None:
    kit = await paused_over_a_stop(world, hourly, until_s=3_540, stop_s=3_480, start_s=3_605)
    assert await kit.told() == [(Source.SCHEDULE, RunState.SUCCEEDED, 3_600)]
    assert not (await kit.client.job("g/work")).paused
    assert (await why(kit, at(3_600))).ran
    await check(kit)
    await kit.stop()


@pytest.mark.parametrize(
    ("catch_up", "told"),
    [
        ("skip", [(Source.SCHEDULE, RunState.MISSED, 3_600)]),
        ("latest", [(Source.CATCHUP, RunState.SUCCEEDED, 3_600)]),
        ("all", [(Source.CATCHUP, RunState.SUCCEEDED, 3_600)]),
    ],
)
async def test_what_is_due_after_the_end_is_caught_up_with(
    world: World, catch_up: str, told: list[tuple[Source, RunState, float]]
) -> None:
    kit = await paused_over_a_stop(
        world, lambda: hourly(catch_up=catch_up), until_s=1_800, stop_s=1_200, start_s=7_000
    )
    assert await kit.told() == told
    because = await why(kit, at(3_600))
    assert "paused" not in kinds(because)
    assert "engine_down" in kinds(because)
    await check(kit)
    await kit.stop()


async def test_a_pause_up_to_a_due_time_lets_that_one_run(world: World) -> None:
    async with running(hourly(), world=world) as kit:
        await kit.engine.pause_job("g/work", until=at(7_200), reason="look", actor="ann")
        await kit.clock.advance(7_205)
        rows = [(due_s(run), run.state, run.reason) for run in await kit.rows()]
        assert rows == [(3_600, RunState.SKIPPED, LOOK), (7_200, RunState.SUCCEEDED, "")]
        (fact, *_) = (await why(kit, at(3_600))).facts
        assert (fact.since, fact.until) == (at(0), at(7_200))
        assert fact.text.endswith("since 2026-03-02 12:00:00 UTC, until 2026-03-02 14:00:00 UTC")
        await check(kit)


async def test_the_same_where_it_ended_while_the_engine_was_down(world: World) -> None:
    kit = await paused_over_a_stop(world, hourly, until_s=7_200, stop_s=60, start_s=7_210)
    rows = [(due_s(run), run.state, run.reason) for run in await kit.rows()]
    assert rows == [(3_600, RunState.SKIPPED, LOOK), (7_200, RunState.SUCCEEDED, "")]
    assert "until 2026-03-02 14:00:00 UTC" in (await why(kit, at(3_600))).summary
    await check(kit)
    await kit.stop()


async def test_a_clock_that_jumps_over_the_end_does_not_lengthen_the_pause(world: World) -> None:
    async with running(hourly(catch_up="latest"), world=world) as kit:
        await kit.client.pause_job("g/work", until=at(1_800))
        await kit.clock.advance(60)
        kit.clock.step(9_000)
        await kit.clock.advance(3)
        assert await kit.told() == [
            (Source.SCHEDULE, RunState.MISSED, 3_600),
            (Source.CATCHUP, RunState.SUCCEEDED, 7_200),
        ]
        assert "paused" not in kinds(await why(kit, at(7_200)))
        await check(kit)


async def test_a_store_that_is_away_over_the_end_does_not_lengthen_the_pause(world: World) -> None:
    group = Group("g")

    @group.job(every=1, catch_up="all", overlap="queue_all", catch_up_limit=50)
    async def work() -> None: ...

    @group.job(every=1, catch_up="all", overlap="queue_all", catch_up_limit=50)
    async def free() -> None: ...

    async with running(group, world=world) as kit:
        await kit.engine.pause_job("g/work", until=at(2.5), reason="look", actor="ann")
        await kit.clock.advance(2)
        kit.faults.down = True
        await kit.clock.advance(7)
        kit.faults.down = False
        for _ in range(10):
            await kit.clock.advance(1)
        rows = [run for run in await kit.rows() if run.job == "g/work"]
        assert [due_s(run) for run in rows if run.reason == LOOK] == [1, 2]
        assert {run.state for run in rows[2:]} == {RunState.SUCCEEDED}
        await check(kit)


async def test_a_one_off_that_is_due_after_the_end_runs(world: World) -> None:
    group = Group("g")

    @group.function()
    async def work() -> None: ...

    kit = await Kit([group], world=world).start()
    await kit.engine.create_job(
        function="g/work", name="once", trigger=Once(at(100)), catch_up="latest"
    )
    await kit.client.pause_job("g/once", until=at(50))
    await kit.clock.advance(20)
    clock = KitClock(await kit.crash())
    clock.step(300)
    async with running(group, world=world, clock=clock) as kit:
        await kit.clock.advance(2)
        assert await kit.told() == [(Source.CATCHUP, RunState.SUCCEEDED, 100)]


async def test_new_code_at_the_start_that_ends_the_pause_does_not_lengthen_it(world: World) -> None:
    made = iter((hourly(catch_up="latest"), hourly(catch_up="latest", tags=["new"])))
    kit = await paused_over_a_stop(
        world, lambda: next(made), until_s=1_800, stop_s=1_200, start_s=7_000
    )
    job = await kit.client.job("g/work")
    assert (job.paused, job.tags) == (False, ("new",))
    assert await kit.told() == [(Source.CATCHUP, RunState.SUCCEEDED, 3_600)]
    await check(kit)
    await kit.stop()


async def test_a_command_after_the_end_finds_the_job_resumed(world: World) -> None:
    """Also where the engine has not come to it yet: what is due is claimed before the edit."""
    async with running(hourly(), world=world) as kit:
        await kit.engine.pause_job("g/work", until=at(3_000), reason="look", actor="ann")
        kit.running.chores.close()
        await kit.clock.advance(3_605)
        await kit.client.edit_job("g/work", JobPatch(trigger=Every(60).to_json()))
        await kit.clock.advance(60)
        first, *_ = await kit.rows()
        assert (due_s(first), first.state) == (3_600, RunState.SUCCEEDED)
        actions = [(one.action, one.actor) for one in (await kit.client.audit()).items[:2]]
        assert actions == [("job.edit", "local"), ("job.resume", "engine")]


async def test_a_pause_that_ended_long_ago_is_over_when_a_broken_job_is_mended(
    world: World,
) -> None:
    group = Group("g")

    @group.function()
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        await kit.engine.create_job(function="g/work", name="work", trigger=Every(3_600))
        await kit.client.pause_job("g/work", until=at(1_800))
        live = kit.running.core.jobs.named("g/work")
        live.trigger, live.problem = None, "its trigger failed: ValueError: no idea"
        await kit.clock.advance(4_000)
        assert (await kit.client.job("g/work")).paused
        with pytest.raises(ConflictError, match="cannot be resumed"):
            await kit.client.resume_job("g/work")
        await kit.client.edit_job("g/work", JobPatch(trigger=Every(100).to_json()))
        await kit.clock.advance(2)
        job = await kit.client.job("g/work")
        assert not job.paused
        assert job.next_due is not None
        assert job.next_due > at(4_000)
