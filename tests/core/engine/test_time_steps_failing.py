"""The clock is set back while the trigger of a job fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from apscheduler.triggers.date import DateTrigger
from engine_kit import KitClock, at, due_s
from owed_kit import Answer, Calendar, Place, away, ended

from schedtui.models import JobState, RunState

Wrong = Callable[[Answer, datetime], Answer]
BACK = -4 * 3_600


class IntervalTrigger(Calendar):
    """By its name one that follows each step back."""


@pytest.mark.parametrize(
    ("calendar", "step_s"), [(Calendar, BACK), (IntervalTrigger, BACK + 3 * 3_600)]
)
@pytest.mark.parametrize("wrong", [away, ended])
async def test_it_is_broken_and_owes_from_the_new_time_on(
    tmp_path: Path, calendar: type[Calendar], step_s: float, wrong: Wrong
) -> None:
    place = Place(tmp_path)
    place.calendar = calendar()
    place.kit = place._kit(KitClock())
    await place.kit.start()
    await place.kit.clock.advance(15)
    place.calendar.wrong = wrong
    place.kit.clock.step(step_s)
    await place.kit.clock.advance(2)
    assert place.broken
    place.calendar.wrong = None
    await place.kit.clock.advance(30)
    await place.kit.client.resume_job("g/work")
    await place.kit.clock.advance(10)
    rows = await place.kit.rows()
    told = [(run.scheduled_for.timestamp(), run.state) for run in rows if run.scheduled_for]
    begun = told[0][0] - 10
    back = [(due - begun - step_s, state) for due, state in told[1:]]
    missed = [(20.0, RunState.MISSED), (30.0, RunState.MISSED), (40.0, RunState.MISSED)]
    assert back == [*missed, (50.0, RunState.SUCCEEDED)]
    assert all(run.reason.startswith("its trigger failed: ") for run in rows[1:4])
    await place.kit.stop()


async def test_it_comes_back_by_itself_at_a_restart(tmp_path: Path) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.clock.advance(15)
    place.calendar.wrong = away
    place.kit.clock.step(BACK)
    await place.kit.clock.advance(12)
    place.calendar.wrong = None
    await place.restart(10)
    assert not place.broken
    await place.kit.clock.advance(15)
    rows = await place.kit.rows()
    assert [run.state for run in rows[1:3]] == [RunState.MISSED] * 2
    assert rows[-1].state is RunState.SUCCEEDED
    await place.kit.stop()


@pytest.mark.parametrize("restarted", [False, True])
async def test_one_that_was_broken_before_owes_from_the_new_time_on_too(
    tmp_path: Path, restarted: bool
) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.clock.advance(15)
    place.calendar.wrong = away
    await place.kit.clock.advance(15)
    assert place.broken
    place.kit.clock.step(BACK)
    await place.kit.clock.advance(35)
    if restarted:
        await place.restart()
    place.calendar.wrong = None
    await place.kit.client.resume_job("g/work")
    await place.kit.clock.advance(10)
    rows = await place.kit.rows()
    states = [run.state for run in rows]
    assert states[-4:] == [RunState.MISSED] * 3 + [RunState.SUCCEEDED]
    assert all(run.reason.startswith("its trigger failed: ") for run in rows[-4:-1])
    await place.kit.stop()


async def test_one_that_was_broken_owes_from_the_new_time_on_where_no_engine_saw_the_step(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.clock.advance(15)
    place.calendar.wrong = away
    await place.kit.clock.advance(30)
    assert place.broken
    place.calendar.wrong = None
    await place.restart(BACK)
    await place.kit.clock.advance(25)
    rows = await place.kit.rows()
    assert rows[-1].state is RunState.SUCCEEDED
    assert rows[-1].scheduled_for is not None
    late = place.kit.clock.now_us() - int(rows[-1].scheduled_for.timestamp() * 1e6)
    assert late < 11_000_000
    await place.kit.stop()


async def ended_once(folder: Path) -> Place:
    """A job whose trigger named 20 and then said that nothing is due any more, at 45."""
    place = Place(folder)
    await place.kit.start()
    await place.kit.clock.advance(15)
    place.calendar.wrong = ended
    await place.kit.clock.advance(30)
    assert place.state is JobState.FINISHED
    return place


async def test_one_that_had_ended_and_answers_again_follows(tmp_path: Path) -> None:
    place = await ended_once(tmp_path)
    place.calendar.wrong = None
    place.kit.clock.step(BACK)
    await place.kit.clock.advance(20)
    told = [(due_s(run), run.state) for run in await place.kit.rows()]
    ran = [(BACK + due, RunState.SUCCEEDED) for due in (50, 60)]
    assert told == [(10, RunState.SUCCEEDED), (20, RunState.SUCCEEDED), *ran]
    await place.kit.stop()


@pytest.mark.parametrize("down", [False, True])
async def test_one_that_says_nothing_is_due_owes_from_the_new_time_on(
    tmp_path: Path, down: bool
) -> None:
    place = await ended_once(tmp_path)
    if down:
        await place.restart(BACK)
    else:
        place.kit.clock.step(BACK)
        await place.kit.clock.advance(1)
    assert place.broken
    assert (
        "says that nothing is due any more" in place.kit.running.core.jobs.named("g/work").problem
    )
    await place.kit.clock.advance(20)
    place.calendar.wrong = None
    await place.restart()
    await place.kit.clock.advance(10)
    told = [(due_s(run), run.state) for run in await place.kit.rows()]
    missed = [(BACK + due, RunState.MISSED) for due in (50, 60)]
    assert told[2:] == [*missed, (BACK + 70, RunState.SUCCEEDED)]
    await place.kit.stop()


@pytest.mark.parametrize("down", [False, True])
async def test_one_that_has_come_to_its_end_stays_there(tmp_path: Path, down: bool) -> None:
    place = Place(tmp_path)
    place.calendar = DateTrigger(at(20))
    place.kit = place._kit(KitClock())
    await place.kit.start()
    await place.kit.clock.advance(45)
    if down:
        await place.restart(BACK)
    else:
        place.kit.clock.step(BACK)
    await place.kit.clock.advance(30)
    assert (place.state, len(await place.kit.rows())) == (JobState.FINISHED, 1)
    await place.kit.stop()
