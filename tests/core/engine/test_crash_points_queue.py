"""A kill, or a store that refuses, while a run goes back to its queue or leaves it unstarted."""

from __future__ import annotations

import asyncio

import pytest
from engine_kit import Kit, KitClock, World, check, running

from schedtui import Group, current_run
from schedtui.errors import StoreDataError, StoreUnavailableError
from schedtui.models import Overlap, Run, RunState

WHEN = ("before", "after", "commit", "committed")
POINTS = [("memory", when) for when in WHEN] + [("sqlite", when) for when in WHEN[2:]]
FULL = StoreUnavailableError("the disk is full")


class Shaky:
    """Its first attempt fails; and which ones there were."""

    def __init__(self) -> None:
        self.attempts: list[int] = []
        self.group = Group("g")
        self.group.job(every=3_600, retries=2, retry_delay_s=10, retry_jitter=0)(self.work)

    async def work(self) -> None:
        self.attempts.append(current_run().attempt)
        if len(self.attempts) == 1:
            raise ValueError("not yet")


class Line:
    """Runs one after the other; and which have begun."""

    def __init__(self, *, start_within_s: float = 0) -> None:
        self.begun: list[int] = []
        self.gate = asyncio.Event()
        self.group = Group("g")
        self.group.job(every=3_600, overlap=Overlap.QUEUE_ALL, start_within_s=start_within_s)(
            self.work
        )

    async def work(self) -> None:
        self.begun.append(current_run().id)
        await self.gate.wait()


async def restarted(kit: Kit, group: Group, world: World) -> Kit:
    clock = KitClock(await kit.crash())
    clock.step(25)
    return await Kit([group], world=world, clock=clock).start()


@pytest.mark.parametrize(("world", "when"), POINTS, indirect=["world"])
async def test_a_kill_while_a_run_goes_back_for_another_attempt(world: World, when: str) -> None:
    shaky = Shaky()
    kit = await Kit([shaky.group], world=world).start()
    kit.faults.crash("retry", when)
    run = await kit.client.trigger_job("g/work")
    await kit.until(lambda: kit.store.dead)
    after = await restarted(kit, shaky.group, world)
    await after.clock.advance(15)
    ended = [(one.number, one.state) for one in await after.client.attempts(run.id)]
    state = (await after.client.run(run.id)).state
    if when == "committed":
        assert state is RunState.SUCCEEDED
        assert shaky.attempts == [1, 2]
        assert ended == [(1, RunState.FAILED), (2, RunState.SUCCEEDED)]
    else:
        assert state is RunState.LOST
        assert shaky.attempts == [1]
        assert ended == [(1, RunState.LOST)]
    await check(after, effects=shaky.attempts)
    await after.stop()


@pytest.mark.parametrize("how", ["cancelled", "too late"])
@pytest.mark.parametrize(("world", "when"), POINTS, indirect=["world"])
async def test_a_kill_while_a_queued_run_is_ended(world: World, when: str, how: str) -> None:
    line = Line(start_within_s=0 if how == "cancelled" else 10)
    kit = await Kit([line.group], world=world).start()
    first = await kit.client.trigger_job("g/work")
    second = await kit.client.trigger_job("g/work")
    kit.faults.crash("settle", when)
    if how == "cancelled":
        cancelling = asyncio.ensure_future(kit.engine.cancel_run(second.id))
        await kit.until(lambda: kit.store.dead)
        cancelling.cancel()  # nobody will answer
        await asyncio.wait([cancelling])
    else:
        for _ in range(12):
            await kit.clock.advance(1)
        await kit.until(lambda: kit.store.dead)
    line.gate.set()
    after = await restarted(kit, line.group, world)
    await after.clock.advance(15)
    states = {run.id: run.state for run in await after.rows()}
    assert states[first.id] is RunState.LOST
    if how == "too late":
        assert states[second.id] is RunState.MISSED
    else:
        held = when == "committed"
        assert states[second.id] is (RunState.CANCELLED if held else RunState.SUCCEEDED)
    assert (second.id in line.begun) is (states[second.id] is RunState.SUCCEEDED)
    await check(after, effects=line.begun)
    await after.stop()


