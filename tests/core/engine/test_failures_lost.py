"""Runs that are lost with their engine count as failures in a row, also for the engines to come."""

from __future__ import annotations

import asyncio

import pytest
from engine_kit import Kit, KitClock, World, at, running

from schedtui import Group
from schedtui.models import RunState


def hanging(**policies: object) -> Group:
    group = Group("g")

    @group.job(every=10, **policies)  # type: ignore[arg-type]  # a policy by its name
    async def work() -> None:
        await asyncio.Event().wait()

    return group


async def lost(world: World, group: Group, times: int, clock: KitClock | None = None) -> KitClock:
    """So many engines, one after the other, that die while a run of theirs runs."""
    for _ in range(times):
        kit = await Kit([group], world=world, clock=clock).start()
        await kit.clock.settle()
        await kit.clock.advance(11)
        clock = KitClock(await kit.crash())
    assert clock is not None
    return clock


async def test_a_job_whose_runs_are_lost_again_and_again_is_paused(world: World) -> None:
    group = hanging(pause_after_failures=3)
    clock = await lost(world, group, 2)
    clock = await lost(world, group, 1, clock)
    async with running(group, world=world, clock=clock) as kit:
        await kit.clock.settle()
        job = await kit.client.job("g/work")
        assert (job.failures, job.paused, job.paused_by) == (3, True, "engine")
        assert job.pause_reason == "3 runs failed in a row"
        assert {run.state for run in await kit.rows(job.id)} <= {RunState.LOST, RunState.SKIPPED}


async def test_several_lost_runs_of_one_engine_count_each(world: World) -> None:
    group = hanging(pause_after_failures=9, overlap="allow")
    kit = await Kit([group], world=world).start()
    await kit.clock.advance(31)
    async with running(group, world=world, clock=KitClock(await kit.crash())) as kit:
        assert kit.running.core.jobs.named("g/work").failures == 3
        stored = await asyncio.to_thread(kit.store.inner.jobs)
        assert [job.failures for job in stored] == [3]


@pytest.mark.parametrize("when", ["after", "commit", "committed"])
async def test_the_count_is_written_with_the_ends_or_not_at_all(world: World, when: str) -> None:
    group = hanging(pause_after_failures=9)
    clock = await lost(world, group, 1)
    second = Kit([group], world=world, clock=clock)
    second.faults.crash("finish", when)
    starting = asyncio.ensure_future(second.start())
    await second.until(lambda: second.store.dead)
    starting.cancel()
    second.store.release()
    await asyncio.wait([starting])
    second.store.inner.close()
    async with running(group, world=world, clock=KitClock(at(11))) as kit:
        assert kit.running.core.jobs.named("g/work").failures == 1
