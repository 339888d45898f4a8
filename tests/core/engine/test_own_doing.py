"""What the engine does of its own accord survives a store that is not there at that moment, and
what is deleted is not run again."""

from __future__ import annotations

import asyncio
import threading

import pytest
from engine_kit import Kit, at, back, running

from schedtui import Cron, Group, Never
from schedtui.models import JobPatch, RunState, Source
from schedtui.policies import make


async def test_a_pause_ends_once_the_store_is_back() -> None:
    group, done = Group("g"), list[float]()

    @group.job(every=10)
    async def work() -> None:
        done.append(1)

    async with running(group) as kit:
        await kit.engine.pause_job("g/work", until=at(30))
        kit.faults.down = True
        await kit.clock.advance(31)
        await back(kit)
        await kit.clock.advance(60)

        assert not (await kit.client.job("g/work")).paused
        assert done


async def test_a_run_on_startup_waits_for_the_store() -> None:
    group, done = Group("g"), list[float]()

    @group.job(every=3_600, run_on_startup=True)
    async def work() -> None:
        done.append(1)

    async def fail() -> None:
        kit.faults.down = True

    kit = Kit([group])
    kit.engine.on_start.append(fail)
    await kit.start()
    try:
        await kit.clock.advance(2)
        assert not done
        kit.faults.down = False
        await kit.clock.advance(20)

        assert [run.source for run in await kit.rows()] == [Source.STARTUP]
        assert len(done) == 1
    finally:
        await kit.stop()


@pytest.mark.parametrize("between", [False, True], ids=["while it runs", "before its commit"])
async def test_a_deleted_job_is_not_tried_again(between: bool) -> None:
    group, gate, calls = Group("g"), asyncio.Event(), list[float]()

    @group.function()
    async def work() -> None:
        calls.append(1)
        await gate.wait()
        raise ValueError("no")

    @group.function()
    async def other() -> None: ...

    async with running(group) as kit:
        made = await kit.engine.create_job(
            function="g/work", trigger=Cron("0 0 1 1 *"), name="w", retries=3, retry_delay_s=10
        )
        run = await kit.engine.trigger_job("g/w")
        await kit.clock.settle()
        if between:
            hold = threading.Event()
            kit.hung = True  # behind the outcome of another run, which is not written yet
            kit.faults.hooks["finish"] = lambda: hold.wait(10)
            asking = asyncio.ensure_future(kit.engine.run_function("g/other"))
            await kit.until(lambda: kit.faults.calls["finish"] == 1)
            gate.set()
            await kit.until(lambda: kit.running.supervisor.unwritten == 2)
            deleting = asyncio.ensure_future(kit.engine.remove_job("g/w"))
            await asyncio.sleep(0.02)
            hold.set()
            await deleting
            await asking
            kit.hung = False
        else:
            await kit.engine.remove_job("g/w")
            gate.set()
        await kit.clock.advance(300)

        (ended,) = await kit.rows(made.id)
        assert (ended.id, len(calls)) == (run.id, 1)
        assert ended.state is (RunState.CANCELLED if between else RunState.FAILED)
        assert kit.running.core.run(run.id) is None
        assert kit.store.illegal == []


async def test_an_edit_beside_a_failure_forgets_no_failure() -> None:
    group, gate = Group("g"), asyncio.Event()

    @group.job(every=10, pause_after_failures=3)
    async def work() -> None:
        await gate.wait()
        raise ValueError("no")

    async with running(group) as kit:
        await kit.clock.advance(10)
        hold = threading.Event()
        kit.hung = True
        kit.faults.hooks["finish"] = lambda: hold.wait(10)
        gate.set()
        await kit.until(lambda: kit.faults.calls["finish"] == 1)
        editing = asyncio.ensure_future(kit.engine.edit_job("g/work", JobPatch(description="x")))
        await asyncio.sleep(0)
        hold.set()
        edited = await editing
        kit.hung = False
        await kit.clock.settle()

        live = kit.running.core.jobs.named("g/work")
        stored = await asyncio.to_thread(kit.store.inner.job, edited.id)
        assert stored is not None
        assert (live.failures, stored.failures) == (1, 1)


@pytest.mark.parametrize("meanwhile", ["edit", "pause"])
async def test_a_pause_after_failures_is_not_begun_where_it_is_not_wanted_any_more(
    meanwhile: str,
) -> None:
    group, gate, held = Group("g"), asyncio.Event(), asyncio.Event()

    @group.job(trigger=Never(), pause_after_failures=3)
    async def work() -> None:
        await gate.wait()
        raise ValueError("no")

    async with running(group) as kit:
        live = kit.running.core.jobs.named("g/work")
        live.failures = 2
        await kit.engine.trigger_job("g/work")
        await kit.clock.settle()

        async def hold() -> None:
            async with kit.running.commands.holds.hold("g/work", None):
                await held.wait()

        holding = asyncio.ensure_future(hold())
        await kit.until(lambda: live.busy)
        if meanwhile == "edit":
            change = kit.engine.edit_job("g/work", JobPatch(policies=make()), actor="ann")
        else:
            change = kit.engine.pause_job("g/work", reason="mine", actor="ann")
        changing = asyncio.ensure_future(change)
        await asyncio.sleep(0)
        gate.set()  # the third failure: the engine wants it paused, behind the other command
        await kit.until(lambda: live.failures == 3)
        await kit.clock.settle()
        held.set()
        await asyncio.gather(holding, changing)
        await kit.clock.settle()

        job = await kit.client.job("g/work")
        expected = (False, "") if meanwhile == "edit" else (True, "mine")
        assert (job.paused, job.pause_reason) == expected
        lines = [(line.actor, line.action) for line in (await kit.client.audit(limit=9)).items]
        assert ("engine", "job.pause") not in lines
