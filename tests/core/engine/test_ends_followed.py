"""What follows the runs of a cancelled backfill: nothing that never was keeps it back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_kit import Kit, World, at, running
from life_laws import named

from schedtui import After, Group, current_run
from schedtui.models import Run, RunState

AFTER = After(job="g/work", on="end")


async def ended(kit: Kit, job: str) -> list[Run]:
    """The rows of a job once all of its runs have ended."""
    live = kit.running.core.jobs.named(job)
    await kit.until(lambda: not live.active)
    await kit.clock.settle()
    rows = await kit.rows(live.id)
    assert all(run.finished_at for run in rows)
    assert kit.running.core.slots.waiting == 0
    return rows


@pytest.mark.parametrize("own", [{}, {"run_once_key": "%Y"}], ids=["overlap", "once"])
async def test_a_start_on_its_way_keeps_nothing_back(world: World, own: dict[str, Any]) -> None:
    group = Group("g")

    @group.job(every=10, name="work")
    async def work() -> None:
        raise ValueError("not today")

    done: list[int | None] = []

    @group.job(after=[AFTER], name="end", **own)
    async def end() -> None:
        done.append(current_run().parent_id)

    async with running(group, world=world) as kit:
        await kit.engine.backfill_job("g/work", at(-50), at(0))
        assert await kit.engine.cancel_backfill("g/work") == 4
        states = [run.state for run in await ended(kit, "g/work")]
        assert states == [RunState.FAILED, *[RunState.CANCELLED] * 4]
        rows = await ended(kit, "g/end")
        assert len(rows) == 5
        assert done
        assert named(await kit.rows()) == []


@pytest.mark.parametrize("turns", [0, 3, 9])
async def test_a_run_that_ends_just_then_is_followed(world: World, turns: int) -> None:
    group, gate = Group("g"), asyncio.Event()
    done: list[int | None] = []
    group.job(every=10, name="work")(gate.wait)

    @group.job(after=[AFTER], name="end")
    async def end() -> None:
        done.append(current_run().parent_id)

    async with running(group, world=world) as kit:
        backfill = await kit.engine.backfill_job("g/work", at(-10), at(0))
        await kit.clock.settle()
        gate.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        assert await kit.engine.cancel_backfill("g/work") == 0
        await ended(kit, "g/work")
        assert [run.state for run in await ended(kit, "g/end")] == [RunState.SUCCEEDED]
        assert done == list(backfill.runs)
