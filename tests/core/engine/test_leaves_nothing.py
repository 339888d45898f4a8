"""What has ended leaves nothing in memory: no place in a queue, timer, sink, or event."""

from __future__ import annotations

import asyncio
import threading
import time

from engine_kit import Kit, back, running

from schedtui import Engine, Group, log
from schedtui.engine.runs.loglines import FLUSH_S
from schedtui.execution import ThreadExecutor
from schedtui.models import JobSpec, RunState

FEW = 40
"""Entries that a queue keeps without a look."""


async def test_a_queue_behind_a_run_that_hangs_does_not_grow() -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.job(every=1, overlap="queue_one", start_within_s=0.5)
    async def work() -> None:
        await gate.wait()

    async with running(group) as kit:
        await kit.clock.advance(300.7)
        live = kit.running.core.jobs.named("g/work")
        assert len(await kit.rows()) == 300
        assert len(live.waiting._entries) < FEW
        gate.set()


async def test_the_queue_of_a_pool_that_is_full_does_not_grow() -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.function()
    async def hog() -> None:
        await gate.wait()

    @group.job(every=1, overlap="queue_one", start_within_s=0.5)
    async def work() -> None: ...

    async with running(group, async_slots=1) as kit:
        await kit.client.run_function("g/hog")
        await kit.clock.advance(200.7)
        assert len(kit.running.core.pools["async"].queue._entries) < FEW
        gate.set()


async def test_runs_that_cannot_be_ended_while_the_store_is_away_wait_once() -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.job(every=1, overlap="queue_all", start_within_s=3)
    async def work() -> None:
        await gate.wait()

    async with running(group) as kit:
        await kit.clock.advance(3.5)
        kit.faults.down = True
        await kit.clock.advance(60)
        live = kit.running.core.jobs.named("g/work")
        assert len(live.waiting._entries) < FEW
        assert kit.running.core.slots.waiting == live.waiting.size == 2
        await back(kit)
        gate.set()


async def _logged_and_waiting(kit: Kit) -> int:
    """The id of a run that has said something and waits for its next attempt."""
    run = await kit.client.trigger_job("g/work")
    await kit.clock.settle()
    await asyncio.sleep(2 * FLUSH_S)  # lines are taken to the store by the real clock
    await kit.clock.settle()
    assert (await kit.client.run(run.id)).state is RunState.QUEUED
    return run.id


async def test_the_lines_of_a_run_that_is_cancelled_between_two_attempts_are_let_go() -> None:
    group = Group("g")

    @group.job(every=1_000, retries=1, retry_delay_s=50)
    async def work() -> None:
        log("hello")
        raise ValueError("x")

    async with running(group) as kit:
        run_id = await _logged_and_waiting(kit)
        assert kit.running.logs.sink(run_id) is not None
        await kit.client.cancel_run(run_id)
        assert kit.running.logs.sink(run_id) is None
        assert [line.text for line in (await kit.client.logs(run_id)).lines] == ["hello"]


async def test_the_timers_of_cancelled_runs_are_cancelled() -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.job(every=100_000, overlap="queue_all", start_within_s=86_400)
    async def work() -> None:
        await gate.wait()

    async with running(group) as kit:
        await kit.client.trigger_job("g/work")
        before = kit.clock.pending_timers()
        ids = [(await kit.client.trigger_job("g/work")).id for _ in range(5)]
        assert kit.clock.pending_timers() >= before + 5
        for run_id in ids:
            await kit.client.cancel_run(run_id)
        await kit.clock.settle()
        assert kit.clock.pending_timers() <= before
        gate.set()


async def test_events_forget_a_job_whose_run_ends_after_its_delete() -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.function()
    async def work() -> None:
        await gate.wait()

    async with running(group) as kit:
        for number in range(5):
            name = f"j{number}"
            spec = JobSpec(function="g/work", name=name, trigger={"type": "never"})
            await kit.engine.submit_spec(spec)
            await kit.client.trigger_job(f"g/{name}")
            await kit.client.delete_job(f"g/{name}")
        gate.set()
        await kit.clock.settle()
        assert {run.state for run in await kit.rows()} == {RunState.SUCCEEDED}
        assert not kit.running.core.hub._jobs


def test_a_given_up_thread_that_returns_is_forgotten() -> None:
    group = Group("g")
    gate = threading.Event()

    @group.job(every=1_000, overlap="allow", timeout_s=0.05)
    def work() -> None:
        gate.wait(20)

    engine = Engine(groups=[group], store="memory://").run_in_thread()
    try:
        for _ in range(3):
            engine.sync.trigger_job("g/work")
        executor = engine.running.core.pools["thread"].executor
        assert isinstance(executor, ThreadExecutor)
        while executor.stuck < 3:
            time.sleep(0.01)
        assert executor._asked
        gate.set()
        while executor.stuck:
            time.sleep(0.01)
        assert not executor._asked
    finally:
        engine.close()
