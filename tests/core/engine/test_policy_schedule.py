"""Catch-up, jitter, waiting limits, max_runs, startup runs and timed pauses, on a real engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from engine_kit import START, KitClock, World, at, check, due_s, running

from schedtui import Group, current_run
from schedtui.errors import InvalidError
from schedtui.models import JobPatch, JobState, Policies, Run, RunState, Source, WaitReason
from schedtui.store.writer import Lane, Write

OK, MISSED, SKIPPED, QUEUED = (
    RunState.SUCCEEDED,
    RunState.MISSED,
    RunState.SKIPPED,
    RunState.QUEUED,
)


class Job:
    def __init__(self, every: float = 10, **policies: Any) -> None:
        self.group = Group("g")
        self.done: list[float | None] = []
        self.times: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.now_us: Callable[[], int] = lambda: 0
        self.group.job(every=every, **policies)(self.work)

    async def work(self) -> None:
        due = current_run().scheduled_for
        self.done.append(None if due is None else (due - START).total_seconds())
        self.times.append(self.now_us() / 1e6 - START.timestamp())
        await self.gate.wait()


async def down(job: Job, world: World, until_s: float) -> KitClock:
    """Run a moment, then be away until so many seconds after the start."""
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(5)
        await kit.crash()
    return KitClock(at(until_s))


async def test_catching_up_with_all_runs_the_newest_ones_in_turn(world: World) -> None:
    job = Job(every=100, catch_up="all", catch_up_limit=3)
    clock = await down(job, world, 750)
    async with running(job.group, world=world, clock=clock) as kit:
        await kit.clock.settle()
        await kit.clock.advance(1)
        rows = await kit.rows()
        assert [(due_s(run), run.state, run.source) for run in rows] == [
            *[(n * 100.0, MISSED, Source.SCHEDULE) for n in (1, 2, 3)],
            *[(n * 100.0, OK, Source.CATCHUP) for n in (4, 5, 6)],
            (700.0, OK, Source.SCHEDULE),
        ]
        assert job.done == [400.0, 500.0, 600.0, 700.0]
        await check(kit, effects=job.done)


async def test_catching_up_with_all_keeps_its_limit_past_the_single_rows(world: World) -> None:
    job = Job(every=1, catch_up="all", catch_up_limit=150, grace_s=0.5)
    clock = await down(job, world, 1_000.9)
    async with running(job.group, world=world, clock=clock) as kit:
        await kit.clock.advance(0.05)
        rows: list[Run] = []
        for _ in range(300):  # each waits for the end of the one before
            rows = [run for run in await kit.rows() if run.source is Source.CATCHUP]
            if {run.state for run in rows} == {OK}:
                break
            await kit.clock.settle()
        assert len(rows) == 150
        assert {run.state for run in rows} == {OK}
        (stretch,) = [run for run in await kit.rows() if run.range_count]
        assert stretch.range_count == 1_000 - 150 - 5
        await check(kit, effects=job.done)


async def test_jitter_moves_the_start_and_not_the_due_time(world: World) -> None:
    job = Job(every=100, jitter_s=30)
    async with running(job.group, world=world) as kit:
        job.now_us = kit.clock.now_us
        await kit.clock.advance(100)
        (row,) = await kit.rows()
        assert (row.state, row.wait_reason, due_s(row)) == (QUEUED, WaitReason.JITTER, 100.0)
        assert row.not_before is not None
        for _ in range(400):
            await kit.clock.advance(1)
        starts = [time - due for time, due in zip(job.times, job.done, strict=True) if due]
        assert len(starts) >= 4
        assert all(0 <= late <= 31 for late in starts)
        assert len({round(late, 1) for late in starts}) > 1
        await check(kit, effects=job.done)


async def test_a_run_that_waited_too_long_for_its_start_is_missed(world: World) -> None:
    job = Job(every=3_600, start_within_s=30, overlap="queue_all")
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        first = await kit.client.trigger_job("g/work")
        second = await kit.client.trigger_job("g/work")
        await kit.clock.advance(29)
        assert (await kit.client.run(second.id)).state is QUEUED
        await kit.clock.advance(3)
        run = await kit.client.run(second.id)
        assert run.state is MISSED
        assert run.reason == "waited past start_within_s=30 for its start"
        job.gate.set()
        await kit.clock.settle()
        assert (await kit.client.run(first.id)).state is OK
        assert len(job.done) == 1


async def test_a_job_is_finished_when_so_many_of_its_due_times_have_run(world: World) -> None:
    job = Job(max_runs=2)
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(11)
        moment = await kit.crash()
    async with running(job.group, world=world, clock=KitClock(moment)) as kit:
        await kit.client.trigger_job("g/work")  # by hand does not count
        await kit.clock.advance(40)
        assert job.done == [10.0, None, 20.0]
        assert kit.running.core.jobs.named("g/work").state is JobState.FINISHED
        assert (await kit.client.job("g/work")).next_due is None


async def test_more_runs_let_a_finished_job_go_on(world: World) -> None:
    job = Job(max_runs=1)
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(25)
        await kit.client.edit_job("g/work", JobPatch(policies=Policies(max_runs=2)))
        await kit.clock.advance(30)
        assert job.done == [10.0, 30.0]
        rows = await kit.rows()
        assert [(due_s(run), run.state) for run in rows] == [
            (10.0, OK),
            (20.0, SKIPPED),
            (30.0, OK),
        ]
        assert rows[1].reason.startswith("finished: ")


async def test_a_job_may_also_run_when_its_engine_starts(world: World) -> None:
    job = Job(every=3_600, run_on_startup=True)
    async with running(job.group, world=world) as kit:
        await kit.clock.settle()
        (run,) = await kit.rows()
        assert (run.source, run.state, run.scheduled_for, run.actor) == (
            Source.STARTUP,
            OK,
            None,
            "engine",
        )


async def test_a_paused_job_does_not_run_at_the_start(world: World) -> None:
    group = Group("g")
    group.job(every=3_600, run_on_startup=True, paused=True, name="j")(Job().work)
    async with running(group, world=world) as kit:
        await kit.clock.settle()
        assert await kit.rows() == []


async def test_a_pause_ends_by_itself(world: World) -> None:
    job = Job()
    async with running(job.group, world=world) as kit:
        await kit.engine.pause_job("g/work", reason="maintenance", until=at(35))
        await kit.clock.advance(15)
        moment = await kit.crash()
    async with running(job.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(15)
        assert (await kit.client.job("g/work")).paused_until == at(35)
        await kit.clock.advance(15)
        job_now = await kit.client.job("g/work")
        assert (job_now.paused, job_now.paused_until, job_now.pause_reason) == (False, None, "")
        rows = await kit.rows()
        assert [(due_s(run), run.state) for run in rows] == [
            (10.0, SKIPPED),
            (20.0, SKIPPED),
            (30.0, SKIPPED),
            (40.0, OK),
        ]
        assert rows[0].reason == "paused by python: maintenance"
        await check(kit, effects=job.done)


async def test_a_pause_cannot_end_before_it_begins(world: World) -> None:
    job = Job()
    async with running(job.group, world=world) as kit:
        with pytest.raises(InvalidError, match=r"until: got .* expected a moment in the future"):
            await kit.engine.pause_job("g/work", until=START - timedelta(seconds=1))
        assert not (await kit.client.job("g/work")).paused


async def test_a_store_that_is_away_is_not_asked_without_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(every=3_600, start_within_s=5, overlap="queue_all")
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.client.trigger_job("g/work")
        second = await kit.client.trigger_job("g/work")
        await kit.clock.advance(1)
        kit.faults.down = True
        asked: list[Lane] = []
        submit = kit.running.writer.submit

        def noted(write: Write) -> None:
            asked.append(write.lane)
            submit(write)

        monkeypatch.setattr(kit.running.writer, "submit", noted)
        await kit.clock.advance(20)
        assert 1 < asked.count(Lane.CLAIM) < 60
        kit.faults.down = False
        await kit.clock.advance(7)
        assert (await kit.client.run(second.id)).state is MISSED
        job.gate.set()
        await kit.clock.settle()


async def test_a_step_of_the_clock_does_not_shorten_a_wait(world: World) -> None:
    job = Job(every=86_400, start_within_s=30, overlap="queue_all")
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.client.trigger_job("g/work")
        second = await kit.client.trigger_job("g/work")
        await kit.clock.advance(1)
        kit.clock.step(3_600)
        await kit.clock.advance(25)
        assert (await kit.client.run(second.id)).state is QUEUED
        await kit.clock.advance(5)
        assert (await kit.client.run(second.id)).state is MISSED
        job.gate.set()
        await kit.clock.settle()


async def test_a_wait_that_was_over_while_the_engine_was_down_is_missed(world: World) -> None:
    job = Job(every=86_400, start_within_s=30, overlap="queue_all")
    async with running(job.group, world=world) as kit:
        job.gate.clear()
        await kit.client.trigger_job("g/work")
        second = await kit.client.trigger_job("g/work")
        await kit.clock.advance(1)
        moment = await kit.crash()
    clock = KitClock(moment)
    clock.step(60)
    async with running(job.group, world=world, clock=clock) as kit:
        await kit.clock.advance(1)
        assert (await kit.client.run(second.id)).state is MISSED
