"""Rule 5: a step of the wall clock begins a new epoch, and is followed as cron(8) does."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from engine_kit import Kit, KitClock, World, check, running

from schedtui import Every, Group, current_run
from schedtui.errors import StoreUnavailableError
from schedtui.models import RunState

NOON = datetime(2026, 3, 2, 12, 29, 30, tzinfo=UTC)
HOUR = 3_600
MONTH = 31 * 24 * HOUR


class Three:
    """An interval, a wildcard cron and a fixed cron job, all due at 12:30; and their runs."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, datetime | None]] = []
        self.group = Group("g")
        self.group.job(every=60, name="interval")(self.work)
        self.group.job(cron="*/5 * * * *", name="wildcard")(self.work)
        self.group.job(cron="30 12 * * *", name="fixed")(self.work)

    async def work(self) -> None:
        run = current_run()
        self.ran.append((run.job, run.scheduled_for))

    def times(self, job: str) -> list[str]:
        return [f"{due:%H:%M}" for name, due in self.ran if name == f"g/{job}" and due]


async def next_due(kit: Kit, job: str) -> str:
    due = (await kit.client.job(f"g/{job}")).next_due
    return f"{due:%m-%d %H:%M:%S}"


async def one_row_per_epoch(kit: Kit) -> None:
    rows = await kit.rows()
    keys = Counter((run.job, run.clock_epoch, run.scheduled_for) for run in rows)
    assert set(keys.values()) <= {1}
    assert kit.store.illegal == []


async def stepped(kit: Kit, seconds: float) -> None:
    kit.clock.step(seconds)
    await kit.clock.advance(1.5)
    await kit.running.watch.settle()
    await kit.clock.settle()


@pytest.mark.parametrize("forward_s", [10, 45, HOUR, MONTH])
async def test_forward_finds_what_was_jumped_over_late(world: World, forward_s: float) -> None:
    three = Three()
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(15)
        await stepped(kit, forward_s)
        assert kit.running.core.epoch == 1
        await kit.clock.advance(62)
        await check(kit, after=NOON)
        await one_row_per_epoch(kit)
        assert len(three.ran) == len(set(three.ran))
        fixed = [run.state for run in await kit.rows() if run.job == "g/fixed"]
        expected = {10: 1, 45: 1, HOUR: 1, MONTH: 32}[int(forward_s)]
        assert len(fixed) == expected
        assert fixed[0] is (RunState.MISSED if forward_s >= HOUR else RunState.SUCCEEDED)
        newest = [run for run in await kit.rows() if run.job == "g/interval"][-1]
        assert newest.state is RunState.SUCCEEDED
        assert newest.clock_epoch == 1


BACK = [
    # seconds back from 12:30:30, the next due time of interval, wildcard and fixed
    (10, "03-02 12:31:00", "03-02 12:35:00", "03-03 12:30:00"),
    (61, "03-02 12:30:00", "03-02 12:30:00", "03-03 12:30:00"),
    (HOUR, "03-02 11:31:00", "03-02 11:35:00", "03-03 12:30:00"),
    (2 * HOUR + 59 * 60, "03-02 09:32:00", "03-02 09:35:00", "03-03 12:30:00"),
    (3 * HOUR, "03-02 09:31:00", "03-02 09:35:00", "03-03 12:30:00"),
    (4 * HOUR, "03-02 08:31:00", "03-02 08:35:00", "03-02 12:30:00"),
    (MONTH, "01-30 12:31:00", "01-30 12:35:00", "01-31 12:30:00"),
]


@pytest.mark.parametrize(("back_s", "interval", "wildcard", "fixed"), BACK)
async def test_back_intervals_and_wildcards_follow_and_fixed_times_do_not_repeat(
    world: World, back_s: float, interval: str, wildcard: str, fixed: str
) -> None:
    three = Three()
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(60)
        assert [three.times(job) for job in ("interval", "wildcard", "fixed")] == [["12:30"]] * 3
        await stepped(kit, -back_s)
        assert kit.running.core.epoch == 1
        assert await next_due(kit, "interval") == interval
        assert await next_due(kit, "wildcard") == wildcard
        assert await next_due(kit, "fixed") == fixed
        await kit.clock.advance(62)
        assert len(three.times("interval")) == 2
        assert len(three.times("fixed")) == 1
        await one_row_per_epoch(kit)
        stored = {job.name: job for job in kit.store.inner.jobs()}
        for live in kit.running.core.jobs:
            assert stored[live.job.name].next_due == live.current().next_due


async def test_a_time_that_comes_twice_may_have_two_rows_one_in_each_epoch(world: World) -> None:
    three = Three()
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(60)
        await stepped(kit, -61)
        await kit.clock.advance(60)
        rows = await kit.rows()
        twice = [(run.job, run.clock_epoch) for run in rows if run.state is RunState.SUCCEEDED]
        assert twice.count(("g/interval", 0)) == twice.count(("g/interval", 1)) == 1
        assert twice.count(("g/wildcard", 1)) == 1
        assert twice.count(("g/fixed", 0)) == 1
        assert twice.count(("g/fixed", 1)) == 0
        await one_row_per_epoch(kit)


