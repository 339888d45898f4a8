"""Backfills wait behind everything else: no scheduled run is skipped, replaced or kept by them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from engine_kit import START, Kit, World, at, check, running

from schedtui import Group, current_run
from schedtui.models import Overlap, RunState, Source

OK, QUEUED, RUNNING, SKIPPED = (
    RunState.SUCCEEDED,
    RunState.QUEUED,
    RunState.RUNNING,
    RunState.SKIPPED,
)
BACKFILL, SCHEDULE = Source.BACKFILL, Source.SCHEDULE


class Gated:
    """Jobs whose runs end when they are told to, oldest first."""

    def __init__(self, **group: Any) -> None:
        self.group = Group("g", **group)
        self.began: list[tuple[str, Source, float]] = []
        self.gates: list[asyncio.Event] = []
        self.most = 0

    def job(self, name: str = "work", every: float = 10, **policies: Any) -> None:
        self.group.job(every=every, name=name, **policies)(self.work)

    async def work(self) -> None:
        run = current_run()
        due_s = 0.0 if run.scheduled_for is None else (run.scheduled_for - START).total_seconds()
        self.began.append((run.job.partition("/")[2], run.source, due_s))
        gate = asyncio.Event()
        self.gates.append(gate)
        self.most = max(self.most, len(self.gates))
        await gate.wait()

    async def end(self, kit: Kit, times: int = 1) -> None:
        """End the oldest runs, one after the other."""
        for _ in range(times):
            await kit.until(lambda: bool(self.gates))
            left = active(kit) - 1
            self.gates.pop(0).set()
            await kit.until(partial(settled, kit, left))
            await kit.until(lambda: bool(self.gates) or not active(kit))
            await kit.clock.settle()

    def told(self) -> list[tuple[Source, float]]:
        return [(source, due_s) for _, source, due_s in self.began]


def active(kit: Kit) -> int:
    return sum(live.active for live in kit.running.core.jobs)


def settled(kit: Kit, left: int) -> bool:
    return active(kit) <= left


@pytest.mark.parametrize("overlap", [one for one in Overlap if one is not Overlap.ALLOW])
async def test_the_schedule_goes_before_all_that_wait_whatever_overlap_says(
    world: World, overlap: Overlap
) -> None:
    gated = Gated()
    gated.job(overlap=overlap)
    async with running(gated.group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-30), START)
        await kit.clock.advance(11)
        assert gated.told() == [(BACKFILL, -30)]
        (waits,) = [run for run in await kit.rows() if run.source is SCHEDULE]
        assert waits.state is QUEUED, "not skipped because of a backfill"
        await gated.end(kit)
        assert gated.told() == [(BACKFILL, -30), (SCHEDULE, 10)]
        await gated.end(kit, 3)
        assert gated.told() == [
            (BACKFILL, -30),
            (SCHEDULE, 10),
            (BACKFILL, -20),
            (BACKFILL, -10),
        ]
        assert gated.most == 1
        assert {run.state for run in await kit.rows()} == {OK}
        await check(kit, effects=gated.began)


async def test_overlap_among_scheduled_runs_is_what_it_was(world: World) -> None:
    gated = Gated()
    gated.job()
    async with running(gated.group, world=world) as kit:
        await kit.clock.advance(11)
        await kit.engine.backfill_job("g/work", at(-30), START)
        await kit.clock.advance(10)
        rows = await kit.rows()
        assert (rows[-1].source, rows[-1].state) == (SCHEDULE, SKIPPED)
        assert rows[-1].reason == "overlap: run 1 is still active"
        assert gated.told() == [(SCHEDULE, 10)]
        await gated.end(kit, 4)
        assert gated.told()[1:] == [(BACKFILL, -30), (BACKFILL, -20), (BACKFILL, -10)]


async def test_a_trigger_by_hand_goes_first_too(world: World) -> None:
    gated = Gated()
    gated.job(every=3_600)
    async with running(gated.group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-10_800), START)
        await kit.clock.settle()
        run = await kit.engine.trigger_job("g/work")
        assert run.state is QUEUED
        await gated.end(kit)
        assert [source for source, _ in gated.told()] == [BACKFILL, Source.MANUAL]
        await gated.end(kit, 3)


@pytest.mark.parametrize(("policies", "most"), [({"concurrency": 2}, 2), ({"overlap": "allow"}, 5)])
async def test_as_many_at_once_as_the_job_allows(
    world: World, policies: dict[str, Any], most: int
) -> None:
    gated = Gated()
    gated.job(**policies)
    async with running(gated.group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-50), START)
        await kit.clock.settle()
        await gated.end(kit, 5)
        assert gated.most == most
        assert gated.told() == [(BACKFILL, -50 + 10 * n) for n in range(5)]


async def test_in_a_pool_they_are_behind_every_other_run(world: World) -> None:
    gated = Gated(limit=1)
    gated.job("late", every=3_600, priority=-100)
    gated.job("work", every=3_600, priority=100)
    async with running(gated.group, world=world) as kit:
        await kit.engine.trigger_job("g/late")
        await kit.engine.backfill_job("g/work", at(-10_800), START)
        await kit.clock.settle()
        await kit.engine.create_job(
            function="g/work", name="other", trigger={"type": "never"}, group="g", priority=-100
        )
        await kit.engine.trigger_job("g/other")
        await gated.end(kit)
        assert [name for name, _, _ in gated.began] == ["late", "other"]
        await gated.end(kit, 4)
        assert [name for name, _, _ in gated.began][2:] == ["work"] * 3


async def test_one_that_waits_for_a_place_gives_its_turn_to_its_schedule(world: World) -> None:
    gated = Gated(limit=1)
    gated.job("blocker", every=86_400)
    gated.job("work", every=10, overlap="queue_all")
    async with running(gated.group, world=world) as kit:
        await kit.engine.trigger_job("g/blocker")
        await kit.engine.backfill_job("g/work", at(-30), START)
        await kit.clock.advance(21)
        live = kit.running.core.jobs.named("g/work")
        assert live.holders == 1
        await gated.end(kit)
        assert gated.began[1:] == [("work", SCHEDULE, 10)]
        await gated.end(kit, 5)
        assert gated.told()[2:] == [
            (SCHEDULE, 20),
            (BACKFILL, -30),
            (BACKFILL, -20),
            (BACKFILL, -10),
        ]
        assert gated.most == 1
        assert (live.active, live.backfills, live.holders) == (0, 0, 0)
        slots = kit.running.core.slots
        assert (slots.waiting, slots.claimed, slots.pools["async"].free) == (0, 0, 1_000)
        await check(kit, effects=gated.began)


async def test_one_that_gave_its_turn_does_not_start_beside_its_schedule(world: World) -> None:
    gated = Gated()
    gated.job("blocker", every=86_400, overlap="allow")
    gated.job("work", every=10)
    async with running(gated.group, world=world, async_slots=2) as kit:
        await kit.engine.trigger_job("g/blocker")
        await kit.engine.trigger_job("g/blocker")
        await kit.engine.backfill_job("g/work", at(-10), START)
        await kit.clock.advance(11)
        await gated.end(kit)
        await gated.end(kit)
        assert gated.told()[2:] == [(SCHEDULE, 10)], "a slot is free, and it is not its turn"
        await gated.end(kit)
        assert gated.told()[3:] == [(BACKFILL, -10)]
        await gated.end(kit)
        await check(kit)


async def test_one_that_gave_its_turn_takes_nobodys_place(world: World) -> None:
    done: list[tuple[str, Source]] = []
    group = Group("g", limit=1)
    gate = asyncio.Event()

    async def work() -> None:
        run = current_run()
        done.append((run.job, run.source))
        if run.job == "g/blocker":
            await gate.wait()
        if run.source is SCHEDULE:
            raise ValueError("later")

    group.job(every=86_400, name="blocker")(work)
    group.job(every=10, name="work", retries=1, retry_delay_s=3_600, retry_jitter=0)(work)
    group.job(every=86_400, name="other")(work)
    async with running(group, world=world) as kit:
        await kit.engine.trigger_job("g/blocker")
        await kit.engine.backfill_job("g/work", at(-10), START)
        await kit.engine.backfill_job("g/other", at(-86_400), START)
        await kit.clock.advance(11)
        gate.set()
        await kit.clock.settle()
        assert done[1:] == [("g/work", SCHEDULE), ("g/other", BACKFILL)]


async def test_one_that_waits_for_its_retry_gives_its_turn_to_the_schedule(world: World) -> None:
    done: list[tuple[Source, int]] = []
    group = Group("g")

    async def work() -> None:
        run = current_run()
        done.append((run.source, run.attempt))
        if run.source is BACKFILL and run.attempt == 1:
            raise ValueError("later")

    group.job(every=10, name="work", retries=1, retry_delay_s=60, retry_jitter=0)(work)
    async with running(group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-10), START)
        await kit.clock.advance(21)
        assert done == [(BACKFILL, 1), (SCHEDULE, 1), (SCHEDULE, 1)]
        await kit.clock.advance(50)
        assert (BACKFILL, 2) in done
        await check(kit)


async def test_the_console_sees_the_one_that_runs(world: World) -> None:
    gated = Gated()
    gated.job()
    async with running(gated.group, world=world) as kit:
        answer = await kit.engine.backfill_job("g/work", at(-30), START)
        await kit.clock.settle()
        (row,) = (await kit.client.snapshot()).jobs
        assert (row.running_id, row.active) == (answer.runs[0], 3)
        await gated.end(kit, 3)
