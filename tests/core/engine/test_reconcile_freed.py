"""A declaration waits for its name, and is made when the job that had it lets go of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from engine_kit import FULL, Kit, KitClock, World, running

from schedtui import Every, Group
from schedtui.engine.code import reconcile
from schedtui.models import Health, JobPatch, RunState


async def work() -> None: ...


@pytest.fixture
async def kit(world: World) -> AsyncIterator[Kit]:
    """An engine whose one declaration waits for a dynamic job's name."""
    before, group = Group("g"), Group("g")
    before.function("work")(work)
    group.job(every=10, name="work")(work)
    clock = KitClock()
    async with running(before, world=world, clock=clock) as first:
        await first.engine.create_job(function="g/work", trigger=Every(3_600))
    async with running(group, world=world, clock=clock) as kit:
        assert kit.running.info().health is Health.DEGRADED
        yield kit


@pytest.mark.parametrize("frees", ["delete", "rename"])
async def test_a_declaration_whose_name_comes_free_is_made_at_once(kit: Kit, frees: str) -> None:
    if frees == "delete":
        await kit.client.delete_job("g/work")
    else:
        await kit.client.edit_job("g/work", JobPatch(name="mine"))
    job = await kit.client.job("g/work")
    assert job.static
    assert kit.running.info().problems == ()
    await kit.clock.advance(11)
    assert [run.state for run in await kit.rows(job.id)] == [RunState.SUCCEEDED]


async def test_a_name_that_comes_free_while_the_store_fails_is_told(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise FULL

    monkeypatch.setattr(reconcile, "_insert", full)
    await kit.client.delete_job("g/work")
    (problem,) = kit.running.info().problems
    assert problem.endswith("could not be made just now: the disk is full")
