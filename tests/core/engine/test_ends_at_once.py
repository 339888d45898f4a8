"""Queued runs that two things end at once: one of them wins, and none stays active in memory."""

from __future__ import annotations

import asyncio
from typing import Any

from engine_commands import Editable
from engine_kit import Kit, World, at, running

from schedtui import Group, Once
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
        await asyncio.gather(
            kit.engine.cancel_backfill("g/work"), kit.engine.cancel_run(backfill.runs[-1])
        )
        gate.set()
        await idle(kit, "g/work")


async def once(kit: Kit, due_s: float, **settings: Any) -> None:
    await kit.engine.create_job(
        function="g/work", trigger=Once(at(due_s)), name="once", replace=True, **settings
    )


def when_replaced(kit: Kit, then: Any) -> None:
    """Do something when the next replacement is on its way to the store."""
    writer = kit.running.writer
    submit = writer.submit
    live = kit.running.core.jobs.named("g/once")

    def submitted(write: Write) -> None:
        submit(write)
        if live.busy and write.lane is Lane.CLAIM:
            writer.submit = submit  # type: ignore[method-assign]  # it listens no more
            then(next(iter(live.running.values())))

    writer.submit = submitted  # type: ignore[method-assign]  # to know when it is handed in


async def test_a_one_off_is_replaced_and_its_run_cancelled_at_once(world: World) -> None:
    jobs = Editable()
    jobs.gate.clear()
    async with running(jobs.group, world=world, async_slots=1) as kit:
        await kit.engine.run_function("g/work", {"n": 0})
        await once(kit, 5)
        await kit.clock.advance(6)
        cancels = kit.running.commands._cancels
        when_replaced(kit, lambda run: cancels.cancel(run.id, "python"))
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
        when_replaced(kit, kit.running.admission._too_late)
        await once(kit, 60)
        jobs.gate.set()
        await idle(kit, "g/once")
        await kit.clock.advance(60)
        live = kit.running.core.jobs.named("g/once")
        told = [run.state for run in await kit.rows(live.id)]
        assert told == [RunState.CANCELLED, RunState.SUCCEEDED]
