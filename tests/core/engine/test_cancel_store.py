"""A cancel that was answered is in the store, with its line in the audit trail; or it fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from engine_kit import FULL, Kit, KitClock, World, back, running

from schedtui import Group, current_run
from schedtui.errors import ConflictError, SchedtuiError, StoreError, StoreUnavailableError
from schedtui.models import JobPatch, RunState
from schedtui.protocols import StoreTx
from schedtui.store.writer import Lane, Write


class Work:
    """Runs of one job, one after the other, that end when they are let."""

    def __init__(self, **policies: object) -> None:
        self.group = Group("g")
        self.began: list[int] = []
        self.gate = asyncio.Event()
        self.group.job(every=1_000_000, overlap="queue_all", **policies)(self.work)  # type: ignore[arg-type]

    async def work(self) -> None:
        self.began.append(current_run().id)
        await self.gate.wait()
        if current_run().attempt == 1 and self.fails:
            raise ValueError("once")

    fails = False


async def noted(kit: Kit) -> list[str]:
    """Who cancelled what, as the audit trail says."""
    page = await kit.client.audit()
    return [entry.object for entry in page.items if entry.action == "run.cancel"]


@asynccontextmanager
async def writer_held(kit: Kit) -> AsyncIterator[None]:
    """The writer is at work on something else: what is handed to it waits."""
    hold, began = threading.Event(), threading.Event()

    def apply(_tx: StoreTx) -> None:
        began.set()
        hold.wait(20)

    kit.hung = True
    write = Write(Lane.CLAIM, apply, done=lambda _: None, failed=lambda _: None)
    kit.running.writer.submit(write)
    await asyncio.to_thread(began.wait, 20)
    try:
        yield
    finally:
        kit.hung = False
        hold.set()
    await kit.clock.settle()


async def answers(kit: Kit) -> None:
    """Wait until the store takes a command."""
    while True:
        try:
            await kit.client.edit_job("g/work", JobPatch(description="x"))
        except StoreUnavailableError:
            await asyncio.sleep(0.01)
        else:
            return


@pytest.mark.parametrize("error", [FULL, StoreError("the file is damaged")])
async def test_a_waiting_run_that_cannot_be_cancelled_goes_on_waiting(
    world: World, error: SchedtuiError
) -> None:
    work = Work()
    async with running(work.group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        waits = await kit.client.trigger_job("g/work")
        kit.faults.always("begin", error)
        with pytest.raises(type(error)):
            await kit.client.cancel_run(waits.id)
        kit.faults.hooks.clear()
        await answers(kit)
        assert (await kit.client.run(waits.id)).state is RunState.QUEUED
        assert await noted(kit) == []
        work.gate.set()
        await kit.clock.advance(2)
        assert work.began == [waits.id - 1, waits.id]


async def test_a_cancel_that_was_answered_survives_a_crash(world: World) -> None:
    work = Work()
    async with running(work.group, world=world) as kit:
        first = await kit.client.trigger_job("g/work")
        waits = await kit.client.trigger_job("g/work")
        told = await kit.client.cancel_run(waits.id, reason="not today")
        assert told.state is RunState.CANCELLED
        moment = await kit.crash()
    work.gate.set()
    async with running(work.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.settle()
        run = await kit.client.run(waits.id)
        assert (run.state, run.reason) == (RunState.CANCELLED, "cancelled by local: not today")
        assert work.began == [first.id]
        assert await noted(kit) == ["g/work"]


async def test_who_cancelled_a_running_run_is_noted_when_the_store_is_back(world: World) -> None:
    work = Work()
    async with running(work.group, world=world) as kit:
        run = await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        kit.faults.down = True
        await kit.client.cancel_run(run.id)
        await kit.clock.settle()
        await back(kit)
        await kit.clock.advance(1)
        assert (await kit.client.run(run.id)).state is RunState.CANCELLED
        assert await noted(kit) == ["g/work"]


async def test_a_run_whose_start_is_on_its_way_is_asked_when_it_has_started(world: World) -> None:
    work = Work()
    leave = asyncio.Event()

    @work.group.function()
    async def hog() -> None:
        await leave.wait()

    async with running(work.group, world=world, async_slots=1) as kit:
        await kit.client.run_function("g/hog")
        run = await kit.client.trigger_job("g/work")
        live = kit.running.core.jobs.named("g/work").running[run.id]
        assert live.parked
        async with writer_held(kit):
            leave.set()
            await kit.until(lambda: not live.parked)
            cancel = asyncio.ensure_future(kit.client.cancel_run(run.id))
            await asyncio.sleep(0)
        await cancel
        await kit.clock.settle()
        assert (await kit.client.run(run.id)).state is RunState.CANCELLED
        assert await noted(kit) == ["g/work"]


async def test_a_run_between_two_attempts_is_cancelled_once_it_waits(world: World) -> None:
    work = Work(retries=1, retry_delay_s=30)
    work.fails = True
    async with running(work.group, world=world) as kit:
        run = await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        async with writer_held(kit):
            work.gate.set()
            live = kit.running.core.jobs.named("g/work").running[run.id]
            await kit.until(lambda: live.ended)
            cancel = asyncio.ensure_future(kit.client.cancel_run(run.id))
            await asyncio.sleep(0)
        told = await cancel
        assert told.state is RunState.CANCELLED
        await kit.clock.advance(60)
        assert work.began == [run.id]


async def test_a_run_that_is_just_over_cannot_be_cancelled(world: World) -> None:
    work = Work()
    async with running(work.group, world=world) as kit:
        run = await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        async with writer_held(kit):
            work.gate.set()
            live = kit.running.core.jobs.named("g/work").running[run.id]
            await kit.until(lambda: live.ended)
            cancel = asyncio.ensure_future(kit.client.cancel_run(run.id))
            await asyncio.sleep(0)
        with pytest.raises(ConflictError, match="has ended already"):
            await cancel
        assert (await kit.client.run(run.id)).state is RunState.SUCCEEDED
        assert await noted(kit) == []
