"""Rule 9: misfire and overlap are decided at the claim, once; a manual run obeys overlap."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_kit import KitClock, World, check, due_s, running

from schedtui import Group, current_run
from schedtui.models import RunState, Source


class Job:
    def __init__(self, **settings: Any) -> None:
        self.group = Group("g")
        self.gate = asyncio.Event()
        self.done: list[object] = []
        self.group.job(every=10, **settings)(self.work)

    async def work(self) -> None:
        self.done.append(current_run().scheduled_for)
        await self.gate.wait()


async def test_a_due_time_while_a_run_is_active_is_skipped(world: World) -> None:
    job = Job()
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(31)
        job.gate.set()
        await kit.clock.advance(10)
        rows = await kit.rows()
        assert [(due_s(run), run.state) for run in rows] == [
            (10.0, RunState.SUCCEEDED),
            (20.0, RunState.SKIPPED),
            (30.0, RunState.SKIPPED),
            (40.0, RunState.SUCCEEDED),
        ]
        assert rows[1].reason == "overlap: run 1 is still active"
        assert rows[1].finished_at is not None
        assert rows[1].started_at is None


async def test_a_manual_run_obeys_overlap_and_says_who(world: World) -> None:
    job = Job()
    async with running(job.group, world=world) as kit:
        first = await kit.client.trigger_job("g/work")
        second = await kit.client.trigger_job("g/work")
        assert first.state in (RunState.RUNNING, RunState.QUEUED)
        assert second.state is RunState.SKIPPED
        assert second.reason == f"overlap: run {first.id} is still active"
        assert second.source is Source.MANUAL
        assert second.scheduled_for is None
        await kit.clock.advance(11)
        assert [run.state for run in await kit.rows()] == [
            RunState.RUNNING,
            RunState.SKIPPED,
            RunState.SKIPPED,
        ]
        job.gate.set()


async def test_two_triggers_at_once_make_one_run(world: World) -> None:
    job = Job()
    async with running(job.group, world=world) as kit:
        runs = await asyncio.gather(*(kit.client.trigger_job("g/work") for _ in range(5)))
        states = sorted(run.state for run in runs)
        assert states.count(RunState.SKIPPED) == 4
        await kit.clock.settle()
        assert len(job.done) == 1
        job.gate.set()


async def test_a_queued_run_is_not_judged_again_when_it_gets_its_slot(world: World) -> None:
    """It waited far beyond its grace, and runs: waiting is not being late."""
    job = Job(grace_s=5)
    job.group.job(every=3_600, name="blocks", paused=True)(job.work)
    async with running(job.group, world=world, async_slots=1) as kit:
        await kit.client.trigger_job("g/blocks")
        await kit.clock.advance(200)
        job.gate.set()
        await kit.clock.advance(1)
        first = next(run for run in await kit.rows() if due_s(run) == 10.0)
        assert first.state is RunState.SUCCEEDED
        assert first.started_at is not None
        assert first.claimed_at < first.started_at


@pytest.mark.parametrize(
    ("settings", "late_s", "state", "source"),
    [
        ({}, 59, RunState.SUCCEEDED, Source.SCHEDULE),
        ({}, 61, RunState.MISSED, Source.SCHEDULE),
        ({"grace_s": 5}, 7, RunState.MISSED, Source.SCHEDULE),
        ({"grace_s": 0}, 0.5, RunState.MISSED, Source.SCHEDULE),
        ({"catch_up": "latest"}, 61, RunState.SUCCEEDED, Source.CATCHUP),
        ({"grace_s": 5, "catch_up": "latest"}, 7, RunState.SUCCEEDED, Source.CATCHUP),
    ],
)
async def test_found_late_after_a_restart(
    world: World,
    settings: dict[str, Any],
    late_s: float,
    state: RunState,
    source: Source,
) -> None:
    group = Group("g")

    @group.job(every=1_000, **settings)
    async def work() -> None: ...

    clock = KitClock()
    async with running(group, world=world, clock=clock) as kit:
        due_us = kit.running.core.jobs.named("g/work").next_due_us
        assert due_us is not None
        until_due_s = (due_us - clock.now_us()) / 1e6
    clock = KitClock()
    clock.step(until_due_s + late_s)
    async with running(group, world=world, clock=clock) as kit:
        await kit.clock.settle()
        (run,) = await kit.rows()
        assert (run.state, run.source) == (state, source)
        await check(kit)


async def test_catch_up_latest_runs_only_the_newest(world: World) -> None:
    job = Job(catch_up="latest", grace_s=3)
    job.gate.set()
    clock = KitClock()
    async with running(job.group, world=world, clock=clock) as kit:
        await kit.clock.advance(1)
    clock = KitClock()
    clock.step(2_005)
    async with running(job.group, world=world, clock=clock) as kit:
        await kit.clock.settle()
        rows = await kit.rows()
        assert len(rows) == 101
        assert [run.source for run in rows].count(Source.CATCHUP) == 1
        assert (rows[-1].source, due_s(rows[-1])) == (Source.CATCHUP, 2_000.0)
        assert rows[0].range_count == 100
        assert len(job.done) == 1
        await check(kit)
