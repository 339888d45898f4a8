"""Functions that are run once without a job."""

from __future__ import annotations

import asyncio

import pytest
from engine_kit import Kit, KitClock, World, running

from schedtui import Group, current_run, log
from schedtui.errors import (
    ConflictError,
    FunctionNotFoundError,
    InvalidArgumentsError,
    StoreUnavailableError,
)
from schedtui.models import JobPatch, RunFilter, RunState, Source
from schedtui.triggers import Every


class Work:
    def __init__(self, **policies: object) -> None:
        self.group = Group("g", **policies)  # type: ignore[arg-type]  # policies by name
        self.gate = asyncio.Event()
        self.gate.set()
        self.done: list[tuple[str, int]] = []
        self.fails = 0
        self.group.function("say")(self.say)
        self.group.job(every=10, name="own", register=False)(self.own)

    async def say(self, n: int = 1) -> int:
        log("saying", n=n)
        await self.gate.wait()
        self.done.append((current_run().job, n))
        if self.fails:
            self.fails -= 1
            raise ValueError("not yet")
        return n

    async def own(self) -> None: ...


async def test_it_runs_and_its_row_is_called_as_the_function(world: World) -> None:
    work = Work()
    async with running(work.group, world=world) as kit:
        run = await kit.engine.run_function("g/say", {"n": 5}, actor="ann")
        await kit.clock.settle()
        done = await kit.client.run(run.id)

        assert (done.state, done.result, done.kwargs) == (RunState.SUCCEEDED, "5", {"n": 5})
        assert (done.job_id, done.job, done.function) == (0, "g/say", "g/say")
        assert (done.source, done.actor, done.scheduled_for) == (Source.MANUAL, "ann", None)
        assert work.done == [("g/say", 5)]
        event = (await kit.client.audit(limit=1)).items[0]
        assert (event.action, event.object, event.actor) == ("function.run", "g/say", "ann")
        await kit.until(lambda: kit.idle)
        hits = await kit.client.search_logs("saying")
        assert [(hit.run_id, hit.job) for hit in hits] == [(run.id, "g/say")]


async def test_there_is_no_job_of_it_anywhere(world: World) -> None:
    work = Work()
    async with running(work.group, world=world) as kit:
        cursor = kit.running.core.hub.cursor
        await kit.engine.run_function("g/say")
        await kit.clock.settle()

        assert [row.full_name for row in (await kit.client.snapshot()).jobs] == ["g/own"]
        assert [job.name for job in (await kit.client.jobs()).items] == ["own"]
        assert (await kit.client.info()).jobs == 1
        frame = await kit.running.core.hub.after(cursor)
        assert frame.jobs == ()
        assert {change.job_id for change in frame.runs} == {0}
        job = await kit.engine.create_job(function="g/say", trigger=Every(10), name="say")
        await kit.client.trigger_job("g/say")
        await kit.client.edit_job("g/say", JobPatch(name="renamed"))
        assert job.id != 0
        assert [run.job for run in await kit.rows()] == ["g/say", "g/renamed"]
        mine = await asyncio.to_thread(
            kit.store.runs, RunFilter(job_id=job.id), limit=9, before=None
        )
        assert len(mine) == 1


async def test_many_go_side_by_side_and_can_be_ended(world: World) -> None:
    work = Work()
    work.gate.clear()
    async with running(work.group, world=world, async_slots=2) as kit:
        runs = [await kit.engine.run_function("g/say", {"n": n}) for n in range(3)]
        await kit.clock.settle()
        states = [(await kit.client.run(run.id)).state for run in runs]
        assert states == [RunState.RUNNING, RunState.RUNNING, RunState.QUEUED]
        for run in (runs[2], runs[0]):
            await kit.client.cancel_run(run.id)
        await kit.clock.settle()
        work.gate.set()
        await kit.clock.settle()
        states = [(await kit.client.run(run.id)).state for run in runs]
        assert states == [RunState.CANCELLED, RunState.SUCCEEDED, RunState.CANCELLED]
        assert work.done == [("g/say", 1)]


async def test_the_policies_of_its_group_hold(world: World) -> None:
    work = Work(retries=2, retry_delay_s=5, retry_jitter=0, pause_after_failures=1)
    work.fails = 1
    async with running(work.group, world=world) as kit:
        run = await kit.engine.run_function("g/say")
        await kit.clock.settle()
        assert (await kit.client.run(run.id)).state is RunState.QUEUED
        await kit.clock.advance(5)
        done = await kit.client.run(run.id)
        assert (done.state, done.attempt) == (RunState.SUCCEEDED, 2)
        assert [one.number for one in await kit.client.attempts(run.id)] == [1, 2]


async def test_it_can_be_run_again(world: World) -> None:
    work = Work()
    async with running(work.group, world=world) as kit:
        run = await kit.engine.run_function("g/say", {"n": 3})
        await kit.clock.settle()
        again = await kit.client.rerun(run.id)
        await kit.clock.settle()
        assert (again.job_id, again.parent_id, again.source) == (0, run.id, Source.RERUN)
        assert work.done == [("g/say", 3), ("g/say", 3)]
        with pytest.raises(ConflictError):
            await kit.client.cancel_run(again.id)


async def test_after_a_crash_what_waited_runs_and_what_ran_is_lost(world: World) -> None:
    work = Work()
    work.gate.clear()
    kit = await Kit([work.group], world=world, async_slots=1).start()
    ran = await kit.engine.run_function("g/say", {"n": 1})
    waited = await kit.engine.run_function("g/say", {"n": 2})
    await kit.clock.settle()
    stopped = await kit.crash()
    work.gate.set()

    async with running(work.group, world=world, clock=KitClock(stopped)) as kit:
        await kit.clock.settle()
        assert (await kit.client.run(ran.id)).state is RunState.LOST
        done = await kit.client.run(waited.id)
        assert (done.state, done.result) == (RunState.SUCCEEDED, "2")


async def test_what_cannot_run_is_refused_and_leaves_nothing(world: World) -> None:
    work = Work()
    async with running(work.group, world=world) as kit:
        with pytest.raises(FunctionNotFoundError):
            await kit.engine.run_function("g/none")
        with pytest.raises(FunctionNotFoundError):
            await kit.engine.run_function("g/own")  # registered for its job alone
        with pytest.raises(InvalidArgumentsError):
            await kit.engine.run_function("g/say", {"n": "x"})
        kit.faults.once("insert_runs", StoreUnavailableError("full"))
        with pytest.raises(StoreUnavailableError):
            await kit.engine.run_function("g/say")
        assert await kit.rows() == []
        await kit.engine.run_function("g/say")
        await kit.clock.settle()
        assert work.done == [("g/say", 1)]
