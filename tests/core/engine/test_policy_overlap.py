"""Overlap, concurrency, limits and priority, on a real engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_kit import World, check, due_s, running

from schedtui import Group, current_run
from schedtui.errors import InvalidError
from schedtui.models import JobPatch, JobSpec, Policies, RunState, Source, WaitReason

OK, SKIPPED, CANCELLED = RunState.SUCCEEDED, RunState.SKIPPED, RunState.CANCELLED
QUEUED, RUNNING = RunState.QUEUED, RunState.RUNNING


class Slow:
    """Jobs whose runs end when they are told to, oldest first."""

    def __init__(self, **group: Any) -> None:
        self.group = Group("g", **group)
        self.began: list[tuple[str, int]] = []
        self.gates: list[asyncio.Event] = []
        self.most = 0
        self.now = 0

    def job(self, name: str = "work", every: float = 10, **policies: Any) -> None:
        self.group.job(every=every, name=name, **policies)(self.work)

    async def work(self) -> None:
        run = current_run()
        self.began.append((run.job.partition("/")[2], run.id))
        self.now += 1
        self.most = max(self.most, self.now)
        gate = asyncio.Event()
        self.gates.append(gate)
        try:
            await gate.wait()
        finally:
            self.now -= 1

    def end(self) -> None:
        self.gates.pop(0).set()


async def test_allow_lets_runs_go_side_by_side(world: World) -> None:
    slow = Slow()
    slow.job(overlap="allow")
    async with running(slow.group, world=world) as kit:
        await kit.clock.advance(31)
        assert slow.most == 3
        assert [run.state for run in await kit.rows()] == [RUNNING] * 3
        while slow.gates:
            slow.end()
        await kit.clock.settle()
        await check(kit, effects=slow.began)


async def test_queue_one_lets_one_wait_and_skips_the_others(world: World) -> None:
    slow = Slow()
    slow.job(overlap="queue_one")
    async with running(slow.group, world=world) as kit:
        await kit.clock.advance(41)
        rows = await kit.rows()
        assert [run.state for run in rows] == [RUNNING, QUEUED, SKIPPED, SKIPPED]
        assert rows[1].wait_reason is WaitReason.OVERLAP
        assert rows[2].reason == "overlap: run 2 is already waiting for its turn"
        slow.end()
        await kit.clock.settle()
        assert [run.state for run in await kit.rows()] == [OK, RUNNING, SKIPPED, SKIPPED]
        slow.end()
        await kit.clock.settle()
        await check(kit, effects=slow.began)
        assert slow.most == 1


async def test_queue_all_runs_every_due_time_one_after_another(world: World) -> None:
    slow = Slow()
    slow.job(overlap="queue_all")
    async with running(slow.group, world=world) as kit:
        await kit.clock.advance(41)
        assert [run.state for run in await kit.rows()] == [RUNNING, QUEUED, QUEUED, QUEUED]
        for _ in range(4):
            slow.end()
            await kit.clock.settle()
        rows = await kit.rows()
        assert [(due_s(run), run.state) for run in rows] == [(10 * n, OK) for n in (1, 2, 3, 4)]
        assert slow.began == [("work", n) for n in (1, 2, 3, 4)]
        assert slow.most == 1
        await check(kit, effects=slow.began)


async def test_cancel_running_ends_the_old_run_and_then_runs_the_new_one(world: World) -> None:
    slow = Slow()
    slow.job(overlap="cancel_running")
    async with running(slow.group, world=world) as kit:
        await kit.clock.advance(21)
        rows = await kit.rows()
        assert [run.state for run in rows] == [CANCELLED, RUNNING]
        assert rows[0].reason == "run 2 takes its place"
        assert slow.most == 1
        slow.gates[-1].set()
        await kit.clock.settle()
        await check(kit, effects=slow.began)


async def test_cancel_running_replaces_one_that_still_waits(world: World) -> None:
    slow = Slow()
    slow.job(overlap="cancel_running")
    async with running(slow.group, world=world, async_slots=1) as kit:
        slow.group.job(every=3_600, name="blocker")  # the only slot is taken by the job itself
        await kit.clock.advance(11)
        kit.running.core.pools["async"].free = 0
        first = slow.gates[0]
        await kit.clock.advance(10)
        first.set()
        await kit.clock.settle()
        states = [run.state for run in await kit.rows()]
        assert states[0] in (CANCELLED, OK)
        assert states[1] in (QUEUED, RUNNING)


@pytest.mark.parametrize("overlap", ["skip", "queue_all"])
async def test_concurrency_allows_so_many_at_once(world: World, overlap: str) -> None:
    slow = Slow()
    slow.job(overlap=overlap, concurrency=2)
    async with running(slow.group, world=world) as kit:
        await kit.clock.advance(41)
        third = SKIPPED if overlap == "skip" else QUEUED
        assert [run.state for run in await kit.rows()] == [RUNNING, RUNNING, third, third]
        assert slow.most == 2
        while slow.gates:
            slow.end()
            await kit.clock.settle()
        assert slow.most == 2
        await check(kit, effects=slow.began)


async def test_a_named_pool_limits_the_runs_of_its_jobs_together(world: World) -> None:
    slow = Slow()
    for name in ("a", "b", "c"):
        slow.job(name, every=60, pool="db")
    slow.job("d", every=60)
    async with running(slow.group, world=world, pools={"db": 2}) as kit:
        await kit.clock.advance(61)
        assert sorted(name for name, _ in slow.began) == ["a", "b", "d"]
        waiting = [run for run in await kit.rows() if run.state is QUEUED]
        assert [(run.job, run.wait_reason) for run in waiting] == [("g/c", WaitReason.POOL)]
        slow.end()
        await kit.clock.settle()
        assert [name for name, _ in slow.began][-1] == "c"
        while slow.gates:
            slow.end()
            await kit.clock.settle()
        assert {run.state for run in await kit.rows()} == {OK}


async def test_a_group_limits_the_runs_of_its_jobs(world: World) -> None:
    slow = Slow(limit=1)
    for name in ("a", "b", "c"):
        slow.job(name, every=60)
    async with running(slow.group, world=world) as kit:
        await kit.clock.advance(61)
        assert slow.now == 1
        for _ in range(3):
            slow.end()
            await kit.clock.settle()
        assert slow.most == 1
        assert {run.state for run in await kit.rows()} == {OK}


async def test_places_pass_on_from_those_that_were_cancelled(world: World) -> None:
    slow = Slow()
    for name in ("a", "b", "c"):
        slow.job(name, every=60, pool="db")
    async with running(slow.group, world=world, pools={"db": 1}) as kit:
        await kit.clock.advance(61)
        _, second, third = await kit.rows()
        await kit.engine.cancel_run(second.id, reason="not needed")
        slow.end()
        await kit.clock.settle()
        assert [name for name, _ in slow.began] == ["a", "c"]
        slow.end()
        await kit.clock.settle()
        rows = await kit.rows()
        assert [run.state for run in rows] == [OK, CANCELLED, OK]
        assert rows[1].reason == "cancelled by python: not needed"
        assert third.id == rows[2].id


async def test_the_higher_priority_goes_first(world: World) -> None:
    slow = Slow()
    slow.job("blocker", every=50)
    slow.job("low", every=60, priority=-5)
    slow.job("plain", every=60)
    slow.job("high", every=60, priority=5)
    async with running(slow.group, world=world, async_slots=1) as kit:
        await kit.clock.advance(61)
        for _ in range(4):
            slow.end()
            await kit.clock.settle()
        assert [name for name, _ in slow.began] == ["blocker", "high", "plain", "low"]


async def test_of_those_due_together_the_higher_priority_is_claimed_first(world: World) -> None:
    slow = Slow()
    slow.job("low", every=60, priority=-5)
    slow.job("high", every=60, priority=5)
    async with running(slow.group, world=world, async_slots=1) as kit:
        await kit.clock.advance(61)
        assert [name for name, _ in slow.began] == ["high"]


async def test_what_waits_for_its_turn_goes_on_after_a_crash(world: World) -> None:
    slow = Slow()
    slow.job(overlap="queue_all")
    async with running(slow.group, world=world) as kit:
        await kit.clock.advance(31)
        at = await kit.crash()
    again = Slow()
    again.job(overlap="queue_all")
    from engine_kit import KitClock

    async with running(again.group, world=world, clock=KitClock(at)) as kit:
        await kit.clock.settle()
        assert [run.state for run in await kit.rows()] == [RunState.LOST, RUNNING, QUEUED]
        again.end()
        await kit.clock.settle()
        again.end()
        await kit.clock.settle()
        assert [run.state for run in await kit.rows()] == [RunState.LOST, OK, OK]
        assert again.most == 1


async def test_an_edit_of_overlap_lets_those_that_wait_go(world: World) -> None:
    slow = Slow()
    slow.job(overlap="queue_all")
    async with running(slow.group, world=world) as kit:
        await kit.clock.advance(31)
        from schedtui.models import JobPatch, Overlap, Policies

        patch = JobPatch(policies=Policies(overlap=Overlap.ALLOW))
        await kit.client.edit_job("g/work", patch)
        await kit.clock.settle()
        assert slow.now == 3


async def test_every_manual_run_of_queue_all_waits_its_turn(world: World) -> None:
    slow = Slow()
    slow.job(every=3_600, overlap="queue_all")
    async with running(slow.group, world=world) as kit:
        runs = [await kit.client.trigger_job("g/work") for _ in range(3)]
        await kit.clock.settle()
        assert {run.source for run in runs} == {Source.MANUAL}
        for _ in range(3):
            await kit.until(lambda: bool(slow.gates))
            slow.end()
            await kit.clock.settle()
        assert [run_id for _, run_id in slow.began] == [run.id for run in runs]
        assert slow.most == 1


async def test_a_pool_that_the_engine_does_not_have_is_refused_and_told(world: World) -> None:
    slow = Slow()
    slow.job("typo", every=60, pool="dbb")
    slow.group.function("plain")(slow.work)
    async with running(slow.group, world=world, pools={"db": 1}) as kit:
        expected = "a pool of this engine: db"
        (problem,) = kit.running.info().problems
        assert problem.startswith("g/typo names the pool 'dbb', so nothing limits its runs")
        assert problem.endswith(expected)
        wrong = Policies(pool="nosuch")
        spec = JobSpec(
            function="g/plain", trigger={"type": "every", "seconds": 60}, name="x", policies=wrong
        )
        with pytest.raises(InvalidError, match=expected) as caught:
            await kit.client.create_job(spec)
        assert [error.field for error in caught.value.errors] == ["policies.pool"]
        with pytest.raises(InvalidError, match=expected):
            await kit.client.edit_job("g/typo", JobPatch(policies=wrong))
        assert kit.running.core.jobs.find("g", "x") is None


async def test_a_skip_names_a_run_that_is_on_its_way_to_the_store(world: World) -> None:
    slow = Slow()
    slow.job()
    async with running(slow.group, world=world) as kit:
        asked = (kit.client.trigger_job("g/work") for _ in range(3))
        first, second, third = await asyncio.gather(*asked)
        assert second.reason == third.reason == f"overlap: run {first.id} is still active"
        await kit.clock.settle()
        slow.end()
        await kit.clock.settle()
        live = kit.running.core.jobs.named("g/work")
        assert (live.active, live.ahead, live.running) == (0, {}, {})
