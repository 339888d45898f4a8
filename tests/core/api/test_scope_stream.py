"""The stream of changes as tokens of some groups read it, and what it costs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import httpx
import pytest
from scope_kit import CRON, done, scoped_engine

from schedtui import Engine
from schedtui.api import Listen, answers, start_server
from schedtui.api.tokens import create_token
from schedtui.client.closing import closing
from schedtui.client.http import HttpClient
from schedtui.client.local import LocalClient
from schedtui.client.scoped import ScopedClient
from schedtui.models import Changes, JobFilter, JobSpec, Run, Snapshot

engine = pytest.fixture(scoped_engine)


async def test_no_run_is_read_to_know_whose_it_is(engine: Engine) -> None:
    """Not even one of a function without a job."""

    class Asked(LocalClient):
        async def run(self, run_id: int) -> Run:
            raise AssertionError(f"run {run_id} was read")

    whole = LocalClient(engine)
    cursor = await whole.cursor()
    for group in ("theirs", "mine"):
        await done(whole, await whole.run_function(f"{group}/f"))
    newest = await done(whole, await whole.trigger_job("mine/j"))

    runs: set[int] = set()
    async with (
        asyncio.timeout(10),
        closing(ScopedClient(Asked(engine), ("mine",)).changes(cursor)) as stream,
    ):
        async for frame in stream:
            runs |= {run.id for run in frame.runs}
            if newest.id in runs:
                break
    assert {(await whole.run(id_)).function for id_ in runs} == {"mine/f"}
    assert len(runs) == 2


async def test_its_jobs_are_read_once_and_its_numbers_keep_up(engine: Engine) -> None:
    asked: list[JobFilter | None] = []

    class Asked(LocalClient):
        async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
            asked.append(where)
            return await super().snapshot(where)

    whole = LocalClient(engine)
    scoped = ScopedClient(Asked(engine), ("mine", "other"))
    cursor = await scoped.cursor()
    told: list[tuple[int, int]] = []
    async with asyncio.timeout(10), closing(scoped.changes(cursor)) as stream:
        frames = aiter(stream)

        async def tell() -> None:
            """What the next frame says of the engine."""
            engine.running.core.hub.engine()
            info = (await anext(frames)).engine
            assert info is not None
            told.append((info.jobs, info.jobs_paused))

        await tell()
        for group in ("mine", "theirs"):
            spec = JobSpec(function=f"{group}/f", trigger=CRON, name="new")
            await whole.create_job(spec)
            await whole.pause_job(f"{group}/static")
        await tell()
        await whole.resume_job("mine/static")
        for group in ("mine", "theirs"):
            await whole.delete_job(f"{group}/j")
        await tell()
    assert told == [(2, 0), (3, 1), (2, 0)]
    assert asked == [JobFilter(group="mine"), JobFilter(group="other")]
    info = await scoped.info()
    assert (info.jobs, info.jobs_paused) == told[-1]


async def test_a_frame_is_encoded_once_for_all_who_watch_the_same_groups(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[str] = []
    plain = answers._event

    def noting(frame: Changes) -> bytes:
        encoded.append(frame.cursor)
        return plain(frame)

    monkeypatch.setattr(answers, "_event", noting)
    whole = LocalClient(engine)
    async with AsyncExitStack() as stack:
        server = await start_server(engine, listen=Listen(port=0))
        stack.push_async_callback(server.stop)
        cursor = await whole.cursor()
        await done(whole, await whole.trigger_job("mine/j"))
        streams = []
        for number in range(3):
            make = partial(create_token, engine.store, f"t{number}", "viewer", groups=["mine"])
            token = await engine.off_loop(make)
            client = HttpClient(server.url, token=token)
            stack.push_async_callback(client.aclose)
            streams.append(await stack.enter_async_context(closing(client.changes(cursor))))
        async with asyncio.timeout(10):
            frames = [await anext(aiter(stream)) for stream in streams]
    assert [[row.full_name for row in frame.jobs] for frame in frames] == [["mine/j"]] * 3
    assert encoded.count(frames[0].cursor) == 1


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("group=theirs", 403, None),
        ("group=theirs&group=no", 403, None),
        ("group=a/b", 422, "group"),
        ("group=", 422, "group"),
    ],
)
async def test_what_cannot_be_watched_is_refused_before_the_stream_begins(
    engine: Engine, query: str, status: int, field: str | None
) -> None:
    server = await start_server(engine, listen=Listen(port=0))
    token = await engine.off_loop(
        lambda: create_token(engine.store, "t", "viewer", groups=["mine"])
    )
    async with httpx.AsyncClient(
        base_url=server.url, headers={"Authorization": f"Bearer {token}"}
    ) as client:
        answer = await client.get(f"/api/v1/events?{query}")
    await server.stop()
    assert answer.status_code == status, answer.text
    told = [error["field"] for error in answer.json().get("errors", ())]
    assert told == ([] if field is None else [field])


async def test_how_much_happens_elsewhere_is_not_told(engine: Engine) -> None:
    whole = LocalClient(engine)
    cursor = await whole.cursor()
    frames: list[Changes] = []
    async with (
        asyncio.timeout(10),
        closing(ScopedClient(whole, ("mine",)).changes(cursor)) as stream,
    ):
        following = asyncio.ensure_future(anext(aiter(stream)))
        for _ in range(3):
            await done(whole, await whole.run_function("theirs/f"))
        assert not following.done()
        await done(whole, await whole.run_function("mine/f"))
        frames.append(await following)
    assert [{run.job_id for run in frame.runs} for frame in frames] == [{0}]