@pytest.mark.parametrize("step_s", [0.5, -0.5, 0.99])
async def test_what_is_no_step_is_none(step_s: float) -> None:
    three = Three()
    async with running(three.group, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(5)
        await stepped(kit, step_s)
        assert kit.running.core.epoch == 0


async def test_the_epoch_is_durable(world: World) -> None:
    three = Three()
    clock = KitClock(NOON)
    async with running(three.group, world=world, clock=clock) as kit:
        await kit.clock.advance(5)
        await stepped(kit, 100)
        await stepped(kit, -100)
        assert kit.running.core.epoch == 2
    async with running(three.group, world=world, clock=clock) as kit:
        assert kit.running.core.epoch == 2


async def test_a_run_that_is_active_is_not_touched_by_a_step() -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.job(every=60)
    async def work() -> None:
        await gate.wait()

    async with running(group, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(31)
        await stepped(kit, -HOUR)
        gate.set()
        await kit.clock.advance(1)
        (run,) = await kit.rows()
        assert run.state is RunState.SUCCEEDED
        assert run.finished_at is not None
        assert run.started_at is not None
        assert run.finished_at >= run.started_at


@pytest.mark.parametrize("step_s", [-HOUR, -4 * HOUR, HOUR])
async def test_a_step_while_a_claim_is_in_flight(world: World, step_s: float) -> None:
    three = Three()
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        gate = threading.Event()
        kit.faults.hooks["commit"] = lambda: gate.wait(10) and None
        kit.hung = True  # time passes while the writer is stuck
        await kit.clock.advance(30.5)
        assert kit.running.claims.outstanding
        kit.clock.step(step_s)
        await kit.clock.advance(3)
        kit.faults.hooks.clear()
        gate.set()
        kit.hung = False
        await kit.clock.settle()
        await kit.running.watch.settle()
        assert kit.running.core.epoch == 1
        assert three.times("fixed") == ["12:30"]
        before = len(three.times("interval"))
        await kit.clock.advance(70)
        assert len(three.times("interval")) > before
        await one_row_per_epoch(kit)
        assert not any(live.busy for live in kit.running.core.jobs)


async def test_a_step_while_the_store_is_down_is_followed_when_it_is_back(world: World) -> None:
    three = Three()
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(60)
        kit.faults.down = True
        kit.clock.step(-HOUR)
        await kit.clock.advance(10)
        assert kit.running.core.epoch == 0
        assert await next_due(kit, "interval") == "03-02 12:31:00"
        kit.faults.down = False
        await kit.clock.advance(5)
        await kit.running.watch.settle()
        assert kit.running.core.epoch == 1
        assert await next_due(kit, "interval") == "03-02 11:31:00"
        await kit.clock.advance(62)
        assert three.times("interval") == ["12:30", "11:31"]
        await one_row_per_epoch(kit)


async def test_back_and_forth_at_once(world: World) -> None:
    three = Three()
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(60)
        for step_s in (-HOUR, HOUR, -2 * HOUR, 2 * HOUR):
            kit.clock.step(step_s)
            kit.running.core.wakeup()
            await asyncio.sleep(0)
        await kit.clock.advance(5)
        await kit.running.watch.settle()
        await kit.clock.advance(65)
        assert kit.running.core.epoch in (3, 4)
        await one_row_per_epoch(kit)
        assert three.times("interval")[-1] == "12:31"
        assert three.times("fixed") == ["12:30"]


async def test_a_trigger_that_fails_during_a_step_does_not_end_the_claims() -> None:
    three = Three()
    async with running(three.group, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(60)
        live = kit.running.core.jobs.named("g/wildcard")
        live.trigger = Broken(60)
        await stepped(kit, -HOUR)
        await kit.clock.advance(62)
        assert three.times("interval") == ["12:30", "11:31"]
        assert not live.busy


class Broken(Every):
    """An interval whose arithmetic has a bug."""

    def next_after_us(self, us: int) -> int | None:
        raise ZeroDivisionError(us)


async def test_a_store_that_refuses_the_epoch_does_not_end_the_claims() -> None:
    from schedtui.errors import StoreDataError

    three = Three()
    async with running(three.group, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(5)
        refusals = iter([True, True])

        def refuse() -> None:
            if next(refusals, False):
                raise StoreDataError("no")

        kit.faults.hooks["set_clock_epoch"] = refuse
        for step_s in (10, -HOUR):
            kit.clock.step(step_s)
            kit.running.core.wakeup()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await kit.clock.advance(60)
        assert kit.running.core.epoch == 1
        assert three.times("interval") == ["11:30"]


async def test_the_clock_was_set_back_while_no_engine_ran(world: World) -> None:
    """A machine whose clock was a year ahead: its jobs do not wait for that year to come again."""
    three = Three()
    clock = KitClock(NOON + timedelta(days=365))
    async with running(three.group, world=world, clock=clock) as kit:
        await kit.clock.advance(62)
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        assert await next_due(kit, "interval") == "03-02 12:30:00"
        assert await next_due(kit, "fixed") == "03-02 12:30:00"
        assert kit.running.core.epoch == 1
        await kit.clock.advance(60)
        assert three.times("fixed") == ["12:30", "12:30"]
        await one_row_per_epoch(kit)
        assert kit.running.core.downtimes.why(0, 0) is None


async def test_an_hour_back_while_no_engine_ran_repeats_no_fixed_time(world: World) -> None:
    three = Three()
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(62)
    clock = KitClock(NOON - timedelta(hours=1))
    async with running(three.group, world=world, clock=clock) as kit:
        assert await next_due(kit, "interval") == "03-02 11:30:00"
        assert await next_due(kit, "fixed") == "03-03 12:30:00"


@pytest.mark.parametrize("when", ["before", "after", "commit", "committed"])
@pytest.mark.parametrize("method", ["set_clock_epoch", "claim"])
async def test_a_kill_during_a_step(world: World, method: str, when: str) -> None:
    three = Three()
    kit = await Kit([three.group], world=world, clock=KitClock(NOON)).start()
    await kit.clock.advance(62)
    kit.faults.crash(method, when)
    kit.clock.step(-HOUR)
    await kit.clock.advance(2)
    await kit.until(lambda: kit.store.dead)
    now = await kit.crash()
    async with running(three.group, world=world, clock=KitClock(now)) as after:
        assert after.running.core.epoch in (1, 2)
        assert await next_due(after, "interval") == "03-02 11:31:00"
        assert await next_due(after, "fixed") == "03-03 12:30:00"
        await after.clock.advance(65)
        assert three.times("interval")[-1] in ("11:31", "11:32")
        await one_row_per_epoch(after)


async def test_a_step_is_not_followed_after_a_stop() -> None:
    three = Three()
    kit = await Kit([three.group], clock=KitClock(NOON)).start()
    parts = kit.running
    kit.faults.down = True
    kit.clock.step(-HOUR)
    await kit.clock.advance(2)
    await kit.stop()
    kit.clock.step(-HOUR)
    await kit.clock.advance(5)
    assert parts.claims._open is False
    assert kit.clock.pending_timers() == 0
    assert not any("ClockWatch" in repr(task.get_coro()) for task in asyncio.all_tasks())


async def test_a_command_during_a_step_waits_and_goes_through(world: World) -> None:
    three = Three()
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(60)
        kit.faults.once("set_clock_epoch", StoreUnavailableError("full"))
        kit.clock.step(-HOUR)
        moving = asyncio.ensure_future(kit.clock.advance(4))
        for _ in range(3):
            await asyncio.sleep(0)
        paused = await kit.client.pause_job("g/interval", reason="x")
        await moving
        await kit.running.watch.settle()
        assert paused.paused
        assert (await kit.client.job("g/interval")).paused
        await kit.clock.advance(70)
        assert three.times("interval") == ["12:30"]
        resumed = await kit.client.resume_job("g/interval")
        assert resumed.next_due is not None
        await kit.clock.advance(70)
        assert len(three.times("interval")) >= 2
        await one_row_per_epoch(kit)


@pytest.mark.parametrize("step_s", [45, -10])
async def test_nothing_is_claimed_before_a_step_is_durable(world: World, step_s: float) -> None:
    three = Three()
    async with running(three.group, world=world, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(35)
        before = len(await kit.rows())
        kit.faults.always("set_clock_epoch", StoreUnavailableError("the disk is full"))
        kit.clock.step(step_s)
        for _ in range(70):
            await kit.clock.advance(1)
        assert kit.faults.calls["set_clock_epoch"] > 1
        assert len(await kit.rows()) == before
        kit.faults.hooks.clear()
        for _ in range(70):
            await kit.clock.advance(1)
        rows = await kit.rows()
        assert len(rows) > before
        assert {run.clock_epoch for run in rows[before:]} == {1}
        await one_row_per_epoch(kit)


async def test_a_command_claims_nothing_while_a_step_is_not_written() -> None:
    """A due time of the new clock would be written with the old epoch."""
    three = Three()
    async with running(three.group, clock=KitClock(NOON)) as kit:
        await kit.clock.advance(35)
        before = len(await kit.rows())
        kit.faults.always("set_clock_epoch", StoreUnavailableError("the disk is full"))
        kit.clock.step(120)
        await kit.clock.advance(3)
        with pytest.raises(StoreUnavailableError, match="a step of the clock"):
            await kit.client.pause_job("g/interval", reason="x")
        assert len(await kit.rows()) == before
        kit.faults.hooks.clear()
        await kit.clock.advance(3)
        await kit.client.pause_job("g/interval", reason="x")
        rows = (await kit.rows())[before:]
        assert rows
        assert {run.clock_epoch for run in rows} == {1}
