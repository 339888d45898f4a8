"""A trigger that fails while its job or engine is paused: what is due then is owed, not lost."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest
from engine_commands import EVERY_10
from engine_kit import at
from owed_kit import (
    FAILS,
    LOOK,
    MISSED,
    RAN,
    SKIPPED,
    Answer,
    Calendar,
    Place,
    away,
    ended,
    falling,
    naive,
    paused,
)

from schedtui.engine.code.reconcile import reconcile
from schedtui.models import JobPatch, JobState
from schedtui.policies import make
from schedtui.triggers import foreign


async def by_restart(place: Place) -> None:
    await place.restart()


async def by_resume(place: Place) -> None:
    await place.kit.client.resume_job("g/work")


async def by_reload(place: Place) -> None:
    parts = place.kit.running
    await reconcile(parts.core, parts.writes, parts.commands.hold)


async def by_edit(place: Place) -> None:
    await place.kit.client.edit_job("g/work", JobPatch(trigger=EVERY_10))


MENDS = [by_restart, by_resume, by_reload, by_edit]


@pytest.mark.parametrize("mend", MENDS)
@pytest.mark.parametrize("wrong", [away, naive, falling])
async def test_the_end_of_a_pause_leaves_each_due_time_its_row(
    tmp_path: Path,
    mend: Callable[[Place], Awaitable[None]],
    wrong: Callable[[Answer, datetime], Answer],
) -> None:
    place = await paused(tmp_path)
    place.calendar.wrong = wrong
    await place.kit.clock.advance(40)
    assert place.broken
    assert not (await place.kit.client.job("g/work")).paused
    assert await place.told() == [(10, SKIPPED, LOOK)]
    place.calendar.wrong = None
    await mend(place)
    await place.kit.clock.advance(10)
    assert [(due, state) for due, state, _ in await place.told()] == [
        (10, SKIPPED),
        (20, SKIPPED),
        (30, SKIPPED),
        (40, MISSED),
        (50, MISSED),
        (60, RAN),
    ]
    reasons = [reason for _, _, reason in await place.told()]
    assert reasons[:3] == [LOOK] * 3
    assert {one[: len("its trigger failed")] for one in reasons[3:5]} == {"its trigger failed"}
    assert place.state is JobState.SCHEDULED
    assert not place.kit.running.core.problems
    await place.kit.stop()


@pytest.mark.parametrize("down_s", [0, 3, 30])
async def test_a_kill_within_the_pause_or_over_its_end(tmp_path: Path, down_s: float) -> None:
    place = await paused(tmp_path)
    await place.restart(down_s)
    await place.kit.clock.advance(30 - down_s)
    await place.restart()  # while it still fails
    assert place.state is JobState.BROKEN
    place.calendar.wrong = None
    await place.restart()
    await place.kit.clock.advance(10)
    states = [(due, state) for due, state, _ in await place.told()]
    assert states == [(10, SKIPPED), (20, SKIPPED), (30, SKIPPED), (40, MISSED), (50, RAN)]
    await place.kit.stop()


async def test_a_trigger_that_fails_for_one_question_alone(tmp_path: Path) -> None:
    place = await paused(tmp_path)

    def once(previous: Answer, now: datetime) -> Answer:
        place.calendar.wrong = None
        return away(previous, now)

    place.calendar.wrong = once
    await place.kit.clock.advance(30)
    assert place.state is JobState.BROKEN
    await by_resume(place)
    await place.kit.clock.advance(10)
    states = [(due, state) for due, state, _ in await place.told()]
    assert states == [(10, SKIPPED), (20, SKIPPED), (30, SKIPPED), (40, MISSED), (50, RAN)]
    await place.kit.stop()


@pytest.mark.parametrize("restart", [False, True])
async def test_each_of_several_pauses_keeps_its_own_due_times(
    tmp_path: Path, restart: bool
) -> None:
    place = await paused(tmp_path)
    await place.kit.clock.advance(10)
    await place.kit.client.pause_job("g/work", reason="new", until=at(55))
    assert (await place.kit.client.job("g/work")).pause_reason == "new"
    await place.kit.clock.advance(20)
    if restart:
        await place.restart()
    place.calendar.wrong = None
    await place.kit.clock.advance(20)
    assert await place.told() == [
        *((due, SKIPPED, LOOK) for due in (10, 20)),
        *((due, SKIPPED, "paused by local: new") for due in (30, 40, 50)),
        (60, RAN, ""),
    ]
    await place.kit.stop()


async def test_a_broken_job_that_is_paused_later_owes_each_its_own(tmp_path: Path) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    place.calendar.wrong = away
    await place.kit.clock.advance(25)
    await place.kit.client.pause_job("g/work", reason="look", until=at(45))
    await place.kit.clock.advance(30)
    place.calendar.wrong = None
    await place.restart()
    await place.kit.clock.advance(10)
    assert [(due, state) for due, state, _ in await place.told()] == [
        (10, MISSED),
        (20, MISSED),
        (30, SKIPPED),
        (40, SKIPPED),
        (50, RAN),
        (60, RAN),
    ]
    await place.kit.stop()


@pytest.mark.parametrize("from_start", [False, True])
async def test_a_pause_of_the_engine_keeps_its_due_times(tmp_path: Path, from_start: bool) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    reason = "engine paused by local: look"
    if from_start:
        await place.restart(paused=True)
        reason = "engine paused by engine: started paused"
    else:
        await place.kit.client.pause_engine(reason="look")
    await place.kit.clock.advance(25)
    place.calendar.wrong = away
    await place.kit.client.resume_engine()
    await place.kit.clock.advance(10)
    assert place.state is JobState.BROKEN
    assert "away" in "".join(place.kit.running.core.problems.values())
    assert await place.told() == [(10, SKIPPED, reason)]
    place.calendar.wrong = None
    await place.restart()
    await place.kit.clock.advance(10)
    assert await place.told() == [
        (10, SKIPPED, reason),
        (20, SKIPPED, reason),
        (30, MISSED, FAILS),
        (40, RAN, ""),
    ]
    await place.kit.stop()


async def test_a_job_that_gets_another_schedule_is_accounted_for_by_that(tmp_path: Path) -> None:
    place = await paused(tmp_path, 55)
    await place.kit.clock.advance(20)
    await by_edit(place)
    await place.kit.clock.advance(30)
    assert await place.told() == [
        *((due, SKIPPED, LOOK) for due in (10, 20, 30, 40, 50)),
        (60, RAN, ""),
    ]
    await place.kit.stop()


async def test_one_that_has_come_to_its_end_meanwhile_still_pays(tmp_path: Path) -> None:
    place = await paused(tmp_path)
    await place.kit.clock.advance(30)

    def short(previous: Answer, now: datetime) -> Answer:
        due = Calendar.right(previous, now)
        return due if due <= at(40) else None

    place.calendar.wrong = short
    await place.restart()
    await place.kit.clock.advance(10)
    states = [(due, state) for due, state, _ in await place.told(right=False)]
    assert states == [(10, SKIPPED), (20, SKIPPED), (30, SKIPPED), (40, MISSED)]
    assert place.state is JobState.FINISHED
    await place.restart()
    assert len(await place.told(right=False)) == 4
    await place.kit.stop()


@pytest.mark.parametrize("is_paused", [False, True])
async def test_a_trigger_that_says_once_that_there_is_no_due_time_left(
    tmp_path: Path, is_paused: bool
) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    if is_paused:
        await place.kit.client.pause_job("g/work", reason="look", until=at(35))
    await place.kit.clock.advance(5)
    place.calendar.wrong = ended
    await place.kit.clock.advance(35)
    assert place.state is JobState.FINISHED
    place.calendar.wrong = None
    await place.restart()
    await place.kit.clock.advance(10)
    told = await place.told()
    mine = SKIPPED if is_paused else MISSED
    first = SKIPPED if is_paused else RAN
    assert [(due, state) for due, state, _ in told] == [
        (10, first),
        (20, mine),
        (30, mine),
        (40, MISSED),
        (50, RAN),
    ]
    assert told[3][2] == "its trigger had given no due time after 2026-03-02T12:00:10Z"
    await place.kit.stop()


async def test_a_trigger_that_hangs_at_the_end_of_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "ANSWER_S", 0.05)
    place, gate = await paused(tmp_path), threading.Event()

    def hang(previous: Answer, now: datetime) -> Answer:
        gate.wait(20)
        return Calendar.right(previous, now)

    place.calendar.wrong = hang
    await place.kit.clock.advance(30)
    assert place.state is JobState.BROKEN
    gate.set()
    place.calendar.wrong = None
    await place.restart()
    await place.kit.clock.advance(10)
    told = await place.told()
    states = [(due, state) for due, state, _ in told]
    assert states == [(10, SKIPPED), (20, SKIPPED), (30, SKIPPED), (40, MISSED), (50, RAN)]
    assert "did not answer within 0.05 s" in told[3][2]
    await place.kit.stop()


async def test_one_that_is_finished_owes_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path, max_runs=1)
    await place.kit.start()
    await place.kit.clock.advance(12)
    await place.kit.client.pause_job("g/work", until=at(35))
    place.calendar.wrong = away
    await place.kit.clock.advance(30)
    assert place.state is JobState.FINISHED
    policies = make(max_runs=0)
    place.calendar.wrong = None
    await place.kit.client.edit_job("g/work", JobPatch(policies=policies))
    await place.kit.clock.advance(10)
    assert (await place.kit.rows())[-1].state is RAN
    await place.kit.stop()
