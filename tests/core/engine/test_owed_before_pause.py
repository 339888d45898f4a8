"""What was due before a pause that began while the trigger failed has the reason of its time."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_kit import at
from owed_kit import MISSED, SKIPPED, Place, away

DOWN = "the engine did not run from 2026-03-02T12:00:15Z to 2026-03-02T12:01:15Z"


async def paused_late(folder: Path) -> Place:
    """Killed at 15, started paused at 75; its job is paused at 85, while its trigger is away."""
    place = Place(folder)
    await place.kit.start()
    await place.kit.clock.advance(15)
    await place.restart(60, paused=True)
    await place.kit.clock.advance(10)
    place.calendar.wrong = away
    await place.kit.client.pause_job("g/work", reason="look")
    place.calendar.wrong = None
    return place


async def told(place: Place) -> None:
    """All rows are right; as the pause began the first one was past its grace of a minute."""
    rows = await place.told()
    assert [due for due, _, _ in rows[1:9]] == [10.0 * n for n in range(2, 10)]
    assert [state for _, state, _ in rows[1:9]] == [MISSED, *[SKIPPED] * 7]
    assert rows[1][2].startswith(f"found 65.0 s late, past its grace of 60 s: {DOWN}")
    assert all(
        reason.startswith(f"paused by local just then: {DOWN}") for _, _, reason in rows[2:7]
    )
    assert rows[7][2].startswith("engine paused by ")
    assert rows[8][2] == "paused by local: look"
    summary = (await place.kit.client.explain("g/work", at(30))).summary
    assert "look" not in summary


@pytest.mark.parametrize("engine_first", [False, True])
async def test_the_pause_of_later_is_not_their_reason(tmp_path: Path, engine_first: bool) -> None:
    place = await paused_late(tmp_path)
    await place.kit.clock.advance(90)
    if engine_first:
        await place.kit.engine.resume_engine()
    await place.kit.client.resume_job("g/work")
    if not engine_first:
        await place.kit.engine.resume_engine()
    await told(place)
    await place.kit.stop()


async def test_nor_after_the_engine_was_down_once_more(tmp_path: Path) -> None:
    place = await paused_late(tmp_path)
    await place.kit.clock.advance(90)
    await place.restart(30)
    await place.kit.client.resume_job("g/work")
    await place.kit.engine.resume_engine()
    await told(place)
    await place.kit.stop()


async def test_one_that_is_known_where_the_trigger_still_fails(tmp_path: Path) -> None:
    place = await paused_late(tmp_path)
    place.calendar.wrong = away
    await place.kit.client.resume_job("g/work")
    assert place.broken
    due, state, reason = (await place.told())[1]
    assert (due, state) == (20.0, MISSED)
    assert reason.startswith(DOWN)
    await place.kit.stop()


async def test_one_that_was_due_as_the_pause_began(tmp_path: Path) -> None:
    place = Place(tmp_path)
    await place.kit.start()
    await place.kit.client.pause_job("g/work", reason="first")
    await place.kit.clock.advance(15)
    await place.kit.client.resume_job("g/work")
    place.kit.clock.suspend(5)
    await place.kit.client.pause_job("g/work", reason="look")
    await place.kit.clock.advance(20)
    await place.kit.client.resume_job("g/work")
    rows = await place.told()
    assert all(reason for _, state, reason in rows if state is SKIPPED), rows
    await place.kit.stop()
