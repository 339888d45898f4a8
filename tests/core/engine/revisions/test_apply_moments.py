"""Applying a file takes a while, and comes while jobs do not fire: each due time has one row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from apscheduler.triggers.base import BaseTrigger
from engine_commands import Editable, dynamic
from engine_kit import Kit, World, at, check, due_s, running
from files_kit import edited

from schedtui import Group
from schedtui.engine.revisions import revisions
from schedtui.errors import InvalidError
from schedtui.models import RunState


@pytest.fixture
def worker() -> Editable:
    return Editable()


@pytest.fixture
async def kit(worker: Editable, world: World) -> AsyncIterator[Kit]:
    """A job that is due every ten seconds."""
    async with running(worker.group, world=world) as kit:
        await dynamic(kit, name="one")
        await kit.clock.advance(23)
        yield kit


async def text_of(kit: Kit, *pairs: tuple[str, str]) -> str:
    return edited((await kit.client.export_jobs()).text, *pairs)


def takes(monkeypatch: pytest.MonkeyPatch, kit: Kit, seconds: float) -> None:
    """What follows the checks of a file takes so long."""
    staged: Callable[..., Awaitable[Any]] = vars(revisions)["staged"]

    async def slow(*args: Any) -> Any:
        kit.hung = True
        await kit.clock.advance(seconds)
        kit.hung = False
        return await staged(*args)

    monkeypatch.setattr(revisions, "staged", slow)


async def reasons(kit: Kit) -> list[tuple[float | None, RunState, str]]:
    return [(due_s(run), run.state, run.reason) for run in await kit.rows()]


async def test_a_job_whose_schedule_changes_slowly_has_one_row_for_each_due_time(
    kit: Kit, worker: Editable, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await text_of(kit, ("every = 10", "every = 5"))
    takes(monkeypatch, kit, 21)
    await kit.client.apply_jobs(text, note="n")
    job = await kit.client.job("g/one")
    assert job.next_due is not None
    assert job.last_due is not None
    assert job.next_due > job.last_due
    await kit.clock.advance(20)
    found = await reasons(kit)
    assert [due for due, *_ in found] == [10.0, 20.0, *range(25, 65, 5)]
    assert not [reason for *_, reason in found if "refused" in reason]
    await check(kit, after=at(23), effects=worker.done)


async def test_a_job_that_is_resumed_slowly_too(
    kit: Kit, worker: Editable, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kit.client.pause_job("g/one", reason="stock")
    await kit.clock.advance(10)
    text = await text_of(kit, ("paused = true\n", ""), ('pause_reason = "stock"\n', ""))
    takes(monkeypatch, kit, 21)
    await kit.client.apply_jobs(text, note="n")
    await kit.clock.advance(20)
    found = await reasons(kit)
    assert [due for due, *_ in found] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]
    assert [due for due, _, reason in found if "stock" in reason] == [30.0]
    await check(kit, after=at(23), effects=worker.done)


async def test_another_reason_of_a_pause_is_not_that_of_what_was_due_before(kit: Kit) -> None:
    await kit.client.pause_job("g/one", reason="tax day")
    await kit.clock.advance(10)
    text = await text_of(kit, ("tax day", "server move"))
    await kit.client.apply_jobs(text, note="n")
    await kit.clock.advance(10)
    await kit.client.resume_job("g/one")
    told = {due: reason for due, _, reason in await reasons(kit)}
    assert (told[30.0], told[40.0]) == (
        "paused by local: tax day",
        "paused by local: server move",
    )


async def test_a_pause_while_the_engine_is_paused_is_not_that_of_what_was_due_before(
    kit: Kit,
) -> None:
    await kit.client.pause_engine(reason="move")
    await kit.clock.advance(10)
    pause = "every = 10\npaused = true\npause_reason = 'stock'"
    await kit.client.apply_jobs(await text_of(kit, ("every = 10", pause)), note="n")
    await kit.clock.advance(10)
    await kit.client.resume_engine()
    await kit.client.resume_job("g/one")
    told = {due: reason for due, _, reason in await reasons(kit)}
    assert (told[30.0], told[40.0]) == (
        "engine paused by local: move",
        "paused by local: stock",
    )


async def test_a_pause_of_a_file_that_is_over_ends_another_ones_and_takes_nothing_of_it(
    kit: Kit,
) -> None:
    await kit.client.pause_job("g/one", reason="bob", until=at(35))
    text = await text_of(kit)
    await kit.client.pause_job("g/one", reason="ann")
    await kit.clock.advance(24)
    await kit.client.apply_jobs(text, note="n")
    job = await kit.client.job("g/one")
    assert (job.paused, job.next_due) == (False, at(50))
    told = {due: reason for due, _, reason in await reasons(kit)}
    assert (told[30.0], told[40.0]) == ("paused by local: ann",) * 2


class Shaky(BaseTrigger):  # type: ignore[misc]  # it has no types
    """A trigger of somebody's that asks a service."""

    fails = False

    def get_next_fire_time(self, _before: datetime | None, now: datetime) -> datetime:
        if self.fails:
            raise RuntimeError("the calendar is down")
        return now.replace(year=now.year + 1)


async def test_a_trigger_that_fails_is_told_with_its_job_and_nothing_is_done(world: World) -> None:
    group, trigger = Group("g"), Shaky()

    @group.job(trigger=trigger)
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        await kit.client.pause_job("g/work", reason="stock")
        text = await text_of(kit, ('paused = true\npause_reason = "stock"', "paused = false"))
        trigger.fails = True
        with pytest.raises(InvalidError) as raised:
            await kit.client.apply_jobs(text, note="n")
        (error,) = raised.value.errors
        assert error.field == "overrides.g/work.trigger"
        assert "the calendar is down" in error.expected
        assert (await kit.client.job("g/work")).paused
