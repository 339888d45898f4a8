"""Jobs whose trigger cannot be read or has failed: they say so, and an edit mends them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.triggers.base import BaseTrigger
from engine_commands import EVERY_10, Editable, dynamic
from engine_kit import KitClock, World, at, check, due_s, running

from schedtui import Group
from schedtui.errors import ConflictError
from schedtui.models import FactKind, JobPatch, JobState, RunState
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


async def test_a_trigger_that_failed_is_broken_until_its_trigger_is_edited(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        live.trigger = Failing(10)
        with monkeypatch.context() as patch:
            patch.setattr(kit.running.core, "trigger_of", lambda _: (Failing(10), ""))
            with pytest.raises(ConflictError, match=r"g/work cannot go on: .*division by zero"):
                await kit.client.resume_job("g/work")
        await kit.client.edit_job("g/work", JobPatch(trigger=json.loads(json.dumps(EVERY_10))))
        assert live.summary().state is JobState.SCHEDULED
        assert not kit.running.core.problems
        await kit.clock.advance(11)
        assert (await kit.rows())[-1].state is RunState.SUCCEEDED


class Service(BaseTrigger):  # type: ignore[misc]  # apscheduler ships no annotations
    """Every ten seconds, while a service answers."""

    down = False

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        if Service.down:
            raise OSError("the calendar service does not answer")
        due = datetime.fromtimestamp(-(-now.timestamp() // 10) * 10, UTC)
        late = previous is not None and due <= previous
        return due + timedelta(seconds=10) if late else due


@pytest.fixture
def service() -> Iterator[type[Service]]:
    yield Service
    Service.down = False


def declared(trigger: Any, **settings: Any) -> Group:
    group = Group("g")

    @group.job(trigger=trigger, **settings)
    async def work() -> None: ...

    return group


@pytest.mark.parametrize("how", ["restart", "a new declaration", "an edit"])
async def test_what_was_due_while_the_trigger_had_failed_gets_rows_when_it_works_again(
    world: World, service: type[Service], how: str
) -> None:
    async with running(declared(Service()), world=world) as kit:
        await kit.clock.advance(11)
        service.down = True
        await kit.clock.advance(30)
        service.down = False
        await kit.clock.advance(20)
        if how == "an edit":
            await kit.client.edit_job("g/work", JobPatch(trigger=EVERY_10))
            moment = None
        else:
            moment = await kit.crash()
    clock = KitClock(at(61) if moment is None else moment)
    group = declared(Every(10) if how == "a new declaration" else Service())
    async with running(group, world=world, clock=clock) as kit:
        await kit.clock.advance(10)
        rows = await kit.rows()
        assert [due_s(run) for run in rows] == [10, 20, 30, 40, 50, 60, 70]
        assert [run.state for run in rows[1:-1]] == [RunState.MISSED] * 5
        assert {"the calendar service does not answer" in run.reason for run in rows[1:-1]} == {
            True
        }
        assert rows[-1].state is RunState.SUCCEEDED
        await check(kit)
        told = await kit.client.explain("g/work", at(40))
        assert told.facts[0].kind is FactKind.BROKEN
        assert "its trigger failed" in told.summary


async def test_a_trigger_that_failed_from_the_beginning(
    world: World, service: type[Service]
) -> None:
    service.down = True
    async with running(declared(Service()), world=world) as kit:
        await kit.clock.advance(21)
        moment = await kit.crash()
    service.down = False
    async with running(declared(Service()), world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(10)
        rows = await kit.rows()
        assert [(due_s(run), run.state) for run in rows] == [
            (10, RunState.MISSED),
            (20, RunState.MISSED),
            (30, RunState.SUCCEEDED),
        ]
        assert "OSError: the calendar service does not answer" in rows[0].reason


async def test_a_job_that_is_finished_owes_nothing_when_it_begins_anew(world: World) -> None:
    """It has no next due time either, and no trigger of it failed."""
    async with running(declared(Every(10), max_runs=1), world=world) as kit:
        await kit.clock.advance(35)
        moment = await kit.crash()
    group = declared(Every(10), max_runs=3)
    async with running(group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(10)
        rows = await kit.rows()
        assert [(due_s(run), run.state) for run in rows] == [
            (10, RunState.SUCCEEDED),
            (40, RunState.SUCCEEDED),
        ]


async def test_a_job_whose_trigger_fails_can_be_deleted(service: type[Service]) -> None:
    async with running(declared(Service(), paused=True)) as kit:
        await kit.clock.advance(15)
        service.down = True
        live = kit.running.core.jobs.named("g/work")
        live.job = replace(live.job, orphaned=True)
        await kit.client.delete_job("g/work")
        (row,) = await kit.rows()
        assert (due_s(row), row.state) == (10, RunState.SKIPPED)
