"""The whole engine paused: nothing is claimed, everything is accounted for, over restarts too."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_kit import Kit, KitClock, Worker, World, at, check, due_s, running

from schedtui import Group
from schedtui.errors import InvalidError, StoreDataError, StoreUnavailableError
from schedtui.models import JobPatch, RunState, Source
from schedtui.triggers import Every

HELD = "engine paused by ann: move"


async def halted(kit: Kit) -> None:
    await kit.engine.pause_engine(reason="move", actor="ann")


async def test_nothing_is_claimed_and_at_the_resume_all_of_it_is_skipped(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        await kit.clock.advance(20)
        await halted(kit)
        await kit.clock.advance(35)
        assert [due_s(run) for run in await kit.rows()] == [10, 20]
        info = await kit.engine.resume_engine(actor="bob")
        await kit.clock.advance(10)

        assert not info.paused
        rows = await kit.rows()
        assert [(due_s(run), run.state, run.reason) for run in rows if run.reason] == [
            (30, RunState.SKIPPED, HELD),
            (40, RunState.SKIPPED, HELD),
            (50, RunState.SKIPPED, HELD),
        ]
        assert [due_s(run) for run in rows if run.state is RunState.SUCCEEDED] == [10, 20, 60]
        await check(kit, effects=worker.done)


async def test_it_is_told_who_why_and_since_when(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        cursor = kit.running.core.hub.cursor
        await kit.clock.advance(5)
        await halted(kit)
        await kit.engine.pause_engine(reason="again", actor="bob")
        info = await kit.client.info()
        frame = await kit.running.core.hub.after(cursor)

        assert (info.paused, info.paused_by, info.pause_reason) == (True, "ann", "move")
        assert info.paused_since == at(5)
        assert frame.engine is not None
        assert frame.engine.paused
        await kit.engine.resume_engine(actor="bob")
        await kit.engine.resume_engine(actor="eve")
        again = await kit.client.info()
        assert (again.paused, again.paused_by, again.paused_since) == (False, "", None)
        said = [(one.action, one.actor) for one in (await kit.client.audit()).items[:2]]
        assert said == [("engine.resume", "bob"), ("engine.pause", "ann")]


async def test_it_outlives_a_crash(world: World) -> None:
    worker = Worker()
    kit = await Kit([worker.group], world=world).start()
    await kit.clock.advance(10)
    await halted(kit)
    await kit.clock.advance(10)
    stopped = await kit.crash()

    clock = KitClock(stopped)
    async with running(worker.group, world=world, clock=clock) as kit:
        await kit.clock.advance(25)
        info = await kit.client.info()
        assert (info.paused, info.paused_by, info.paused_since) == (True, "ann", at(10))
        assert [due_s(run) for run in await kit.rows()] == [10]
        await kit.engine.resume_engine()
        await kit.clock.advance(10)
        told = [(due_s(run), run.reason) for run in await kit.rows()]
        assert told == [(10, ""), (20, HELD), (30, HELD), (40, HELD), (50, "")]
        await check(kit, effects=worker.done)


async def test_a_paused_job_keeps_its_own_reason(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def one() -> None: ...

    @group.job(every=10)
    async def two() -> None: ...

    async with running(group, world=world) as kit:
        await kit.engine.pause_job("g/one", reason="own", actor="eve")
        await halted(kit)
        await kit.clock.advance(25)
        await kit.engine.resume_engine()
        assert {run.job for run in await kit.rows()} == {"g/two"}
        await kit.engine.resume_job("g/one")
        reasons = {(run.job, run.reason) for run in await kit.rows()}
        assert reasons == {("g/one", "paused by eve: own"), ("g/two", HELD)}
        await check(kit)


async def test_a_long_pause_is_a_hundred_rows_and_one_for_the_rest(world: World) -> None:
    group = Group("g")

    @group.job(every=1)
    async def often() -> None: ...

    async with running(group, world=world) as kit:
        await halted(kit)
        await kit.clock.advance(3_600)
        await kit.engine.resume_engine()

        rows = await kit.rows()
        assert len(rows) == 101
        assert (rows[0].range_from, rows[0].range_count) == (at(1), 3_500)
        assert {(run.state, run.reason) for run in rows} == {(RunState.SKIPPED, HELD)}
        await check(kit)


async def test_manual_triggers_still_work_and_what_was_claimed_goes_on(world: World) -> None:
    worker = Worker(overlap="queue_all")
    worker.gate.clear()
    async with running(worker.group, world=world) as kit:
        await kit.clock.advance(20)
        await halted(kit)
        run = await kit.client.trigger_job("g/work")
        worker.gate.set()
        await kit.clock.advance(15)

        assert (await kit.client.run(run.id)).state is RunState.SUCCEEDED
        assert [(one.source, one.state) for one in await kit.rows()] == [
            (Source.SCHEDULE, RunState.SUCCEEDED),
            (Source.SCHEDULE, RunState.SUCCEEDED),
            (Source.MANUAL, RunState.SUCCEEDED),
        ]


CHANGES: dict[str, Any] = {
    "edit": lambda kit: kit.client.edit_job(
        "g/work", JobPatch(trigger={"type": "every", "seconds": 7})
    ),
    "pause and resume": lambda kit: pause_and_resume(kit),
    "delete": lambda kit: kit.client.delete_job("g/work"),
}


async def pause_and_resume(kit: Kit) -> None:
    await kit.client.pause_job("g/work")
    await kit.client.resume_job("g/work")


@pytest.mark.parametrize("change", CHANGES)
async def test_a_job_that_is_changed_meanwhile_is_accounted_for_then(
    world: World, change: str
) -> None:
    worker = Worker()
    async with running(world=world) as kit:
        group = Group("g")
        group.function("work")(worker.work)
        kit.engine.registry.add(group)
        job = await kit.engine.create_job(function="g/work", trigger=Every(10))
        await kit.clock.advance(10)
        await halted(kit)
        await kit.clock.advance(15)
        await CHANGES[change](kit)
        await kit.clock.advance(15)
        await kit.engine.resume_engine()
        await kit.clock.advance(10)

        assert kit.store.illegal == []
        rows = [run for run in await kit.rows(job.id) if run.state is RunState.SKIPPED]
        assert due_s(rows[0]) == 20
        assert len({due_s(run) for run in rows}) == len(rows)
        assert rows[0].reason == HELD
        if change != "delete":
            after = at(25) if change == "edit" else at(0)
            await check(kit, after=after, effects=worker.done)


async def test_new_jobs_are_held_too(world: World) -> None:
    worker = Worker()
    async with running(world=world) as kit:
        group = Group("g")
        group.function("work")(worker.work)
        kit.engine.registry.add(group)
        await halted(kit)
        await kit.engine.create_job(function="g/work", trigger=Every(10))
        await kit.clock.advance(10)
        assert await kit.rows() == []
        await kit.engine.resume_engine()
        await kit.clock.advance(10)
        assert [run.reason for run in await kit.rows()] == [HELD, ""]


async def test_what_was_due_before_the_pause_runs(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        kit.running.claims.close()
        await kit.clock.advance(10)
        kit.running.claims._open = True  # without a tick
        await halted(kit)
        await kit.clock.advance(1)
        assert [(due_s(run), run.state) for run in await kit.rows()] == [(10, RunState.SUCCEEDED)]


@pytest.mark.parametrize("call", ["pause_engine", "resume_engine"])
async def test_a_store_that_fails_changes_nothing(world: World, call: str) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        if call == "resume_engine":
            await halted(kit)
            await kit.clock.advance(10)
        kit.faults.once("pause_engine", StoreUnavailableError("full"))
        with pytest.raises(StoreUnavailableError):
            await getattr(kit.engine, call)()
        assert (await kit.client.info()).paused is (call == "resume_engine")
        await kit.clock.advance(20)
        if call == "resume_engine":
            await kit.engine.resume_engine()
        await kit.clock.advance(10)
        await check(kit, effects=worker.done)


async def test_one_job_whose_rows_are_refused_does_not_keep_the_engine_paused(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def one() -> None: ...

    @group.job(every=10)
    async def two() -> None: ...

    async with running(group, world=world) as kit:
        await halted(kit)
        await kit.clock.advance(15)
        refusals = iter((True, True, False))

        def refuse() -> None:
            if next(refusals, False):
                raise StoreDataError("refused")

        kit.faults.hooks["claim"] = refuse
        await kit.engine.resume_engine()
        await kit.clock.advance(10)
        assert not (await kit.client.info()).paused
        told = {(run.job, due_s(run), run.state) for run in await kit.rows()}
        assert ("g/two", 10, RunState.SKIPPED) in told
        assert ("g/one", 20, RunState.SUCCEEDED) in told
        await check(kit)


async def test_an_engine_can_start_paused(world: World) -> None:
    worker = Worker(run_on_startup=True)
    kit = Kit([worker.group], world=world)
    kit.engine.start_paused = True
    await kit.start()
    await kit.clock.advance(25)
    assert await kit.rows() == []
    assert (await kit.client.info()).pause_reason == "started paused"
    await kit.engine.resume_engine()
    await kit.clock.advance(10)
    assert [run.state for run in await kit.rows()] == [
        RunState.SKIPPED,
        RunState.SKIPPED,
        RunState.SUCCEEDED,
    ]
    await kit.stop()


async def test_a_reason_has_an_end_and_a_caller_may_go_away(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        with pytest.raises(InvalidError, match="1000 characters"):
            await kit.engine.pause_engine(reason="x" * 1_001)
        task = asyncio.create_task(kit.engine.pause_engine())
        await asyncio.sleep(0)
        task.cancel()
        await kit.clock.settle()
        await kit.until(lambda: kit.running.halt.now is not None)
        await kit.engine.resume_engine()
        await kit.clock.advance(10)
        assert len(worker.done) == 1


@pytest.mark.parametrize("when", ["before", "after", "commit", "committed"])
@pytest.mark.parametrize("method", ["pause_engine", "claim"])
async def test_a_kill_during_the_resume_loses_and_doubles_nothing(
    world: World, method: str, when: str
) -> None:
    worker = Worker()
    kit = await Kit([worker.group], world=world).start()
    await halted(kit)
    await kit.clock.advance(15)
    kit.faults.crash(method, when)
    call = asyncio.create_task(kit.engine.resume_engine())
    await kit.until(lambda: kit.store.dead)
    stopped = await kit.crash()
    call.cancel()

    async with running(worker.group, world=world, clock=KitClock(stopped)) as kit:
        resumed = method == "pause_engine" and when == "committed"
        assert (await kit.client.info()).paused is not resumed
        await kit.engine.resume_engine()
        await kit.clock.advance(10)
        assert [(due_s(run), run.reason) for run in await kit.rows()] == [(10, HELD), (20, "")]
        await check(kit, effects=worker.done)
