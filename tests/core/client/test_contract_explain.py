"""What every client promises, part four: why a job ran, or did not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from client_contract import spec

from schedtui.errors import InvalidError, JobNotFoundError
from schedtui.models import Explanation, FactKind, RunState
from schedtui.protocols import EngineClient


def kinds(told: Explanation) -> list[FactKind]:
    return [fact.kind for fact in told.facts]


async def ran(client: EngineClient, name: str) -> datetime:
    """A job that was due once, a moment ago; its due time."""
    cursor = (await client.snapshot()).cursor
    due = datetime.now(UTC) + timedelta(seconds=2)
    trigger = {"type": "once", "at": due.isoformat()}
    await client.create_job(spec(name=name, trigger=trigger))
    async for change in client.changes(cursor):
        if any(row.full_name == f"work/{name}" and row.last_state for row in change.jobs):
            return due
    raise AssertionError("the stream ended")


async def test_a_due_time_that_ran_is_explained(client: EngineClient) -> None:
    due = await ran(client, "hello")

    told = await client.explain("work/hello")

    assert (told.job, told.timezone) == ("work/hello", "Europe/Berlin")
    assert told.due is not None
    assert told.due.at == due
    assert datetime.fromisoformat(told.due.local) == due
    assert (told.ran, told.state) == (True, RunState.SUCCEEDED)
    assert kinds(told)[0] is FactKind.RUN
    assert told.facts[0].run_id == told.runs[0] == (await client.runs()).items[0].id
    assert told.summary.startswith("work/hello ran for ")
    assert await client.explain("work/hello", due) == told
    assert (await client.explain("work/hello", due.isoformat())).due == told.due


async def test_a_moment_without_a_due_time_is_explained(client: EngineClient) -> None:
    day = datetime(datetime.now(UTC).year + 1, 12, 24, 17, 0, tzinfo=UTC)

    told = await client.explain("work/yearly", day)

    assert (told.ran, told.state, told.due, told.asked.at) == (False, None, None, day)
    assert kinds(told) == [FactKind.NOT_DUE]
    assert told.after is not None
    assert told.after.local == f"{day.year + 1}-01-01T00:00:00+01:00"
    typed = await client.explain("work/yearly", f"{day.year}-12-24 18:00")
    assert typed.asked == told.asked


async def test_a_job_that_is_gone_is_explained(client: EngineClient) -> None:
    await client.create_job(spec(name="a [b] \u65e5%2F"))
    await client.delete_job("work/a [b] \u65e5%2F")

    told = await client.explain("work/a [b] \u65e5%2F", "now")

    assert kinds(told) == [FactKind.DELETED]
    assert told.facts[0].actor


async def test_what_cannot_be_explained_is_refused(client: EngineClient) -> None:
    with pytest.raises(JobNotFoundError):
        await client.explain("work/none")
    for wrong in ("whenever", "32:00", datetime(2026, 1, 1)):  # noqa: DTZ001 - is to be refused
        with pytest.raises(InvalidError) as caught:
            await client.explain("work/yearly", wrong)
        assert [field.field for field in caught.value.errors] == ["at"]
