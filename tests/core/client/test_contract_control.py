"""What every client promises, part three: runs are ended and run again, pauses end."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from client_contract import ended, spec, stream

from schedtui.errors import (
    ConflictError,
    FunctionNotFoundError,
    InvalidArgumentsError,
    InvalidError,
    InvalidNameError,
    JobNotFoundError,
    RunNotFoundError,
)
from schedtui.models import Overlap, Policies, Run, RunState, Source
from schedtui.protocols import EngineClient


async def waiting(client: EngineClient, name: str = "slow", **changed: object) -> Run:
    """A run that goes on until it is ended."""
    await client.create_job(spec(name=name, function="work/wait", kwargs={}, **changed))
    run = await client.trigger_job(f"work/{name}")
    async with asyncio.timeout(10):
        while not (await client.logs(run.id)).lines:  # noqa: ASYNC110 - no event for its first line
            await asyncio.sleep(0.01)
    return await client.run(run.id)


async def test_a_run_that_runs_is_asked_and_ends(client: EngineClient) -> None:
    run = await waiting(client, policies=Policies(retries=3))

    asked = await client.cancel_run(run.id, reason="wrong file")
    done = await ended(client, run)

    assert asked.id == run.id
    assert done.state is RunState.CANCELLED
    assert re.fullmatch(r"cancelled by (.*tester|local:.*): wrong file", done.reason)
    assert done.attempt == 1, "what was cancelled is not tried again"
    event = (await client.audit(limit=1)).items[0]
    assert (event.action, event.object) == ("run.cancel", "work/slow")
    assert event.detail["run"] == run.id


async def test_a_run_that_waits_never_starts(client: EngineClient) -> None:
    first = await waiting(client, policies=Policies(overlap=Overlap.QUEUE_ALL))
    second = await client.trigger_job("work/slow")
    assert second.state is RunState.QUEUED

    await client.cancel_run(second.id)
    done = await ended(client, second)
    await client.cancel_run(first.id)
    await ended(client, first)

    assert (done.state, done.started_at, done.attempt) == (RunState.CANCELLED, None, 0)


async def test_a_forced_end_does_not_wait(client: EngineClient) -> None:
    run = await waiting(client)

    await client.cancel_run(run.id, force=True)
    done = await ended(client, run)

    assert done.state is RunState.CANCELLED


async def test_what_has_ended_cannot_be_cancelled(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))
    run = await ended(client, await client.trigger_job("work/hello"))

    with pytest.raises(ConflictError, match="ended already"):
        await client.cancel_run(run.id)
    assert (await client.run(run.id)).state is RunState.SUCCEEDED
    for call in (client.cancel_run, client.rerun):
        with pytest.raises(RunNotFoundError):
            await call(10**6)
    run = await waiting(client)
    with pytest.raises(InvalidError, match="1000 characters"):
        await client.cancel_run(run.id, reason="x" * 1_001)


async def test_a_run_is_run_once_more_with_its_arguments(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))
    first = await ended(client, await client.trigger_job("work/hello", kwargs={"name": "Bob"}))

    again = await client.rerun(first.id)
    done = await ended(client, again)

    assert again.id != first.id
    assert (again.source, again.parent_id) == (Source.RERUN, first.id)
    assert (done.state, done.kwargs, done.result) == (
        RunState.SUCCEEDED,
        {"name": "Bob"},
        '"Bob"',
    )
    assert (await client.run(first.id)).parent_id is None
    event = (await client.audit(limit=1)).items[0]
    assert (event.action, event.detail["of"]) == ("job.rerun", first.id)


async def test_what_still_runs_or_lost_its_job_is_not_run_again(client: EngineClient) -> None:
    run = await waiting(client)
    with pytest.raises(ConflictError, match="not ended"):
        await client.rerun(run.id)
    await client.cancel_run(run.id)
    await ended(client, run)
    await client.delete_job("work/slow")
    with pytest.raises((ConflictError, JobNotFoundError), match="deleted"):
        await client.rerun(run.id)


async def test_a_pause_with_an_end_is_told(client: EngineClient) -> None:
    made = await client.create_job(spec(name="hello"))
    until = datetime(2100, 1, 1, 12, tzinfo=UTC)

    paused = await client.pause_job("work/hello", reason="why", until=until)
    again = await client.pause_job("work/hello", reason="why", until=until)
    later = await client.pause_job("work/hello", until=until + timedelta(days=1))
    resumed = await client.resume_job("work/hello")

    assert (paused.paused, paused.paused_until, paused.pause_reason) == (True, until, "why")
    assert (paused.id, again) == (made.id, paused)
    assert later.paused_until == until + timedelta(days=1)
    assert (resumed.paused, resumed.paused_until) == (False, None)


async def test_a_pause_ends_by_itself(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))
    await client.pause_job("work/hello", until=datetime.now(UTC) + timedelta(seconds=2))

    async with asyncio.timeout(20):
        while (job := await client.job("work/hello")).paused:  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(0.02)
    assert job.next_due is not None


@pytest.mark.parametrize(
    "until",
    [datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1)],  # noqa: DTZ001 - a naive one
)
async def test_a_pause_ends_at_a_moment_to_come(client: EngineClient, until: datetime) -> None:
    await client.create_job(spec(name="hello"))

    with pytest.raises(InvalidError) as caught:
        await client.pause_job("work/hello", until=until)

    assert [error.field for error in caught.value.errors] == ["until"]
    assert not (await client.job("work/hello")).paused


async def test_whoever_watches_hears_that_a_run_was_asked_to_end(client: EngineClient) -> None:
    run = await waiting(client)
    cursor = (await client.snapshot()).cursor

    await client.cancel_run(run.id)

    async with asyncio.timeout(10), stream(client, cursor) as frames:
        async for frame in frames:
            if any(change.id == run.id for change in frame.runs):
                break
    assert (await ended(client, run)).state is RunState.CANCELLED


async def test_the_whole_engine_is_paused_and_resumed(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))
    cursor = (await client.snapshot()).cursor

    paused = await client.pause_engine(reason="move")
    again = await client.pause_engine(reason="other")
    async with asyncio.timeout(10), stream(client, cursor) as frames:
        async for frame in frames:
            if frame.engine is not None:
                assert frame.engine.paused
                break
    run = await ended(client, await client.trigger_job("work/hello"))
    resumed = await client.resume_engine()

    assert (paused.paused, paused.pause_reason, again.pause_reason) == (True, "move", "move")
    assert paused.paused_by.endswith("tester") or paused.paused_by.startswith("local:")
    assert paused.paused_since is not None
    assert run.state is RunState.SUCCEEDED, "manual triggers still work"
    assert not resumed.paused
    assert not (await client.resume_engine()).paused
    assert not (await client.info()).paused
    with pytest.raises(InvalidError):
        await client.pause_engine(reason="x" * 1_001)


async def test_a_function_runs_without_a_job(client: EngineClient) -> None:
    run = await client.run_function("work/greet", {"name": "Ann"})
    done = await ended(client, run)

    assert (done.state, done.result, done.job_id) == (RunState.SUCCEEDED, '"Ann"', 0)
    assert [line.text for line in (await client.logs(run.id)).lines] == ["hello Ann 0 \x1b[31m"]
    assert [row.name for row in (await client.snapshot()).jobs] == ["yearly"]
    assert (await client.runs()).items[0].job == "work/greet"


@pytest.mark.parametrize("name", ["work/none", "no slash", "a/b/c", ""])
async def test_what_is_no_function_does_not_run(client: EngineClient, name: str) -> None:
    with pytest.raises((FunctionNotFoundError, InvalidNameError)):
        await client.run_function(name)
    assert (await client.runs()).items == ()


async def test_arguments_of_a_run_without_a_job_are_checked(client: EngineClient) -> None:
    with pytest.raises(InvalidArgumentsError) as caught:
        await client.run_function("work/greet", {"times": "x"})
    assert {error.field for error in caught.value.errors} == {"kwargs.name", "kwargs.times"}
