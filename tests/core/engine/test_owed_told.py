"""Who is told, and what its rows say, where a trigger is found failing by no tick."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from engine_kit import Kit, KitClock, World, due_s
from owed_kit import FAILS, MISSED, Calendar, away

from schedtui import Group, Webhook
from schedtui.errors import StoreUnavailableError
from schedtui.models import JobState, RunState

DEAD = "http://127.0.0.1:9/x"
"""Nobody listens there, so that each notice stays in the store."""


async def begun(world: World, calendar: Calendar, clock: KitClock | None = None) -> Kit:
    group = Group("g")

    async def work() -> None: ...

    group.job(trigger=calendar)(work)
    kit = await Kit([group], world=world, clock=clock, alerts=[Webhook(url=DEAD)]).start()
    await kit.clock.advance(5)
    return kit


async def reasons(kit: Kit) -> list[str]:
    kept = await asyncio.to_thread(kit.store.outbox, "webhook 127.0.0.1", 100)
    return [json.loads(one.body)["run"]["reason"] for one in kept]


def state(kit: Kit) -> JobState:
    return kit.running.core.jobs.named("g/work").state


async def test_a_notice_says_so_at_the_end_of_a_pause_of_the_engine(world: World) -> None:
    calendar = Calendar()
    kit = await begun(world, calendar)
    await kit.engine.pause_engine(reason="move")
    await kit.clock.advance(30)
    calendar.wrong = away
    await kit.engine.resume_engine()
    await kit.clock.advance(1)
    assert state(kit) is JobState.BROKEN
    assert await reasons(kit) == [FAILS]
    await kit.stop()


async def test_a_notice_says_so_where_the_clock_was_set_back(world: World) -> None:
    calendar = Calendar()
    kit = await begun(world, calendar)
    calendar.wrong = away
    kit.clock.step(-4 * 3_600)
    await kit.clock.advance(1)
    assert state(kit) is JobState.BROKEN
    assert await reasons(kit) == [FAILS]
    await kit.stop()


async def test_rows_say_what_failed_when_their_job_was_made(world: World) -> None:
    calendar = Calendar()
    calendar.wrong = away
    kit = await begun(world, calendar)
    await kit.clock.advance(20)
    calendar.wrong = None
    await kit.client.resume_job("g/work")
    told = [(due_s(run), run.state, run.reason) for run in await kit.rows()]
    assert told == [(10.0, MISSED, FAILS), (20.0, MISSED, FAILS)]
    await kit.stop()


async def test_a_notice_says_so_where_its_job_is_made_and_at_no_later_start(world: World) -> None:
    calendar = Calendar()
    calendar.wrong = away
    kit = await begun(world, calendar)
    assert state(kit) is JobState.BROKEN
    assert FAILS in "".join(kit.running.core.problems.values())
    assert await reasons(kit) == [FAILS]
    assert [line.action for line in (await kit.client.audit()).items].count("job.broken") == 1
    moment = await kit.crash()
    kit = await begun(world, calendar, KitClock(moment))
    assert state(kit) is JobState.BROKEN
    assert await reasons(kit) == [FAILS]
    calendar.wrong = None
    await kit.client.resume_job("g/work")
    await kit.clock.advance(10)
    assert [(due_s(run), run.state) for run in await kit.rows()] == [
        (10.0, MISSED),
        (20.0, RunState.SUCCEEDED),
    ]
    await kit.stop()


async def test_a_notice_says_so_where_its_declaration_comes_back(tmp_path: Path) -> None:
    world, calendar = World("sqlite", tmp_path), Calendar()
    kit = await begun(world, calendar)
    await kit.clock.advance(10)
    kit = await Kit([Group("g")], world=world, clock=KitClock(await kit.crash())).start()
    await kit.clock.advance(20)
    calendar.wrong = away
    kit = await begun(world, calendar, KitClock(await kit.crash()))
    assert state(kit) is JobState.BROKEN
    assert await reasons(kit) == [FAILS]
    await kit.stop()


async def test_a_store_that_cannot_be_read_once_is_no_failure_of_the_trigger(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = await begun(world, Calendar())
    await kit.client.pause_job("g/work", reason="look")
    await kit.clock.advance(20)
    read, once = kit.store.changes_of, iter([StoreUnavailableError("locked")])

    def changes_of(*args: Any, **kwargs: Any) -> Any:
        for error in once:
            raise error
        return read(*args, **kwargs)

    monkeypatch.setattr(kit.store, "changes_of", changes_of, raising=False)
    with pytest.raises(StoreUnavailableError):
        await kit.client.resume_job("g/work")
    assert state(kit) is JobState.PAUSED
    await kit.client.resume_job("g/work")
    await kit.clock.advance(10)
    assert [due_s(run) for run in await kit.rows()] == [10, 20, 30]
    await kit.stop()
