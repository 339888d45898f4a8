"""A trigger that says for one question alone that nothing is due any more: nothing is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest
from engine_kit import at
from owed_kit import Answer, Calendar, Place, away, ended

from schedtui.models import JobState


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
