"""Queued runs that two things end at once: one of them wins, and none stays active in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from engine_commands import Editable
from engine_kit import Kit, World, at, running

from schedtui import After, Group, Once, current_run
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs import ending
from schedtui.errors import ConflictError, StoreUnavailableError
from schedtui.models import RunState
from schedtui.store.writer import Lane, Write


async def idle(kit: Kit, job: str) -> None:
    """All runs of a job have ended, and nothing is left of them in memory."""
    await kit.until(lambda: not kit.running.core.jobs.named(job).running)
    await kit.clock.settle()
    live = kit.running.core.jobs.named(job)
    assert (live.active, live.backfills, live.holders) == (0, 0, 0)
    assert all(run.finished_at for run in await kit.rows(live.id))
    assert kit.running.core.slots.waiting == 0
    assert kit.store.illegal == []


async def test_a_backfill_and_one_of_its_runs_are_cancelled_at_once(world: World) -> None:
    gate = asyncio.Event()
    group = Group("g")
    group.job(every=10, name="work")(gate.wait)
    async with running(group, world=world) as kit:
        backfill = await kit.engine.backfill_job("g/work", at(-50), at(0))
        await kit.clock.settle()
        when_handed_in(kit, "g/work", lambda _: cancelled_alone(kit, backfill.runs[-1]))
        assert await kit.engine.cancel_backfill("g/work") == 4
        gate.set()
        await idle(kit, "g/work")


def cancelled_alone(kit: Kit, run_id: int) -> asyncio.Future[None]:
    """Cancel one run, beside another command that may be quicker."""

    async def cancel() -> None:
        with suppress(ConflictError):
            await kit.client.cancel_run(run_id)

    return asyncio.ensure_future(cancel())


def when_handed_in(kit: Kit, job: str, then: Callable[[LiveRun], object]) -> None:
    """Do something with the oldest run of a job when the next command of this job is on its way."""
    writer = kit.running.writer
    submit = writer.submit
    live = kit.running.core.jobs.named(job)

    def submitted(write: Write) -> None:
        submit(write)
        if live.busy and write.lane is Lane.CLAIM:
            writer.submit = submit  # type: ignore[method-assign]  # it listens no more
            then(next(iter(live.running.values())))

    writer.submit = submitted  # type: ignore[method-assign]  # to know when it is handed in


async def once(kit: Kit, due_s: float, **settings: Any) -> None:
    await kit.engine.create_job(
        function="g/work", trigger=Once(at(due_s)), name="once", replace=True, **settings
    )


async def test_a_one_off_is_replaced_and_its_run_cancelled_at_once(world: World) -> None:
    jobs = Editable()
    jobs.gate.clear()
    async with running(jobs.group, world=world, async_slots=1) as kit:
        await kit.engine.run_function("g/work", {"n": 0})
        await once(kit, 5)
        await kit.clock.advance(6)
        when_handed_in(kit, "g/once", lambda run: cancelled_alone(kit, run.id))
        await once(kit, 60)
        jobs.gate.set()
        await idle(kit, "g/once")
        await kit.clock.advance(60)
        live = kit.running.core.jobs.named("g/once")
        told = [run.state for run in await kit.rows(live.id)]
        assert told == [RunState.CANCELLED, RunState.SUCCEEDED]


async def test_a_one_off_is_replaced_as_its_run_has_waited_too_long(world: World) -> None:
    jobs = Editable()
    jobs.gate.clear()
    async with running(jobs.group, world=world, async_slots=1) as kit:
        await kit.engine.run_function("g/work", {"n": 0})
        await once(kit, 5, start_within_s=10)
        await kit.clock.advance(6)
        when_handed_in(kit, "g/once", kit.running.admission._too_late)
        await once(kit, 60)
        jobs.gate.set()
        await idle(kit, "g/once")
        await kit.clock.advance(60)
        live = kit.running.core.jobs.named("g/once")
        told = [run.state for run in await kit.rows(live.id)]
        assert told == [RunState.CANCELLED, RunState.SUCCEEDED]


def follow(group: Group, job: str) -> list[int | None]:
    """A job that runs after each end of another one; the runs that it ran after."""
    parents: list[int | None] = []

    @group.job(after=[After(job=job, on="end")], overlap="allow")
    async def last() -> None:
        parents.append(current_run().parent_id)

    return parents


async def test_what_follows_each_run_of_a_cancelled_backfill_runs(world: World) -> None:
    gate = asyncio.Event()
    group = Group("g")
    group.job(every=10, name="work")(gate.wait)
    parents = follow(group, "g/work")
    async with running(group, world=world) as kit:
        backfill = await kit.engine.backfill_job("g/work", at(-50), at(0))
        # Just then one of them is on its way to its start, and one is cancelled alone.
        alone = cancelled_alone(kit, backfill.runs[-1])
        await asyncio.sleep(0)
        await kit.engine.cancel_backfill("g/work")
        await alone
        gate.set()
        await idle(kit, "g/work")
        await idle(kit, "g/last")
        assert sorted(run or 0 for run in parents) == list(backfill.runs)


async def test_what_follows_more_runs_than_are_looked_at_together_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "SLICE", 3)
    gate = asyncio.Event()
    group = Group("g")
    group.job(every=10, name="work")(gate.wait)
    parents = follow(group, "g/work")
    async with running(group, world=world) as kit:
        backfill = await kit.engine.backfill_job("g/work", at(-100), at(0))
        await kit.clock.settle()
        assert await kit.engine.cancel_backfill("g/work") == 9
        await idle(kit, "g/last")
        assert sorted(run or 0 for run in parents) == list(backfill.runs)[1:]
        gate.set()
        await idle(kit, "g/work")


async def test_what_follows_a_one_off_that_is_replaced_runs(world: World) -> None:
    jobs = Editable()
    jobs.gate.clear()
    parents = follow(jobs.group, "g/once")
    async with running(jobs.group, world=world, async_slots=1) as kit:
        await kit.engine.run_function("g/work", {"n": 0})
        await once(kit, 5)
        await kit.clock.advance(6)
        await once(kit, 60)
        jobs.gate.set()
        await idle(kit, "g/once")
        await kit.clock.advance(60)
        rows = await kit.rows(kit.running.core.jobs.named("g/once").id)
        assert [run.state for run in rows] == [RunState.CANCELLED, RunState.SUCCEEDED]
        assert parents == [run.id for run in rows]


async def test_nothing_is_left_of_what_would_have_followed_where_the_store_is_away(
    world: World,
) -> None:
    gate = asyncio.Event()
    group = Group("g")
    group.job(every=10, name="work")(gate.wait)
    parents = follow(group, "g/work")
    async with running(group, world=world) as kit:
        backfill = await kit.engine.backfill_job("g/work", at(-50), at(0))
        await kit.clock.settle()
        kit.faults.once("cancel_queued:after", StoreUnavailableError("the disk is full"))
        with pytest.raises(StoreUnavailableError):
            await kit.engine.cancel_backfill("g/work")
        assert kit.running.core.jobs.named("g/last").active == 0
        gate.set()
        await idle(kit, "g/work")
        await idle(kit, "g/last")
        assert parents == list(backfill.runs)


async def test_what_follows_a_run_that_is_cancelled_as_it_is_queued_again_runs(
    world: World,
) -> None:
    group = Group("g")

    @group.job(every=10, name="work", retries=3, retry_delay_s=60)
    async def work() -> None:
        raise ValueError("not today")

    parents = follow(group, "g/work")
    async with running(group, world=world) as kit:
        go = threading.Event()
        kit.faults.hooks["retry"] = lambda: go.wait(10)
        kit.hung = True
        backfill = await kit.engine.backfill_job("g/work", at(-20), at(0))
        await kit.until(lambda: kit.faults.calls["retry"] == 1)
        cancelling = asyncio.ensure_future(kit.engine.cancel_backfill("g/work"))
        await kit.until(lambda: kit.running.core.jobs.named("g/work").busy)
        await asyncio.sleep(0)
        go.set()
        kit.hung = False
        assert await cancelling == 2
        await idle(kit, "g/work")
        await idle(kit, "g/last")
        assert sorted(run or 0 for run in parents) == list(backfill.runs)
