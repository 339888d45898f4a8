"""A resume of a job whose trigger fails: done, told, and once more where it answers again."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_kit import at
from owed_kit import FAILS, LOOK, MISSED, RAN, SKIPPED, paused

from schedtui.errors import ConflictError
from schedtui.models import JobState


async def test_resume_ends_the_pause_and_the_job_says_that_its_trigger_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = await paused(tmp_path, None)
    await place.kit.clock.advance(10)
    job = await place.kit.client.resume_job("g/work")
    assert (job.paused, job.next_due) == (False, None)
    assert place.state is JobState.BROKEN
    assert "g/work: its trigger failed: " in "".join(place.kit.running.core.problems.values())
    with pytest.raises(ConflictError, match=r"g/work cannot go on: .*away.*Resume it again"):
        await place.kit.client.resume_job("g/work")
    assert not [record for record in caplog.records if record.exc_info]
    place.calendar.wrong = None
    await place.kit.clock.advance(10)
    assert (await place.kit.client.resume_job("g/work")).next_due == at(40)
    await place.kit.clock.advance(10)
    assert await place.told() == [
        (10, SKIPPED, LOOK),
        (20, SKIPPED, LOOK),
        (30, MISSED, FAILS),
        (40, RAN, ""),
    ]
    await place.kit.stop()
