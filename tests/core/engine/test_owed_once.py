"""A trigger that says for one question alone that nothing is due any more: nothing is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest
from engine_kit import at, due_s
from owed_kit import MISSED, RAN, Answer, Calendar, Place, away, ended

from schedtui.models import JobPatch, JobState
from schedtui.policies import make


def at_question(number: int) -> Callable[[Answer, datetime], Answer]:
    """Right answers but for the one of this number."""
    asked = 0

    def answer(previous: Answer, now: datetime) -> Answer:
        nonlocal asked
        asked += 1
        right = Calendar.right(previous, now)
        return ended(previous, now) if asked == number else right

    return answer


async def pause_and_resume(place: Place, number: int) -> None:
    await place.kit.client.pause_job("g/work", reason="look")
    await place.kit.clock.advance(65)
    place.calendar.wrong = at_question(number)
    await place.kit.client.resume_job("g/work")


async def pause_anew(place: Place, number: int) -> None:
    await place.kit.client.pause_job("g/work", reason="look")
    await place.kit.clock.advance(35)
    await place.kit.client.pause_job("g/work", reason="new")
    await place.kit.clock.advance(30)
    place.calendar.wrong = at_question(number)
    await place.kit.client.resume_job("g/work")


async def pause_the_engine(place: Place, number: int) -> None:
    await place.kit.client.pause_engine(reason="look")
    await place.kit.clock.advance(65)
    place.calendar.wrong = at_question(number)
    await place.kit.client.resume_engine()


async def break_in_pauses(place: Place, number: int) -> None:
    place.calendar.wrong = away
    await place.kit.clock.advance(25)
    await place.kit.client.pause_job("g/work", reason="look", until=at(45))
    await place.kit.clock.advance(40)
    place.calendar.wrong = at_question(number)
    await place.restart()


@pytest.mark.parametrize("number", range(1, 13))
@pytest.mark.parametrize("life", [pause_and_resume, pause_anew, pause_the_engine, break_in_pauses])
async def test_one_such_answer_hides_no_due_time(
    tmp_path: Path, life: Callable[[Place, int], Awaitable[None]], number: int
) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await life(place, number)
    place.calendar.wrong = None
    if place.state is JobState.BROKEN:
        await place.kit.client.resume_job("g/work")
    if place.state is JobState.FINISHED:
        await place.restart()
    await place.kit.clock.advance(20)
    assert place.state is JobState.SCHEDULED
    assert [due for due, _, _ in await place.told()] == [10, 20, 30, 40, 50, 60, 70, 80]
    await place.kit.stop()


@pytest.mark.parametrize("max_runs", [0, 2, 100])
async def test_a_limit_that_is_not_reached_keeps_what_is_owed(
    tmp_path: Path, max_runs: int
) -> None:
    place = Place(tmp_path, max_runs=max_runs)
    await place.kit.start()
    await place.kit.clock.advance(5)
    place.calendar.wrong = ended
    await place.kit.clock.advance(40)
    assert place.state is JobState.FINISHED
    place.calendar.wrong = None
    await place.restart(20)
    told = [(due, state) for due, state, _ in await place.told()]
    assert told == [(10, RAN), *((due, MISSED) for due in (20, 30, 40, 50, 60))]
    await place.kit.clock.advance(20)
    assert (await place.told())[6][:2] == (70, RAN)
    await place.kit.stop()


@pytest.mark.parametrize("later", [0, 2])
async def test_one_that_had_reached_its_limit_owes_nothing_when_that_is_raised(
    tmp_path: Path, later: int
) -> None:
    place = Place(tmp_path, max_runs=1)
    await place.kit.start()
    await place.kit.clock.advance(35)
    assert place.state is JobState.FINISHED
    place.policies = {"max_runs": later}
    await place.restart(5)
    await place.kit.clock.advance(15)
    rows = await place.kit.rows()
    assert [(due_s(run), run.state) for run in rows] == [(10, RAN), (50, RAN)]
    await place.kit.stop()


async def test_a_limit_of_before_that_was_raised_is_no_limit(tmp_path: Path) -> None:
    place = Place(tmp_path, max_runs=2)
    await place.kit.start()
    await place.kit.clock.advance(5)
    await place.kit.client.edit_job("g/work", JobPatch(policies=make(max_runs=50)))
    await place.kit.clock.advance(20)
    place.calendar.wrong = ended
    await place.kit.clock.advance(20)
    place.calendar.wrong = None
    await place.restart(10)
    told = [(due, state) for due, state, _ in await place.told()]
    assert told == [(10, RAN), (20, RAN), (30, RAN), (40, MISSED), (50, MISSED)]
    await place.kit.stop()


@pytest.mark.parametrize("number", [148, 160, 190, 200])
async def test_nor_does_it_change_how_many_a_row_stands_for(tmp_path: Path, number: int) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.client.pause_job("g/work", reason="look")
    await place.kit.clock.advance(1505)
    place.calendar.wrong = at_question(number)
    await place.kit.client.resume_job("g/work")
    place.calendar.wrong = None
    if place.state is JobState.BROKEN:
        await place.kit.client.resume_job("g/work")
    await place.kit.clock.advance(20)
    await place.told()
    assert sum(run.range_count or 1 for run in await place.kit.rows()) == 152
    await place.kit.stop()
