"""A step of the wall clock, by an hour or a month, and what is told in seconds or as a moment."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from engine_kit import START, Kit, KitClock, World, at, check, running

from schedtui import Every, Group, current_run
from schedtui.clock import from_us
from schedtui.errors import StoreUnavailableError
from schedtui.models import JobPatch, RunState

HOUR = 3_600
MONTH = 31 * 24 * HOUR
OK, QUEUED, RUNNING = RunState.SUCCEEDED, RunState.QUEUED, RunState.RUNNING
STEPS = pytest.mark.parametrize("step_s", [HOUR, -HOUR, MONTH, -MONTH])
BACK = pytest.mark.parametrize("step_s", [-HOUR, -MONTH])


async def stepped(kit: Kit, seconds: float) -> None:
    kit.clock.step(seconds)
    await kit.clock.advance(1.5)
    await kit.running.watch.settle()
    await kit.clock.settle()


class Yearly:
    """A job that nothing but a trigger by hand runs in this test."""

    def __init__(self, fails: int = 0, **policies: object) -> None:
        self.group = Group("g")
        self.tries: list[int] = []
        self.fails = fails
        self.gate = asyncio.Event()
        self.gate.set()
        self.group.job(cron="0 0 1 1 *", **policies)(self.work)  # type: ignore[arg-type]  # as given

    async def work(self) -> None:
        self.tries.append(current_run().attempt)
        await self.gate.wait()
        if len(self.tries) <= self.fails:
            raise ValueError


@STEPS
async def test_a_timeout_is_neither_longer_nor_shorter(world: World, step_s: float) -> None:
    job = Yearly(timeout_s=100)
    job.gate.clear()
    async with running(job.group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(50)
        await stepped(kit, step_s)
        await kit.clock.advance(45)
        assert [run.state for run in await kit.rows()][-1:] == [RUNNING]
        await kit.clock.advance(5)
        assert RunState.TIMED_OUT in {run.state for run in await kit.rows()}


@STEPS
async def test_a_pause_ends_at_its_moment(world: World, step_s: float) -> None:
    group = Group("g")

    @group.job(every=60)
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        await kit.engine.pause_job("g/work", until=at(300))
        await stepped(kit, step_s)
        assert (await kit.client.job("g/work")).paused == (step_s < 0)
        if step_s == -HOUR:
            kit.clock.suspend(HOUR)
            await kit.clock.advance(310)
            assert not (await kit.client.job("g/work")).paused
            await check(kit, after=START)


@STEPS
async def test_jitter_is_no_longer_and_no_shorter(world: World, step_s: float) -> None:
    group = Group("g")
    began: list[float] = []
    clock = KitClock()

    @group.job(trigger=Every(86_400, anchor=at(10)), jitter_s=600, name="work")
    async def work() -> None:
        began.append(clock.monotonic())

    async with running(group, world=world, clock=clock) as kit:
        await kit.clock.advance(10)
        (row,) = await kit.rows()
        assert row.not_before is not None
        wait_s = (row.not_before - at(10)).total_seconds()
        due = clock.monotonic()
        await stepped(kit, step_s)
        await kit.clock.advance(wait_s)
        assert began[0] - due == pytest.approx(wait_s, abs=1.1)


@BACK
async def test_a_retry_does_not_wait_for_the_old_time_after_a_restart(
    world: World, step_s: float
) -> None:
    job = Yearly(1, retries=1, retry_delay_s=50, retry_jitter=0)
    async with running(job.group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(10)
        await stepped(kit, step_s)
        await kit.clock.advance(6)  # a sign of life, by the new time
        moment = await kit.crash()
    async with running(job.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(51)
        assert job.tries == [1, 2]


@BACK
async def test_nor_where_the_clock_was_set_back_while_no_engine_ran(
    world: World, step_s: float
) -> None:
    job = Yearly(1, retries=1, retry_delay_s=50, retry_jitter=0)
    async with running(job.group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(10)
        moment = await kit.crash()
    clock = KitClock(moment + timedelta(seconds=step_s))
    async with running(job.group, world=world, clock=clock) as kit:
        await kit.clock.advance(51)
        assert job.tries == [1, 2]


@BACK
async def test_nor_where_its_end_was_not_written_before_the_step(
    world: World, step_s: float
) -> None:
    job = Yearly(1, retries=1, retry_delay_s=50, retry_jitter=0)
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.client.trigger_job("g/work")
        kit.faults.always("retry", StoreUnavailableError("the disk is full"))
        job.gate.set()
        await kit.clock.advance(1)
        kit.clock.step(step_s)
        await kit.clock.advance(2)
        kit.faults.hooks.clear()
        await kit.until(lambda: not kit.running.core.problems)
        await kit.clock.advance(2)
        await kit.clock.advance(51)
        assert job.tries == [1, 2]


@BACK
async def test_jitter_does_not_wait_for_the_old_time_after_a_restart(
    world: World, step_s: float
) -> None:
    group = Group("g")
    began: list[int] = []

    @group.job(trigger=Every(86_400, anchor=at(10)), jitter_s=600, name="work")
    async def work() -> None:
        began.append(current_run().id)

    async with running(group, world=world) as kit:
        await kit.clock.advance(10)
        (row,) = await kit.rows()
        moment = await kit.crash()
    clock = KitClock(moment + timedelta(seconds=step_s))
    async with running(group, world=world, clock=clock) as kit:
        await kit.clock.advance(601)
        assert row.id in began


@BACK
async def test_a_wait_for_a_start_does_not_either(world: World, step_s: float) -> None:
    job = Yearly(overlap="queue_all", start_within_s=30, on_lost="rerun")
    job.gate.clear()
    async with running(job.group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(10)
        moment = await kit.crash()
    clock = KitClock(moment + timedelta(seconds=step_s))
    async with running(job.group, world=world, clock=clock) as kit:
        await kit.clock.advance(31)
        assert [run.state for run in await kit.rows()] == [RUNNING, RunState.MISSED]


@STEPS
async def test_what_is_asked_for_next_goes_by_the_new_time(world: World, step_s: float) -> None:
    group = Group("g")

    @group.job(every=60)
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        await kit.clock.advance(61)
        await stepped(kit, step_s)
        now = from_us(kit.clock.now_us())
        job = await kit.client.job("g/work")
        assert job.next_due is not None
        assert timedelta(0) < job.next_due - now <= timedelta(seconds=60)
        info = await kit.client.info()
        assert (info.now, info.problems) == (now, ())
        ended = [run for run in await kit.rows() if run.state is OK]
        assert all((run.duration_s or 0) >= 0 for run in ended)


@pytest.mark.parametrize("how", ["revert", "apply"])
async def test_a_job_that_is_as_declared_again_does_not_repeat_its_last_due_time(
    world: World, how: str
) -> None:
    group = Group("g")
    done: list[float | None] = []

    @group.job(every=60)
    async def work() -> None:
        moment = current_run().scheduled_for
        done.append(None if moment is None else (moment - at(0)).total_seconds())

    async with running(group, world=world) as kit:
        await kit.clock.advance(61)
        fixed = {"type": "cron", "expression": "0 20 * * *"}
        await kit.client.edit_job("g/work", JobPatch(trigger=fixed))
        kit.clock.step(-30)
        await kit.clock.advance(2)
        if how == "revert":
            await kit.client.revert_job("g/work")
        else:
            text = (await kit.client.export_jobs()).text
            await kit.client.apply_jobs(text.partition("[overrides")[0], note="n")
        await kit.clock.advance(90)
        assert done == [60.0, 120.0]
