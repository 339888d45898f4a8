"""A declaration that comes back while its trigger fails: each due time has a row, and its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from engine_kit import Kit, KitClock
from owed_kit import FAILS, MISSED, RAN, SKIPPED, Answer, Calendar, Place, away

from schedtui import Group
from schedtui.errors import SchedtuiError
from schedtui.models import JobPatch, JobState, RunState

GONE = "orphaned: its declaration was gone from the code"
DOWN = (
    "the engine did not run from 2026-03-02T12:00:15Z to 2026-03-02T12:01:05Z (it did not stop in"
    " order)"
)


async def undeclared(place: Place, down_s: float = 0) -> None:
    """The engine is killed, and started on a code without the job."""
    clock = KitClock(await place.kit.crash())
    clock.step(down_s)
    group = Group("g")

    @group.function()
    async def work() -> None: ...

    place.kit = await Kit([group], world=place.world, clock=clock).start()


def after(answers: int) -> Callable[[Answer, datetime], Answer]:
    """Fails once it has given so many answers."""
    left = iter(range(answers))

    def answer(previous: Answer, now: datetime) -> Answer:
        if next(left, None) is None:
            return away(previous, now)
        return Calendar.right(previous, now)

    return answer


async def back(place: Place, answers: int) -> list[tuple[float | None, RunState, str]]:
    """What became of its due times, from 20 on, before it failed."""
    place.calendar.wrong = after(answers)
    await place.restart()
    assert place.broken
    await place.kit.clock.advance(12)
    place.calendar.wrong = None
    await place.kit.client.resume_job("g/work")
    await place.kit.clock.advance(10)
    rows = await place.told()
    assert [due for due, _, _ in rows] == [10.0 * number for number in range(1, len(rows) + 1)]
    assert (rows[-2][1:], rows[-1][1]) == ((MISSED, FAILS), RAN)
    await place.kit.stop()
    return rows[1:-2]


@pytest.mark.parametrize("answers", range(5))
async def test_what_was_due_without_its_declaration_says_so(tmp_path: Path, answers: int) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.clock.advance(15)
    await undeclared(place)
    await place.kit.clock.advance(30)
    assert place.state is JobState.ORPHANED
    assert await back(place, answers) == [(due, SKIPPED, GONE) for due in (20, 30, 40)]


@pytest.mark.parametrize("answers", [0, 1])
async def test_what_was_due_while_no_engine_ran_says_that(tmp_path: Path, answers: int) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.clock.advance(15)
    await undeclared(place, 50)
    await place.kit.clock.advance(20)
    down = [(due, MISSED, DOWN) for due in (20, 30, 40, 50, 60)]
    assert await back(place, answers) == [*down, (70, SKIPPED, GONE), (80, SKIPPED, GONE)]


@pytest.mark.parametrize("answers", [0, 1])
async def test_it_keeps_no_engine_from_starting_where_the_clock_was_set_back(
    tmp_path: Path, answers: int
) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.clock.advance(45)
    await undeclared(place)
    place.kit.clock.step(-30)
    await place.kit.clock.advance(2)
    place.calendar.wrong = after(answers)
    await place.restart()
    assert place.broken
    await place.kit.stop()


@pytest.mark.parametrize("answers", range(4))
async def test_an_edit_leaves_no_due_time_out(tmp_path: Path, answers: int) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.clock.advance(15)
    place.calendar.wrong = away
    await place.kit.clock.advance(40)
    assert place.broken
    place.calendar.wrong = after(answers)
    with pytest.raises(SchedtuiError, match="OSError: away"):
        await place.kit.client.edit_job("g/work", JobPatch(timezone="Europe/Berlin"))
    place.calendar.wrong = None
    await place.kit.client.edit_job("g/work", JobPatch(timezone="Europe/Berlin"))
    await place.kit.clock.advance(10)
    assert [due for due, _, _ in await place.told()] == [10, 20, 30, 40, 50, 60]
    await place.kit.stop()
