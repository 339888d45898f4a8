"""Rule 4: edits, pauses and deletes that race with the firing; each due time keeps its one row."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from engine_commands import EVERY_10, RACES, Command, Editable, dynamic
from engine_kit import KitClock, World, at, check, due_s, running

from schedtui.errors import (
    JobNotFoundError,
)
from schedtui.models import JobPatch, JobSpec, RunState, Source


async def test_an_edit_at_the_due_moment_claims_it_under_the_old_schedule(world: World) -> None:
    worker = Editable()
    async with running(worker.group, world=world) as kit:
        job_id = await dynamic(kit)
        kit.clock._move(kit.clock._monotonic_us + 10_000_000)  # due, and no tick has run yet
        await kit.client.edit_job("g/work", JobPatch(trigger={"type": "every", "seconds": 25}))
        await kit.clock.advance(16)
        assert [due_s(run) for run in await kit.rows(job_id)] == [10.0, 25.0]
        assert worker.done == [("g/work", at(10)), ("g/work", at(25))]


@pytest.mark.parametrize("first", ["command", "tick", "both"])
@pytest.mark.parametrize("name", RACES)
async def test_a_command_at_the_very_due_moment(world: World, name: str, first: str) -> None:
    """Whoever comes first, the due time has one row, and runs at most once."""
    worker = Editable()
    async with running(worker.group, world=world) as kit:
        job_id = await dynamic(kit)
        await kit.clock.advance(9.5)
        kit.clock._move(kit.clock._monotonic_us + 500_000)
        if first == "tick":
            kit.running.core.wakeup()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        elif first == "both":
            kit.running.core.wakeup()
        await RACES[name](kit)
        await kit.clock.advance(0.01)
        rows = [run for run in await kit.rows(job_id) if run.source is Source.SCHEDULE]
        assert [due_s(run) for run in rows] == [10.0]
        allowed = {RunState.SUCCEEDED}
        if name == "trigger":
            allowed.add(RunState.SKIPPED)
        assert {run.state for run in rows} <= allowed
        await kit.clock.advance(31)
        await check(kit, after=at(10), effects=worker.done)
        assert not any(live.busy or live.active for live in kit.running.core.jobs)


@pytest.mark.parametrize("pair", list(itertools.permutations(RACES, 2)), ids="-".join)
async def test_two_commands_at_once_on_one_due_job(pair: tuple[str, str]) -> None:
    worker = Editable()
    async with running(worker.group) as kit:
        await dynamic(kit)
        await kit.clock.advance(9.5)
        kit.clock._move(kit.clock._monotonic_us + 500_000)
        kit.running.core.wakeup()
        results = await asyncio.gather(*(RACES[name](kit) for name in pair), return_exceptions=True)
        for name, result in zip(pair, results, strict=True):
            if isinstance(result, BaseException):
                assert isinstance(result, JobNotFoundError), (name, result)
                assert "delete" in pair or "rename" in pair
        await kit.clock.advance(31)
        await check(kit, after=at(10), effects=worker.done)
        assert not any(live.busy or live.active for live in kit.running.core.jobs)
        pools = kit.running.core.pools.values()
        for pool in pools:
            assert (pool.free, pool.claimed, pool.queue.size) == (pool.executor.slots, 0, 0)


async def test_a_job_due_every_millisecond_does_not_starve_a_command(world: World) -> None:
    worker = Editable()
    async with running(worker.group, world=world) as kit:
        await dynamic(kit, trigger={"type": "every", "seconds": 0.001})
        moving = asyncio.ensure_future(kit.clock.advance(0.5))
        await asyncio.sleep(0)
        for n in range(3):
            await kit.client.edit_job("g/work", JobPatch(kwargs={"n": n}))
            await kit.client.trigger_job("g/work")
        await kit.client.pause_job("g/work")
        await moving
        job = await kit.client.job("g/work")
        assert job.paused
        assert job.version == 5
        await kit.client.resume_job("g/work")
        await kit.client.pause_job("g/work")
        await check(kit, effects=worker.done)


class Restless(KitClock):
    """A clock that moves with every look at it, as a real one does."""

    def __init__(self) -> None:
        super().__init__()
        self.step_us = 0

    def now_us(self) -> int:
        if self.step_us:
            self._move(self._monotonic_us + self.step_us)
        return super().now_us()


@pytest.mark.parametrize("step_us", [400, 1_700])
async def test_no_due_time_slips_between_two_looks_at_the_clock(step_us: int) -> None:
    """Pause, resume, edit and delete while a job is due at every few looks at the clock."""
    worker = Editable()
    clock = Restless()
    async with running(worker.group, clock=clock) as kit:
        job_id = await dynamic(kit, trigger={"type": "every", "seconds": 0.001})
        clock.step_us = step_us
        for seconds in (0.002, 0.001, 0.003, 0.001):
            await kit.client.pause_job("g/work")
            await kit.client.resume_job("g/work")
            trigger = {"type": "every", "seconds": seconds}
            await kit.client.edit_job("g/work", JobPatch(trigger=trigger))
            for _ in range(3):
                kit.running.core.wakeup()
                await asyncio.sleep(0.001)
        await kit.client.edit_job("g/work", JobPatch(trigger={"type": "every", "seconds": 0.001}))
        mark = (await kit.client.job("g/work")).last_due
        for _ in range(10):
            await kit.client.pause_job("g/work")
            await kit.client.resume_job("g/work")
        clock.step_us = 0
        await kit.client.pause_job("g/work")
        await kit.clock.settle()
        assert mark is not None
        await check(kit, after=mark, effects=worker.done)
        singles = [run.scheduled_for for run in await kit.rows(job_id) if run.range_count is None]
        assert len(singles) == len(set(singles))


@pytest.mark.parametrize("slots", [1, 1_000])
async def test_a_trigger_that_races_with_a_delete_never_runs_after_it(slots: int) -> None:
    worker = Editable()
    worker.gate.clear()
    async with running(worker.group, async_slots=slots) as kit:
        await dynamic(kit, name="blocks")
        await kit.client.trigger_job("g/blocks")
        await kit.clock.settle()
        job_id = await dynamic(kit, name="work")
        deleting = asyncio.ensure_future(kit.client.delete_job("g/work"))
        await asyncio.sleep(0)
        triggering = asyncio.ensure_future(kit.client.trigger_job("g/work"))
        await asyncio.wait([deleting, triggering])
        worker.gate.set()
        await kit.clock.advance(2)
        assert deleting.exception() is None
        assert isinstance(triggering.exception(), JobNotFoundError)
        assert await kit.rows(job_id) == []
        assert len(worker.done) == 1


async def test_a_delete_that_races_with_a_trigger_lets_it_run_or_cancels_it() -> None:
    worker = Editable()
    worker.gate.clear()
    async with running(worker.group, async_slots=1) as kit:
        await dynamic(kit, name="blocks")
        await kit.client.trigger_job("g/blocks")
        await kit.clock.settle()
        await dynamic(kit, name="work")
        run, _ = await asyncio.gather(
            kit.client.trigger_job("g/work"), kit.client.delete_job("g/work")
        )
        worker.gate.set()
        await kit.clock.advance(2)
        assert (await kit.client.run(run.id)).state is RunState.CANCELLED
        assert len(worker.done) == 1
        assert kit.running.core.pools["async"].queue.size == 0


async def test_two_creates_at_once_without_a_name_get_one_each(world: World) -> None:
    worker = Editable()
    async with running(worker.group, world=world) as kit:
        spec = JobSpec(function="g/work", trigger=EVERY_10)
        jobs = await asyncio.gather(*(kit.client.create_job(spec) for _ in range(4)))
        assert sorted(job.name for job in jobs) == ["work", "work-2", "work-3", "work-4"]


async def test_two_creates_at_once_of_one_name_make_one_job(world: World) -> None:
    worker = Editable()
    async with running(worker.group, world=world) as kit:
        spec = JobSpec(function="g/work", trigger=EVERY_10, name="x")
        results = await asyncio.gather(
            *(kit.client.create_job(spec) for _ in range(3)), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in results) == [
            "ConflictError",
            "ConflictError",
            "Job",
        ]
        assert len(kit.running.core.jobs) == 1


@pytest.mark.parametrize("name", [*RACES, "create"])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_a_caller_that_goes_away_leaves_no_half_command(name: str, turns: int) -> None:
    """A cancelled request: its command is done whole, or not at all."""
    worker = Editable()
    async with running(worker.group) as kit:
        await dynamic(kit)
        commands: dict[str, Command] = {
            **RACES,
            "create": lambda kit: kit.engine.create_job(
                function="g/work", trigger=EVERY_10, name="new"
            ),
        }
        task = asyncio.ensure_future(commands[name](kit))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await kit.clock.settle()
        await kit.clock.advance(21)
        stored = {job.full_name: job.version for job in kit.store.inner.jobs()}
        living = {live.full_name: live.version for live in kit.running.core.jobs}
        assert stored == living
        assert all(run.finished_at for run in await kit.rows())
        assert not any(live.busy or live.active for live in kit.running.core.jobs)
        pools = kit.running.core.pools
        assert (pools["async"].free, pools["async"].claimed) == (1_000, 0)
        await check(kit, effects=worker.done)
