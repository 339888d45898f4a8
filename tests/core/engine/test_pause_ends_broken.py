"""A trigger that fails at the very moment at which the pause of its job ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from engine_commands import EVERY_10
from engine_kit import Kit, KitClock, World, at, due_s
from explain_kit import why

from schedtui import Group
from schedtui.models import Job, JobPatch, JobState, RunState


class Calendar:
    """An object as APScheduler has them: every ten seconds, while its service answers."""

    def __init__(self) -> None:
        self.down = False

    def __str__(self) -> str:
        return "calendar"

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        if self.down:
            raise OSError("the calendar is away")
        return datetime.fromtimestamp(-(-now.timestamp() // 10) * 10, UTC)


def declared(calendar: Calendar) -> Group:
    group = Group("g")

    @group.job(trigger=calendar)
    async def work() -> None: ...

    return group


async def ended(tmp_path: Path, calendar: Calendar, *, restart: bool = False) -> Kit:
    """An engine, 17 seconds after the end of a pause at which the trigger failed."""
    world = World("sqlite", tmp_path)
    kit = await Kit([declared(calendar)], world=world).start()
    await kit.client.pause_job("g/work", until=at(15), reason="look")
    await kit.clock.advance(12)
    calendar.down = True
    if restart:
        clock = KitClock(await kit.crash())
        clock.step(3)
        kit = await Kit([declared(calendar)], world=world, clock=clock).start()
    await kit.clock.advance(20)
    return kit


@pytest.mark.parametrize("restart", [False, True])
async def test_the_pause_ends_and_the_job_says_that_its_trigger_failed(
    tmp_path: Path, restart: bool
) -> None:
    calendar = Calendar()
    kit = await ended(tmp_path, calendar, restart=restart)
    job = await kit.client.job("g/work")
    assert (job.paused, job.paused_until, job.pause_reason) == (False, None, "")
    live = kit.running.core.jobs.named("g/work")
    assert live.state is JobState.BROKEN
    assert any("the calendar is away" in told for told in kit.running.core.problems.values())
    (first,) = await kit.rows()
    assert (due_s(first), first.state) == (10, RunState.SKIPPED)
    assert first.reason == "paused by local: look"
    (line,) = [one for one in (await kit.client.audit()).items if one.action == "job.broken"]
    assert line.detail["reason"].startswith("its trigger failed: ")
    assert "the calendar is away" in line.detail["reason"]
    await kit.stop()


async def test_what_was_due_since_gets_rows_when_the_trigger_works_again(tmp_path: Path) -> None:
    calendar = Calendar()
    kit = await ended(tmp_path, calendar)
    calendar.down = False
    clock = KitClock(await kit.crash())
    kit = await Kit([declared(calendar)], world=World("sqlite", tmp_path), clock=clock).start()
    await kit.clock.advance(10)
    rows = [(due_s(run), run.state) for run in await kit.rows()]
    assert rows[1:] == [
        (20, RunState.MISSED),
        (30, RunState.MISSED),
        (40, RunState.SUCCEEDED),
    ]
    assert "its trigger failed" in (await why(kit, at(20))).summary
    await kit.stop()


async def test_a_trigger_that_works_a_moment_later_makes_no_run_of_the_end(tmp_path: Path) -> None:
    calendar = Calendar()
    kit = await Kit([declared(calendar)], world=World("sqlite", tmp_path)).start()
    await kit.client.pause_job("g/work", until=at(15))
    await kit.clock.advance(12)
    calendar.down = True
    kit.faults.hooks["update_job"] = lambda: setattr(calendar, "down", False)
    await kit.clock.advance(20)
    assert [run.state for run in await kit.rows()] == [RunState.SKIPPED]
    await kit.stop()


def _pause(kit: Kit) -> Awaitable[Job | None]:
    return kit.client.pause_job("g/work", reason="broken")


def _edit(kit: Kit) -> Awaitable[Job | None]:
    return kit.client.edit_job("g/work", JobPatch(trigger=EVERY_10))


@pytest.mark.parametrize("command", [_pause, _edit])
async def test_commands_work_on_it(
    tmp_path: Path, command: Callable[[Kit], Awaitable[Job | None]]
) -> None:
    calendar = Calendar()
    kit = await Kit([declared(calendar)], world=World("sqlite", tmp_path)).start()
    await kit.client.pause_job("g/work", until=at(15))
    await kit.clock.advance(12)
    calendar.down = True
    kit.clock.step(6)
    job = await command(kit)
    assert job is not None
    assert job.paused_until is None
    await kit.stop()
