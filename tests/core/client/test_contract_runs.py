"""What every client promises, part two: runs, and the snapshot with its events."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from client_contract import ended, first_that, found, spec, stream

from schedtui import Engine
from schedtui.client.local import LocalClient
from schedtui.errors import (
    EventGapError,
    InvalidError,
    JobNotFoundError,
    UnavailableError,
)
from schedtui.models import (
    Changes,
    JobState,
    RunFilter,
    RunState,
    Source,
)
from schedtui.protocols import EngineClient

# --- runs -----------------------------------------------------------------------------------


async def test_a_manual_run_from_trigger_to_result(client: EngineClient) -> None:
    await client.create_job(spec(name="hello"))

    run = await client.trigger_job("work/hello", kwargs={"times": 3})
    done = await ended(client, run)
    page = await client.logs(run.id)
    (attempt,) = await client.attempts(run.id)

    assert (done.state, done.source, done.result) == (RunState.SUCCEEDED, Source.MANUAL, '"Ann"')
    assert done.kwargs == {"name": "Ann", "times": 3}
    assert [line.text for line in page.lines] == [f"hello Ann {n} \x1b[31m" for n in range(3)]
    assert page.done
    assert (attempt.number, attempt.state) == (1, RunState.SUCCEEDED)
    assert [hit.run_id for hit in await found(client, "hello")] == [run.id]


async def test_a_failed_run_says_why(client: EngineClient) -> None:
    await client.create_job(spec(name="bad", function="work/fail", kwargs={}))

    done = await ended(client, await client.trigger_job("work/bad"))

    assert (done.state, done.error) == (RunState.FAILED, "out of [b]luck[/b]")
    assert done.error_type is not None
    assert "RuntimeError" in (done.traceback or "")


async def test_runs_of_the_jobs_that_have_a_tag(client: EngineClient) -> None:
    for name, tags in (("a", ("night",)), ("b", ("day", "night")), ("c", ("day",))):
        await client.create_job(spec(name=name, tags=tags))
    runs = [await ended(client, await client.trigger_job(f"work/{name}")) for name in "abc"]
    await ended(client, await client.run_function("work/greet", {"name": "x"}))

    async def with_tag(tag: str, **more: object) -> list[int]:
        where = RunFilter(tag=tag, **more)  # type: ignore[arg-type]  # parts of a filter
        return [run.id for run in (await client.runs(where)).items]

    assert await with_tag("night") == [runs[1].id, runs[0].id]
    assert await with_tag("day", job="work/b") == [runs[1].id]
    assert await with_tag("day", state=RunState.FAILED) == []
    assert await with_tag("nobody's") == []
    first = await client.runs(RunFilter(tag="day"), limit=1)
    second = await client.runs(RunFilter(tag="day"), limit=1, cursor=first.cursor)
    assert [run.id for run in (*first.items, *second.items)] == [runs[2].id, runs[1].id]


async def test_runs_are_filtered_and_paged(client: EngineClient) -> None:
    job = await client.create_job(spec(name="hello"))
    bad = await client.create_job(spec(name="bad", function="work/fail", kwargs={}))
    runs = [await ended(client, await client.trigger_job("work/hello")) for _ in range(3)]
    failed = await ended(client, await client.trigger_job("work/bad"))

    first = await client.runs(RunFilter(job_id=job.id), limit=2)
    rest = await client.runs(RunFilter(job_id=job.id), limit=2, cursor=first.cursor)

    assert [run.id for run in first.items + rest.items] == [run.id for run in reversed(runs)]
    assert rest.cursor is None
    by_state = await client.runs(RunFilter(state=RunState.FAILED, group="work"))
    assert [run.id for run in by_state.items] == [failed.id]
    assert failed.job_id == bad.id
    later = datetime.now(UTC) + timedelta(hours=1)
    assert (await client.runs(RunFilter(since=later))).items == ()
    assert len((await client.runs(RunFilter(until=later, source=Source.MANUAL))).items) == 4


async def test_lines_are_followed_to_the_end(client: EngineClient) -> None:
    await client.create_job(spec(name="hello", kwargs={"name": "Ann", "times": 50}))
    run = await client.trigger_job("work/hello")

    texts: list[str] = []
    async with asyncio.timeout(10):
        async for page in client.follow(run.id):
            texts += [line.text for line in page.lines]

    assert texts == [f"hello Ann {n} \x1b[31m" for n in range(50)]
    tail = await client.log_tail(run.id, count=2)
    assert [line.seq for line in tail.lines] == [49, 50]
    rest = await client.logs(run.id, after=10, limit=5)
    assert [line.seq for line in rest.lines] == [11, 12, 13, 14, 15]


async def test_the_history_of_a_deleted_job_is_found_by_its_name(client: EngineClient) -> None:
    by_name = RunFilter(job="work/hello")
    with pytest.raises(JobNotFoundError):
        await client.runs(by_name)
    await client.create_job(spec(name="hello"))
    old = await ended(client, await client.trigger_job("work/hello"))
    assert [run.id for run in (await client.runs(by_name)).items] == [old.id]
    await client.delete_job("work/hello")
    assert [run.id for run in (await client.runs(by_name)).items] == [old.id]

    await client.create_job(spec(name="hello"))
    assert (await client.runs(by_name)).items == ()
    new = await ended(client, await client.trigger_job("work/hello"))
    await client.delete_job("work/hello")
    assert [run.id for run in (await client.runs(by_name)).items] == [new.id]
    with pytest.raises(InvalidError, match="not both"):
        await client.runs(RunFilter(job="work/hello", job_id=old.job_id))


async def test_following_goes_on_after_a_line(client: EngineClient) -> None:
    await client.create_job(spec(name="hello", kwargs={"name": "Ann", "times": 5}))
    run = await ended(client, await client.trigger_job("work/hello"))

    seqs: list[int] = []
    async with asyncio.timeout(10):
        async for page in client.follow(run.id, after=3):
            seqs += [line.seq for line in page.lines]

    assert seqs == [4, 5]


# --- snapshot, then events ------------------------------------------------------------------


async def test_a_snapshot_has_every_cell(client: EngineClient, engine: Engine) -> None:
    await client.create_job(spec(name="hello", tags=("x",), description="d"))
    await ended(client, await client.trigger_job("work/hello"))
    await ended(client, await client.trigger_job("work/hello"))
    await client.pause_job("work/hello", reason="because")

    snapshot = await client.snapshot()
    local = await LocalClient(engine).snapshot()

    row = next(row for row in snapshot.jobs if row.name == "hello")
    assert snapshot.jobs == local.jobs
    assert snapshot.cursor == local.cursor
    assert (row.state, row.pause_reason, row.tags) == (JobState.PAUSED, "because", ("x",))
    assert [state for state, _ in row.recent] == [RunState.SUCCEEDED] * 2
    assert type(row.state) is JobState
    assert type(row.recent[0][0]) is RunState


async def test_events_go_on_where_the_snapshot_ends(client: EngineClient) -> None:
    cursor = (await client.snapshot()).cursor
    job = await client.create_job(spec(name="hello"))

    async with stream(client, cursor) as frames:
        frame = await first_that(frames, job)

    snapshot = await client.snapshot()
    assert next(row for row in frame.jobs if row.id == job.id) in snapshot.jobs
    assert frame.cursor == snapshot.cursor


async def test_events_resume_after_a_cut_without_a_loss(client: EngineClient) -> None:
    cursor = (await client.snapshot()).cursor
    first = await client.create_job(spec(name="first"))
    async with stream(client, cursor) as frames:
        cursor = (await first_that(frames, first)).cursor
    # Nobody listens now.
    second = await client.create_job(spec(name="second"))
    await client.delete_job("work/first")
    run = await ended(client, await client.trigger_job("work/second"))

    jobs: dict[int, str] = {}
    removed: set[int] = set()
    runs: dict[int, RunState] = {}
    async with asyncio.timeout(10), stream(client, cursor) as frames:
        async for frame in frames:
            jobs |= {row.id: row.name for row in frame.jobs}
            removed |= set(frame.removed)
            runs |= {change.id: change.state for change in frame.runs}
            if runs.get(run.id) is RunState.SUCCEEDED:
                break

    assert jobs == {second.id: "second"}
    assert removed == {first.id}


async def test_a_change_is_told_while_it_is_waited_for(client: EngineClient) -> None:
    cursor = (await client.snapshot()).cursor

    async with stream(client, cursor) as frames:
        waiting = asyncio.create_task(anext(aiter(frames)))
        await asyncio.sleep(0)
        assert not waiting.done()
        job = await client.create_job(spec(name="hello"))
        async with asyncio.timeout(10):
            frame = await waiting

    assert [row.id for row in frame.jobs] == [job.id]


@pytest.mark.parametrize("cursor", ["other-boot:1", "nonsense", "x:-1", "x:" + "9" * 40])
async def test_a_gap_is_announced_and_healed_by_a_snapshot(
    client: EngineClient, cursor: str
) -> None:
    with pytest.raises(EventGapError):
        async with asyncio.timeout(10), stream(client, cursor) as frames:
            await anext(aiter(frames))

    healed = (await client.snapshot()).cursor
    job = await client.create_job(spec(name="hello"))
    async with stream(client, healed) as frames:
        assert await first_that(frames, job)


async def test_many_streams_of_one_client(client: EngineClient) -> None:
    cursor = (await client.snapshot()).cursor

    async def watch() -> Changes:
        async with stream(client, cursor) as frames:
            return await first_that(frames, job)

    job = await client.create_job(spec(name="hello"))
    frames = await asyncio.gather(*(watch() for _ in range(20)))

    assert len(frames) == 20


async def test_the_end_of_the_engine_ends_streams(client: EngineClient, engine: Engine) -> None:
    cursor = (await client.snapshot()).cursor
    async with stream(client, cursor) as frames:
        waiting = asyncio.create_task(anext(aiter(frames)))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await engine.stop(grace_s=0)
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(waiting, 10)
    assert time.monotonic() - began < 9
    with pytest.raises(UnavailableError):
        await client.create_job(spec(name="late"))
