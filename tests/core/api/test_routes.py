"""Each call of the API: what it asks of the engine, what it answers, what it refuses."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from api_doubles import (
    NOW,
    FakeClient,
    FakeEngine,
    http_on,
    make_app,
    make_row,
    problem_of,
)

from schedtui.api import answers
from schedtui.client.http_codec import decode_snapshot
from schedtui.errors import (
    EngineStoppedError,
    EventGapError,
)
from schedtui.models import (
    AuditFilter,
    Changes,
    JobFilter,
    JobState,
    RunFilter,
    RunState,
    Source,
)

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
JOB = {"function": "g/a", "trigger": {"type": "cron", "expression": "* * * * *"}}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def http(engine: FakeEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with http_on(make_app(engine)) as client:
        yield client


# --- reading --------------------------------------------------------------------------------

READS: list[tuple[str, str, dict[str, Any]]] = [
    ("/api/v1/engine", "info", {}),
    ("/api/v1/groups", "groups", {}),
    ("/api/v1/functions", "functions", {"group": None}),
    ("/api/v1/functions?group=g", "functions", {"group": "g"}),
    ("/api/v1/jobs", "jobs", {"where": JobFilter(), "limit": 100, "cursor": None}),
    (
        "/api/v1/jobs?group=g&tag=t&state=paused&limit=1&cursor=7",
        "jobs",
        {
            "where": JobFilter(group="g", tag="t", state=JobState.PAUSED),
            "limit": 1,
            "cursor": "7",
        },
    ),
    ("/api/v1/snapshot?tag=t", "snapshot", {"where": JobFilter(tag="t")}),
    ("/api/v1/jobs/g/a", "job", {"job": "g/a"}),
    ("/api/v1/jobs/g/a/next?count=3", "next_due", {"count": 3}),
    ("/api/v1/jobs/g/a/explain", "explain", {"job": "g/a", "at": None}),
    ("/api/v1/jobs/g/a/explain?at=mon+9%3A00", "explain", {"job": "g/a", "at": "mon 9:00"}),
    ("/api/v1/runs/7/logs", "logs", {"run_id": 7, "after": 0, "limit": 1000}),
    ("/api/v1/runs/7/logs?after=3&limit=2", "logs", {"run_id": 7, "after": 3, "limit": 2}),
    ("/api/v1/runs/7/logs?tail=5", "log_tail", {"run_id": 7, "count": 5}),
    ("/api/v1/logs?q=a+b&limit=4", "search_logs", {"query": "a b", "limit": 4}),
    (
        "/api/v1/audit?limit=2&cursor=9",
        "audit",
        {"where": AuditFilter(), "limit": 2, "cursor": "9"},
    ),
    (
        "/api/v1/audit?actor=token:ci&action=job.*&object=a/b&since=2026-01-01T00:00:00Z",
        "audit",
        {
            "where": AuditFilter(actor="token:ci", action="job.*", object="a/b", since=NEW_YEAR),
            "limit": 100,
            "cursor": None,
        },
    ),
]


@pytest.mark.parametrize(("url", "call", "seen"), READS)
async def test_a_read_asks_the_engine(
    http: httpx.AsyncClient, engine: FakeEngine, url: str, call: str, seen: dict[str, Any]
) -> None:
    response = await http.get(url)

    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert engine.seen[call] == seen


async def test_runs_take_every_filter(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    query = {
        "job": "g/a",
        "group": "g",
        "tag": "night",
        "state": "failed",
        "source": "manual",
        "since": "2026-11-21T13:00:00+01:00",
        "until": "2026-11-21T12:00:00Z",
        "limit": "5",
        "cursor": "9",
    }
    response = await http.get("/api/v1/runs", params=query)

    assert response.status_code == 200
    assert engine.seen["runs"] == {
        "where": RunFilter(
            job="g/a",
            group="g",
            tag="night",
            state=RunState.FAILED,
            source=Source.MANUAL,
            since=NOW,
            until=NOW,
        ),
        "limit": 5,
        "cursor": "9",
    }


async def test_a_run_comes_with_its_attempts(http: httpx.AsyncClient) -> None:
    run = (await http.get("/api/v1/runs/7")).json()

    assert (run["id"], run["state"]) == (7, "queued")
    assert [attempt["number"] for attempt in run["attempts"]] == [1]


@pytest.mark.parametrize("accepts", ["identity", "gzip, br", "gzip;q=1.0"])
async def test_the_snapshot_is_a_table(engine: FakeEngine, accepts: str) -> None:
    rows = tuple(make_row(number + 1) for number in range(700))
    small = engine.table
    big = replace(small, jobs=rows)
    engine.table = big
    app_http = http_on(make_app(engine))
    async with app_http.stream(
        "GET", "/api/v1/snapshot", headers={"Accept-Encoding": accepts}
    ) as response:
        raw = b"".join([chunk async for chunk in response.aiter_raw()])

    zipped = response.headers.get("content-encoding") == "gzip"
    assert zipped == accepts.startswith("gzip")
    assert decode_snapshot(gzip.decompress(raw) if zipped else raw) == big


# --- changing -------------------------------------------------------------------------------


async def test_a_job_is_created(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    response = await http.post("/api/v1/jobs", json={**JOB, "name": "50 % #?", "kwargs": {"x": 1}})

    assert response.status_code == 201
    assert response.json()["kwargs"] == {"x": 1}
    assert response.headers["location"] == "/api/v1/jobs/g/50%20%25%20%23%3F"
    assert (await http.get(response.headers["location"])).json() == response.json()
    assert engine.calls[0] == ("token:my admin", "create_job")


async def test_an_edit_carries_the_version_both_ways(
    http: httpx.AsyncClient, engine: FakeEngine
) -> None:
    etag = (await http.get("/api/v1/jobs/g/a")).headers["etag"]
    response = await http.patch(
        "/api/v1/jobs/g/a?expect_id=1", json={"description": "x"}, headers={"If-Match": etag}
    )

    assert response.status_code == 200
    assert response.headers["etag"] == '"2"'
    assert engine.seen["edit_job"]["version"] == 1
    assert engine.seen["edit_job"]["expect_id"] == 1


@pytest.mark.parametrize(
    ("header", "patch", "status", "kind"),
    [
        ('"9"', {"description": "x"}, 412, "version-conflict"),
        ('"1"', {"name": "taken"}, 409, "conflict"),
        ("*", {"name": "taken"}, 409, "conflict"),
        ("W/nonsense", {"name": "b"}, 422, "invalid"),
    ],
)
async def test_a_refused_edit_says_which_conflict(
    http: httpx.AsyncClient,
    engine: FakeEngine,
    header: str,
    patch: dict[str, Any],
    status: int,
    kind: str,
) -> None:
    response = await http.patch("/api/v1/jobs/g/a", json=patch, headers={"If-Match": header})

    assert response.status_code == status
    assert problem_of(response)["type"] == f"urn:schedtui:error:{kind}"
    assert "job" not in {call for _, call in engine.calls}, "it must not guess by a second read"


async def test_a_job_is_paused_resumed_triggered_deleted(
    http: httpx.AsyncClient, engine: FakeEngine
) -> None:
    paused = await http.post("/api/v1/jobs/g/a/pause", json={"reason": "why"})
    bare = await http.post("/api/v1/jobs/g/a/pause?expect_id=1")
    resumed = await http.post("/api/v1/jobs/g/a/resume")
    run = await http.post("/api/v1/jobs/g/a/trigger", json={"kwargs": {"x": [1]}})
    seen = engine.seen["trigger_job"]
    plain = await http.post("/api/v1/jobs/g/a/trigger")
    deleted = await http.delete("/api/v1/jobs/g/a?expect_id=1")

    assert paused.json()["pause_reason"] == "why"
    assert (bare.status_code, resumed.status_code, plain.status_code) == (200, 200, 202)
    assert (run.status_code, run.headers["location"]) == (202, "/api/v1/runs/7")
    assert seen == {"kwargs": {"x": [1]}, "expect_id": None}
    assert engine.seen["trigger_job"] == {"kwargs": None, "expect_id": None}
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert engine.jobs == {}


async def test_a_job_is_backfilled(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    body = {"start": "yesterday", "end": "2026-03-02T12:00:00Z", "limit": 7, "again": True}
    queued = await http.post("/api/v1/jobs/g/a/backfill?expect_id=1", json=body)
    seen = engine.seen["backfill_job"]
    dry = await http.post("/api/v1/jobs/g/a/backfill", json={"start": "9:00", "dry_run": True})
    cancelled = await http.post("/api/v1/jobs/g/a/backfill/cancel", json={"reason": "why"})
    without = await http.post("/api/v1/jobs/g/a/backfill", json={"end": "9:00"})

    assert (queued.status_code, dry.status_code, cancelled.status_code) == (202, 200, 200)
    rest = {"kwargs": None, "dry_run": False, "idempotency_key": None, "expect_id": 1}
    assert seen == {**body, **rest}
    assert queued.json()["runs"] == [11, 12, 13, 14, 15]
    assert queued.json()["first"][0] == {
        "at": "2026-03-02T08:00:00Z",
        "local": "2026-03-02T08:00:00+00:00",
    }
    assert dry.json()["dry_run"] is True
    assert cancelled.json() == {"cancelled": 3}
    assert engine.seen["cancel_backfill"] == {"reason": "why", "expect_id": None}
    assert without.status_code == 422
    assert [error["field"] for error in problem_of(without)["errors"]] == ["start"]


async def test_a_trigger_is_previewed(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    body = {"trigger": JOB["trigger"], "timezone": "Asia/Tokyo", "group": "ops", "count": 2}

    assert (await http.post("/api/v1/triggers/preview", json=body)).json() == {
        "description": "every minute",
        "timezone": "Asia/Tokyo",
        "next": [],
    }
    assert engine.seen["preview"]["count"] == 2
    assert engine.seen["preview"]["group"] == "ops"


# --- health ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_health_is_for_everyone(engine: FakeEngine, path: str) -> None:
    info = replace(engine.table.engine, given_up={"thread": 2}, problems=("it knows /secret",))
    engine.table = replace(engine.table, engine=info)
    async with http_on(make_app(engine), role=None) as http:
        fine = await http.get(path)
        assert (await http.head(path)).status_code == 200
        engine.failure = EngineStoppedError("stopped at /secret")
        stopped = await http.get(path)

    told = {"ok": True, "status": "ok", "last_tick_age_s": 0.1, "given_up": {"thread": 2}}
    assert fine.json() == told
    assert stopped.json()["given_up"] == {}
    assert (stopped.status_code, stopped.json()["status"]) == (503, "stopped")
    assert "secret" not in fine.text + stopped.text


# --- streams that end by themselves ---------------------------------------------------------


async def test_a_gap_is_an_event_and_the_end(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.frames = [EventGapError("gone")]
    response = await http.get("/api/v1/events?after=b0:1")

    assert response.headers["content-type"].startswith("text/event-stream")
    first, gap, rest = response.text.split("\n\n")
    assert first == "id: b0:1"
    assert gap.startswith('event: gap\ndata: {"type":"urn:schedtui:error:event-gap"')
    assert rest == ""


async def test_the_header_wins_over_the_parameter(
    http: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.frames = [EngineStoppedError("bye")]
    response = await http.get("/api/v1/events?after=b1:1", headers={"Last-Event-ID": "b1:9"})

    assert engine.seen["changes"] == {"cursor": "b1:9", "groups": None}
    assert "event: error" in response.text


async def test_without_a_cursor_events_begin_now(
    http: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.frames = [EngineStoppedError("bye")]
    await http.get("/api/v1/events")

    assert engine.seen["changes"] == {"cursor": "b1:5", "groups": None}


async def test_events_begin_at_the_cursor_of_a_client_that_knows_it(
    http: httpx.AsyncClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cursor(_: FakeClient) -> str:
        return "b1:7"

    monkeypatch.setattr(FakeClient, "cursor", cursor, raising=False)
    engine.frames = [EngineStoppedError("bye")]
    await http.get("/api/v1/events")

    assert engine.seen["changes"] == {"cursor": "b1:7", "groups": None}
    assert "snapshot" not in engine.seen


@pytest.mark.parametrize("rows", [1, 1_000])
async def test_a_frame_is_encoded_once_for_all_who_watch_and_a_big_one_off_the_loop(
    http: httpx.AsyncClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    threads: list[bool] = []
    plain = answers.changes_lines

    def noted(changes: Changes) -> list[bytes]:
        threads.append(threading.current_thread() is threading.main_thread())
        return plain(changes)

    monkeypatch.setattr(answers, "changes_lines", noted)
    big = Changes(cursor="b1:6", jobs=tuple(make_row(n) for n in range(rows)))
    engine.frames = [big, EngineStoppedError("bye")]
    responses = await asyncio.gather(*(http.get("/api/v1/events?after=b1:5") for _ in range(3)))

    assert len({response.text for response in responses}) == 1
    assert "id: b1:6" in responses[0].text
    assert threads == [rows == 1]


async def test_a_closing_server_ends_a_silent_stream(engine: FakeEngine) -> None:
    closing = asyncio.Event()
    async with http_on(make_app(engine, closing)) as http:
        asyncio.get_running_loop().call_later(0.05, closing.set)
        response = await http.get("/api/v1/events?after=b1:1")

    assert response.text == "id: b1:1\n\n"
    assert engine.streams == 0
