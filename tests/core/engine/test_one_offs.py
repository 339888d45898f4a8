"""One-off jobs by their name: replaced, cancelled and listed, also while they fire."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_commands import Editable
from engine_kit import Kit, KitClock, World, at, check, running

from schedtui import Once
from schedtui.errors import InvalidError, JobNotFoundError
from schedtui.models import Job, JobState, RunState

KEY = "mail-17"


async def once(kit: Kit, due_s: float, n: int = 1, **settings: Any) -> Job:
    return await kit.engine.create_job(
        function="g/work",
        trigger=Once(at(due_s)),
        name=KEY,
        kwargs={"n": n},
        replace=True,
        **settings,
    )


async def busy(kit: Kit, jobs: Editable) -> None:
    """The only slot is taken, until the gate opens."""
    jobs.gate.clear()
    await kit.engine.run_function("g/work", {"n": 0})
    await kit.clock.settle()


async def test_a_replaced_one_runs_once_at_its_new_time_with_its_new_arguments(
    world: World,
) -> None:
    jobs = Editable()
    async with running(jobs.group, world=world) as kit:
        first = await once(kit, 10)
        second = await once(kit, 20, 2)
        third = await once(kit, 15, 3)
        assert (second.id, third.id) == (first.id, first.id)
        await kit.clock.advance(30)
        assert jobs.done == [(f"g/{KEY}", at(15))]
        assert jobs.kwargs == [3]
        assert (await kit.client.job(f"g/{KEY}")).next_due is None
        await check(kit)


async def test_one_that_has_fired_fires_again_at_its_new_time(world: World) -> None:
    jobs = Editable()
    async with running(jobs.group, world=world) as kit:
        first = await once(kit, 10)
        await kit.clock.advance(12)
        again = await once(kit, 20, 2)
        assert (again.id, again.next_due) == (first.id, at(20))
        await kit.clock.advance(30)
        assert jobs.done == [(f"g/{KEY}", at(10)), (f"g/{KEY}", at(20))]
        assert [run.kwargs for run in await kit.rows(first.id)] == [{"n": 1}, {"n": 2}]
        assert kit.store.illegal == []


@pytest.mark.parametrize("early", [True, False])
async def test_replacing_races_with_the_firing(world: World, *, early: bool) -> None:
    """It is replaced before, or after it has fired; it never runs twice for one time."""
    jobs = Editable()
    async with running(jobs.group, world=world) as kit:
        job = await once(kit, 10)
        await kit.clock.advance(9)
        both = [kit.clock.advance(1), once(kit, 20, 2)]
        await asyncio.gather(*(both[::-1] if early else both))
        await kit.clock.advance(20)
        assert jobs.done[-1] == (f"g/{KEY}", at(20))
        assert jobs.kwargs in ([2], [1, 2])
        rows = await kit.rows(job.id)
        assert len(rows) == len(jobs.done)
        assert len(set(jobs.done)) == len(jobs.done)
        assert kit.store.illegal == []


async def test_one_that_is_due_and_waits_for_a_slot_is_replaced(world: World) -> None:
    jobs = Editable()
    async with running(jobs.group, world=world, async_slots=1) as kit:
        job = await once(kit, 10)
        await busy(kit, jobs)
        await kit.clock.advance(12)
        (queued,) = await kit.rows(job.id)
        assert queued.state is RunState.QUEUED
        await once(kit, 10 + 10, 2)
        jobs.gate.set()
        await kit.clock.advance(20)
        first, second = await kit.rows(job.id)
        assert first.state is RunState.CANCELLED
        assert first.reason == "its one-off job was replaced by python before it started"
        assert second.state is RunState.SUCCEEDED
        assert jobs.kwargs == [0, 2]
        live = kit.running.core.jobs.named(f"g/{KEY}")
        assert (live.active, live.running, live.holders) == (0, {}, 0)
        assert kit.store.illegal == []


async def test_one_that_starts_just_then_is_not_cancelled(world: World) -> None:
    jobs = Editable()
    async with running(jobs.group, world=world, async_slots=1) as kit:
        job = await once(kit, 10)
        await busy(kit, jobs)
        await kit.clock.advance(12)
        jobs.gate.set()
        await asyncio.gather(asyncio.sleep(0), once(kit, 20, 2))
        await kit.clock.advance(20)
        rows = await kit.rows(job.id)
        ran = [run.kwargs["n"] for run in rows if run.state is RunState.SUCCEEDED]
        assert jobs.kwargs == [0, *ran]
        assert {run.state for run in rows} <= {RunState.SUCCEEDED, RunState.CANCELLED}
        assert ran[-1] == 2
        assert kit.store.illegal == []


async def test_the_same_once_more_changes_nothing_while_it_waits() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        first = await once(kit, 10)
        assert (await once(kit, 10)).version == first.version
        await kit.clock.advance(20)
        assert len(jobs.done) == 1
        with pytest.raises(InvalidError, match="due at least once from now on"):
            await once(kit, 10)


async def test_calls_that_race_make_one_job() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        made = await asyncio.gather(*(once(kit, 10 + n, n) for n in range(5)))
        assert len({job.id for job in made}) == 1
        await kit.clock.advance(20)
        assert len(jobs.done) == 1


async def test_replacing_races_with_a_deletion() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        for _ in range(3):
            await once(kit, 10)
            made, _ = await asyncio.gather(once(kit, 20, 2), kit.engine.remove_job(f"g/{KEY}"))
            assert made.next_due == at(20)
        made, _ = await asyncio.gather(once(kit, 30, 3), asyncio.sleep(0))
        await kit.clock.advance(40)
        assert jobs.kwargs == [3]


async def test_a_cancelled_one_never_runs(world: World) -> None:
    jobs = Editable()
    async with running(jobs.group, world=world) as kit:
        job = await once(kit, 10)
        await kit.clock.advance(9)
        await kit.engine.remove_job(f"g/{KEY}")
        await kit.clock.advance(20)
        assert jobs.done == []
        assert await kit.rows(job.id) == []
        with pytest.raises(JobNotFoundError):
            await kit.engine.remove_job(f"g/{KEY}")


async def test_a_cancelled_one_never_runs_even_if_its_run_is_queued(world: World) -> None:
    jobs = Editable()
    async with running(jobs.group, world=world, async_slots=1) as kit:
        job = await once(kit, 10)
        await busy(kit, jobs)
        await kit.clock.advance(12)
        await kit.engine.remove_job(f"g/{KEY}")
        jobs.gate.set()
        await kit.clock.advance(20)
        (run,) = await kit.rows(job.id)
        assert (run.state, run.reason) == (RunState.CANCELLED, "its job was deleted by python")
        assert jobs.kwargs == [0]


async def test_those_to_come_are_listed() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        await once(kit, 10)
        settings: dict[str, Any] = {"function": "g/work", "kwargs": {"n": 2}}
        await kit.engine.create_job(trigger=Once(at(30)), name="later", **settings)
        await kit.engine.create_job(trigger={"type": "every", "seconds": 7}, **settings)
        await kit.clock.advance(12)
        coming = [
            (job.name, job.next_due)
            for job in (await kit.client.jobs()).items
            if job.trigger["type"] == "once" and job.next_due is not None
        ]
        assert coming == [("later", at(30))]
        states = {row.name: row.state for row in (await kit.client.snapshot()).jobs}
        assert states[KEY] is JobState.FINISHED


async def test_one_outlives_a_kill_and_is_not_doubled(world: World) -> None:
    jobs = Editable()
    kit = await Kit([jobs.group], world=world).start()
    job = await once(kit, 10)
    await once(kit, 20, 2)
    clock = KitClock(await kit.crash())
    clock.step(25)
    kit = await Kit([jobs.group], world=world, clock=clock).start()
    try:
        await kit.clock.advance(5)
        (run,) = await kit.rows(job.id)
        assert (run.scheduled_for, run.state) == (at(20), RunState.SUCCEEDED)
        assert jobs.kwargs == [2]
        await check(kit)
    finally:
        await kit.stop()
