"""A machine that sleeps: its monotonic clock stands still meanwhile (Linux), or goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from engine_kit import Kit, World, check, due_s, running

from schedtui import Group, current_run
from schedtui.models import RunState, Source

OK, MISSED, RUNNING = RunState.SUCCEEDED, RunState.MISSED, RunState.RUNNING
HOUR = 3_600
STILL, JUMPS = "stands still", "jumps"


@pytest.fixture(params=[STILL, JUMPS])
def monotonic(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def sleep(kit: Kit, monotonic: str, seconds: float) -> None:
    """The machine sleeps, and the engine finds out."""
    if monotonic == STILL:
        kit.clock.step(seconds)
    else:
        kit.clock.suspend(seconds)
    await kit.clock.advance(1.5)
    await kit.running.watch.settle()
    await kit.clock.settle()
    assert kit.running.core.epoch == (1 if monotonic == STILL else 0)


class Sleeper:
    """A job each minute, and one at 12:30."""

    def __init__(self, **policies: str) -> None:
        self.group = Group("g")
        self.done: list[tuple[str, float | None]] = []
        self.group.job(every=60, name="interval", **policies)(self.work)  # type: ignore[arg-type]  # words
        self.group.job(cron="30 12 * * *", name="fixed", **policies)(self.work)  # type: ignore[arg-type]  # words

    async def work(self) -> None:
        run = current_run()
        due = run.scheduled_for
        self.done.append((run.job, None if due is None else due.timestamp()))


async def test_what_was_due_meanwhile_is_found_late(world: World, monotonic: str) -> None:
    jobs = Sleeper()
    async with running(jobs.group, world=world) as kit:
        await kit.clock.advance(90)
        await sleep(kit, monotonic, HOUR)
        await kit.clock.advance(60)
        rows = [run for run in await kit.rows() if run.job == "g/interval"]
        assert [due_s(run) for run in rows] == [60.0 * n for n in range(1, 63)]
        late = [run.state for run in rows[1:-2]]
        assert set(late) == {MISSED}
        assert [run.state for run in rows[-2:]] == [OK, OK]
        (fixed,) = [run for run in await kit.rows() if run.job == "g/fixed"]
        assert fixed.state is MISSED
        await check(kit, effects=jobs.done)


async def test_it_may_be_caught_up_with(world: World, monotonic: str) -> None:
    jobs = Sleeper(catch_up="latest")
    async with running(jobs.group, world=world) as kit:
        await kit.clock.advance(10)
        await sleep(kit, monotonic, HOUR)
        (fixed,) = [run for run in await kit.rows() if run.job == "g/fixed"]
        assert (fixed.state, fixed.source, due_s(fixed)) == (OK, Source.CATCHUP, 1_800.0)
        await check(kit, effects=jobs.done)


async def test_a_nap_within_the_grace_is_none(world: World, monotonic: str) -> None:
    jobs = Sleeper()
    async with running(jobs.group, world=world) as kit:
        await kit.clock.advance(30)
        await sleep(kit, monotonic, 60)
        (row,) = await kit.rows()
        assert (row.state, due_s(row), row.source) == (OK, 60.0, Source.SCHEDULE)
        await check(kit, effects=jobs.done)


async def test_a_timeout_counts_what_the_monotonic_clock_counts(
    world: World, monotonic: str
) -> None:
    group = Group("g")

    @group.job(cron="0 0 1 1 *", timeout_s=100)
    async def work() -> None:
        await asyncio.Event().wait()

    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(10)
        await sleep(kit, monotonic, HOUR)
        (row,) = await kit.rows()
        assert row.state is (RUNNING if monotonic == STILL else RunState.TIMED_OUT)
        await kit.clock.advance(90)
        (row,) = await kit.rows()
        assert row.state is RunState.TIMED_OUT


async def test_a_retry_waits_for_what_the_monotonic_clock_counts(
    world: World, monotonic: str
) -> None:
    group = Group("g")
    tries: list[int] = []

    @group.job(cron="0 0 1 1 *", retries=1, retry_delay_s=100, retry_jitter=0)
    async def work() -> None:
        tries.append(current_run().attempt)
        if len(tries) == 1:
            raise ValueError

    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(10)
        await sleep(kit, monotonic, HOUR)
        assert tries == ([1] if monotonic == STILL else [1, 2])
        await kit.clock.advance(90)
        assert tries == [1, 2]


async def test_a_wait_for_a_start_too(world: World, monotonic: str) -> None:
    group = Group("g")

    @group.job(cron="0 0 1 1 *", overlap="queue_all", start_within_s=100)
    async def work() -> None:
        await asyncio.Event().wait()

    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(10)
        await sleep(kit, monotonic, HOUR)
        states = [run.state for run in await kit.rows()]
        assert states == [RUNNING, RunState.QUEUED if monotonic == STILL else MISSED]
        await kit.clock.advance(95)
        assert [run.state for run in await kit.rows()] == [RUNNING, MISSED]


async def test_a_pause_that_ended_meanwhile_has_ended(world: World, monotonic: str) -> None:
    jobs = Sleeper()
    async with running(jobs.group, world=world) as kit:
        job = await kit.client.job("g/interval")
        assert job.next_due is not None
        await kit.engine.pause_job("g/interval", until=job.next_due.replace(minute=20))
        await sleep(kit, monotonic, HOUR)
        assert not (await kit.client.job("g/interval")).paused
        await kit.clock.advance(60)
        await check(kit, effects=jobs.done)


async def test_the_engine_is_well_afterwards(tmp_path: Path, monotonic: str) -> None:
    jobs = Sleeper()
    async with running(jobs.group, world=World("sqlite", tmp_path)) as kit:
        await sleep(kit, monotonic, 8 * HOUR)
        info = await kit.client.info()
        assert (info.problems, info.health.value) == ((), "ok")
        assert info.last_tick_age_s < 2
