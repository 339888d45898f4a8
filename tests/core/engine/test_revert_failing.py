"""Back to a declared trigger that does not say where to go on: refused, as an edit to it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest
from engine_commands import EVERY_10
from engine_kit import due_s
from owed_kit import RAN, Answer, Place, away, ended

from schedtui.errors import ConflictError, InvalidError
from schedtui.models import JobPatch, JobState

Back = Callable[[], Awaitable[object]]


async def edited(place: Place) -> tuple[Back, Back]:
    """A job that got another trigger from outside; how it goes back, by a command and by a file."""
    client = place.kit.client
    file = (await client.export_jobs()).text
    await place.kit.clock.advance(5)
    await client.edit_job("g/work", JobPatch(trigger=EVERY_10))
    await place.kit.clock.advance(10)
    return lambda: client.revert_job("g/work"), lambda: client.apply_jobs(file, note="back")


@pytest.mark.parametrize("by_file", [False, True])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [(away, r"failed: .*OSError: away"), (ended, r"says that it is never due from now on")],
    ids=["fails", "none"],
)
async def test_nothing_is_changed_and_it_works_once_the_trigger_answers(
    tmp_path: Path, by_file: bool, wrong: Callable[[Answer, datetime], Answer], said: str
) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    back = (await edited(place))[by_file]
    place.calendar.wrong = wrong
    with pytest.raises((ConflictError, InvalidError), match=rf"cannot go back .*{said}.*try again"):
        await back()
    assert place.state is JobState.SCHEDULED
    await place.kit.clock.advance(10)
    place.calendar.wrong = None
    await back()
    assert not (await place.kit.client.job("g/work")).overridden
    await place.kit.clock.advance(20)
    told = [(due, state) for due, state, _ in await place.told()]
    assert told == [(due, RAN) for due in (10, 20, 30, 40)]
    await place.kit.stop()


async def test_what_leaves_the_trigger_alone_is_undone_all_the_same(tmp_path: Path) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.client.edit_job("g/work", JobPatch(description="mine"))
    place.calendar.wrong = away
    job = await place.kit.client.revert_job("g/work")
    assert (job.description, job.overridden) == ("", False)
    place.calendar.wrong = None
    await place.kit.clock.advance(11)
    assert [due_s(run) for run in await place.kit.rows()] == [10]
    await place.kit.stop()
