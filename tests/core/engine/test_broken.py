"""Jobs whose trigger cannot be read or has failed: they say so, and an edit mends them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from engine_commands import EVERY_10, Editable, dynamic
from engine_kit import World, running

from schedtui.errors import ConflictError
from schedtui.models import JobPatch, JobState, RunState
from schedtui.triggers import Every


class Failing(Every):
    """An interval whose arithmetic fails."""

    def next_after_us(self, us: int) -> int | None:  # noqa: ARG002 - it fails for any
        raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize("paused", [False, True])
async def test_an_unreadable_trigger_is_broken_and_not_paused(world: World, paused: bool) -> None:
    worker = Editable()
    async with running(worker.group, world=world) as kit:
        job_id = await dynamic(kit, paused=paused)
        core = kit.running.core
        live = core.jobs.named("g/work")
        odd = replace(live.current(), trigger={"type": "moon"}, version=2)
        await kit.running.writes.write(lambda tx: tx.update_job(odd, version=1))
    async with running(worker.group, world=world) as kit:
        live = kit.running.core.jobs.named("g/work")
        assert live.summary().state is JobState.BROKEN
        assert "cannot be read" in live.summary().pause_reason
        with pytest.raises(ConflictError, match="edit its trigger"):
            await kit.client.resume_job("g/work")
        assert (await kit.client.job("g/work")).paused is paused
        await kit.client.edit_job("g/work", JobPatch(trigger=EVERY_10))
        assert live.state is (JobState.PAUSED if paused else JobState.SCHEDULED)
        await kit.client.resume_job("g/work")
        await kit.clock.advance(11)
        assert [run.state for run in await kit.rows(job_id)] == [RunState.SUCCEEDED]


async def test_a_trigger_that_failed_is_broken_until_its_trigger_is_edited(world: World) -> None:
    worker = Editable()
    async with running(worker.group, world=world) as kit:
        await dynamic(kit)
        live = kit.running.core.jobs.named("g/work")
        live.trigger = Failing(10)
        await kit.clock.advance(11)
        assert live.state is JobState.BROKEN
        await kit.client.edit_job("g/work", JobPatch(description="something else"))
        assert live.state is JobState.BROKEN
        assert "its trigger failed" in live.summary().pause_reason
        assert kit.running.core.problems
        with pytest.raises(ConflictError, match="division by zero"):
            await kit.client.resume_job("g/work")
        await kit.client.edit_job("g/work", JobPatch(trigger=json.loads(json.dumps(EVERY_10))))
        assert live.summary().state is JobState.SCHEDULED
        assert not kit.running.core.problems
        await kit.clock.advance(11)
        assert (await kit.rows())[-1].state is RunState.SUCCEEDED