async def test_a_retry_whose_text_the_store_refuses_goes_on_without_it(world: World) -> None:
    shaky = Shaky()
    async with running(shaky.group, world=world) as kit:
        refusals = iter([True, True])  # with what else was to be written, and then alone

        def refuse() -> None:
            if next(refusals, False):
                raise StoreDataError("no such text")

        kit.faults.hooks["retry"] = refuse
        run = await kit.client.trigger_job("g/work")
        await kit.clock.advance(12)
        assert (await kit.client.run(run.id)).state is RunState.SUCCEEDED
        first, second = await kit.client.attempts(run.id)
        assert first.state is RunState.FAILED
        assert "the store refused this run's outcome: no such text" in (first.error or "")
        assert second.state is RunState.SUCCEEDED
        await check(kit, effects=shaky.attempts)


async def test_a_retry_waits_for_a_store_that_does_not_answer(world: World) -> None:
    shaky = Shaky()
    async with running(shaky.group, world=world) as kit:
        run = await kit.client.trigger_job("g/work")
        kit.faults.down = True
        await kit.clock.advance(30)
        assert shaky.attempts == [1]
        kit.faults.down = False
        await kit.until(lambda: not kit.running.core.problems)
        await kit.clock.advance(11)
        assert shaky.attempts == [1, 2]
        assert (await kit.client.run(run.id)).state is RunState.SUCCEEDED


async def test_a_replaced_run_never_starts_although_the_store_was_down(world: World) -> None:
    group = Group("g")
    leave = asyncio.Event()
    begun: list[int] = []

    @group.function()
    async def hog() -> None:
        await leave.wait()

    @group.job(every=3_600, overlap=Overlap.CANCEL_RUNNING)
    async def work() -> None:
        begun.append(current_run().id)

    async with running(group, world=world, async_slots=1) as kit:
        await kit.client.run_function("g/hog")
        first = await kit.client.trigger_job("g/work")
        kit.faults.always("settle", FULL)
        second = await kit.client.trigger_job("g/work")
        leave.set()
        await kit.clock.advance(10)
        assert 2 < kit.faults.calls["settle"] < 30
        kit.faults.hooks.clear()
        await kit.clock.advance(5)
        row = await kit.client.run(first.id)
        assert (row.state, row.reason) == (
            RunState.CANCELLED,
            f"run {second.id} takes its place",
        )
        assert begun == [second.id]


@pytest.mark.parametrize("force", [False, True])
async def test_a_run_that_is_cancelled_while_its_start_is_written_ends(
    world: World, force: bool
) -> None:
    group = Group("g")
    gates = [asyncio.Event(), asyncio.Event()]
    waits = iter(gates)

    @group.job(every=3_600, overlap=Overlap.QUEUE_ALL)
    async def work() -> None:
        await next(waits).wait()

    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        second = await kit.client.trigger_job("g/work")
        live = kit.running.core.jobs.named("g/work")
        asked: list[bool] = []
        asking: list[asyncio.Future[Run]] = []

        async def cancelled() -> Run:
            return await kit.engine.cancel_run(second.id, force=force, actor="ada")

        def cancel() -> None:
            """The start is in its transaction: the run waits no more, and does not run yet."""
            run = live.running[second.id]
            asked.append(run.parked)
            kit.running.core.deliver([lambda: asking.append(asyncio.ensure_future(cancelled()))])

        kit.faults.hooks["start:after"] = cancel
        gates[0].set()
        await kit.until(lambda: not live.running)
        assert asked == [False]
        row = await kit.client.run(second.id)
        assert (row.state, row.attempt) == (RunState.CANCELLED, 1)
        assert row.reason.startswith("cancelled by ada")
        assert live.active == 0
