"""What each call refuses, and the problem document that says so."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from api_doubles import (
    FakeEngine,
    http_on,
    make_app,
    problem_of,
)

from schedtui.errors import (
    EngineStoppedError,
    FunctionNotFoundError,
    InvalidError,
    SchedtuiError,
    StaticJobError,
    StoreUnavailableError,
)

JOB = {"function": "g/a", "trigger": {"type": "cron", "expression": "* * * * *"}}


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def http(engine: FakeEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with http_on(make_app(engine)) as client:
        yield client


# --- refusals -------------------------------------------------------------------------------

QUERIES = [
    ("/api/v1/jobs?limit=-1", "limit"),
    ("/api/v1/jobs?limit=0", "limit"),
    ("/api/v1/jobs?limit=abc", "limit"),
    ("/api/v1/jobs?limit=1000000000", "limit"),
    ("/api/v1/jobs?limit=%D9%A3", "limit"),
    ("/api/v1/jobs?limit=1&limit=2", "limit"),
    ("/api/v1/jobs?cursor=", "cursor"),
    ("/api/v1/jobs/g/a/next?count=1e3", "count"),
    ("/api/v1/jobs/g/a/explain?at=", "at"),
    ("/api/v1/jobs/g/a/explain?when=9:00", "when"),
    ("/api/v1/runs?state=broken", "state"),
    ("/api/v1/runs?source=", "source"),
    ("/api/v1/runs?since=2026-11-21T12:00:00", "since"),
    ("/api/v1/runs?until=yesterday", "until"),
    ("/api/v1/runs?job_id=1&job=g/a", "job_id"),
    ("/api/v1/runs/7/logs?follow=yes", "follow"),
    ("/api/v1/runs/7/logs?after=-1", "after"),
    ("/api/v1/runs/7/logs?after=1&tail=2", "tail"),
    ("/api/v1/runs/seven", "run_id"),
    ("/api/v1/logs", "q"),
    ("/api/v1/events?after=%0Adata:x", "after"),
]


@pytest.mark.parametrize(("url", "field"), QUERIES)
async def test_a_bad_query_is_refused_by_name(
    http: httpx.AsyncClient, engine: FakeEngine, url: str, field: str
) -> None:
    response = await http.get(url)

    assert response.status_code == 422, response.text
    assert [error["field"] for error in problem_of(response)["errors"]] == [field]
    assert engine.calls == []


async def test_no_call_passes_over_an_unknown_parameter(engine: FakeEngine) -> None:
    async with http_on(make_app(engine)) as http:
        described = (await http.get("/api/v1/openapi.json")).json()
        for path, methods in described["paths"].items():
            if path.startswith("/task-manager/"):
                continue  # a face of its own, which says so in its own form where it matters
            for method in methods:
                url = path.format(group="g", name="a", run_id=7, number=3) + "?bogus=1"
                response = await http.request(method, url, json={"trigger": {}, "function": "g/a"})
                fields = [error["field"] for error in problem_of(response)["errors"]]
                assert (response.status_code, fields[0]) == (422, "bogus"), url
    assert engine.calls == []


BODIES: list[tuple[bytes, str, int]] = [
    (b'{"function": "g/a", "trig', "application/json", 400),
    (b"", "application/json", 400),
    (b'{"function": "g/a", "trigger": {}, "kwargs": {"x": NaN}}', "application/json", 400),
    (b'{"function": "g/a", "trigger": {}, "kwargs": {"x": -Infinity}}', "application/json", 400),
    (b'{"function": "g/a", "trigger": {}, "kwargs": {"x": 1e999}}', "application/json", 400),
    (b'{"function": "\xff\xfe"}', "application/json", 400),
    (b'\xef\xbb\xbf{"function": "g/a"}', "application/json", 400),
    (b'{"function": "g/a", "trigger": {}, "name": "\\ud800"}', "application/json", 400),
    (b'{"a":' * 60_000 + b"1" + b"}" * 60_000, "application/json", 400),
    (b'{"kwargs":' + b"[" * 200 + b"]" * 200 + b"}", "application/json", 400),
    (b'{"x": ' + b"9" * 5_000 + b"}", "application/json", 400),
    (b"function=g/a", "application/x-www-form-urlencoded", 415),
    (b'{"function": "g/a", "trigger": {}}', "text/plain", 415),
    (b'{"function": "g/a", "trigger": {}}', "", 415),
    (b"[]", "application/json", 422),
    (b"null", "application/json", 422),
    (b'{"trigger": {}}', "application/json", 422),
    (b'{"function": 3, "trigger": {}}', "application/json", 422),
    (b'{"function": "g/a", "trigger": {}, "nmae": "x"}', "application/json", 422),
    (
        b'{"function": "g/a", "trigger": {}, "paused": "yes"}',
        "application/json; charset=utf-8",
        422,
    ),
]


@pytest.mark.parametrize(("body", "media", "status"), BODIES)
async def test_a_bad_body_is_refused(
    http: httpx.AsyncClient, engine: FakeEngine, body: bytes, media: str, status: int
) -> None:
    headers = {"Content-Type": media} if media else {}
    response = await http.post("/api/v1/jobs", content=body, headers=headers)

    assert response.status_code == status, response.text
    assert len(problem_of(response)["detail"]) < 1_000
    assert engine.calls == []


async def test_no_write_passes_over_a_precondition_that_it_does_not_know(
    engine: FakeEngine, http: httpx.AsyncClient
) -> None:
    asked = 0
    described = (await http.get("/api/v1/openapi.json")).json()
    for path, methods in described["paths"].items():
        for method, said in methods.items():
            if path.startswith("/task-manager/") or method == "get":
                continue
            known = {one["name"] for one in said.get("parameters", ())}
            for name in {"If-Match", "If-None-Match", "If-Unmodified-Since"} - known:
                url = path.format(group="g", name="a", run_id=7, number=3)
                response = await http.request(method, url, json={}, headers={name: "*"})
                fields = [error["field"] for error in problem_of(response)["errors"]]
                assert (response.status_code, fields) == (422, [name]), url
                asked += 1
    assert asked > 60
    assert engine.calls == []
    assert (await http.get("/api/v1/jobs", headers={"If-None-Match": "*"})).status_code == 200


async def test_compressed_bodies_are_not_taken(http: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    assert (await http.post("/api/v1/jobs", content=bomb, headers=headers)).status_code == 415


async def test_duplicate_keys_are_json(http: httpx.AsyncClient) -> None:
    body = b'{"function": "g/x", "function": "g/a", "trigger": {}}'
    response = await http.post(
        "/api/v1/jobs", content=body, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 201


@pytest.mark.parametrize("announced", [True, False])
async def test_a_large_body_is_refused_however_it_comes(
    http: httpx.AsyncClient, engine: FakeEngine, announced: bool
) -> None:
    part = b'{"description": "' + b"x" * 5_000_000

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(part), 65_536):
            yield part[start : start + 65_536]

    response = await http.post(
        "/api/v1/jobs",
        content=part if announced else parts(),
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 413
    assert "1048576 bytes" in problem_of(response)["detail"]
    assert engine.calls == []


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/jobs/", 404),
        ("GET", "/api/v1/jobs/g/a%2Fnext", 404),
        ("POST", "/api/v1/jobs/g/a%2ftrigger", 404),
        ("GET", "/api/v1/jobs/g/nothing", 404),
        ("GET", "/api/v1/runs/99999999999999999999999", 404),
        ("GET", "/api/v1/runs/8/logs?follow=true", 404),
        ("POST", "/api/v1/jobs/g/a", 405),
        ("DELETE", "/api/v1/engine", 405),
        ("GET", "/docs", 404),
    ],
)
async def test_what_is_not_there(
    http: httpx.AsyncClient, engine: FakeEngine, method: str, url: str, status: int
) -> None:
    response = await http.request(method, url)

    assert problem_of(response)["status"] == status
    assert not any(call in {"trigger_job", "follow"} for _, call in engine.calls)
    if status == 405:
        assert response.headers["allow"]


@pytest.mark.parametrize(
    ("error", "status", "type_"),
    [
        (StaticJobError("it is declared in code"), 400, "static-job"),
        (StoreUnavailableError("disk full"), 503, "store-unavailable"),
        (EngineStoppedError("stopped"), 503, "engine-stopped"),
        (FunctionNotFoundError("g/x"), 422, "function-not-found"),
        (InvalidError.one("trigger.every_s", 0, "more than 0"), 422, "invalid"),
    ],
)
async def test_errors_of_the_engine_have_their_status(
    http: httpx.AsyncClient, engine: FakeEngine, error: SchedtuiError, status: int, type_: str
) -> None:
    engine.failure = error
    response = await http.post("/api/v1/jobs", json=JOB)

    problem = problem_of(response)
    assert (response.status_code, problem["type"]) == (status, f"urn:schedtui:error:{type_}")
    assert problem["detail"] == str(error)
    assert problem["retryable"] == error.retryable
    assert ("retry-after" in response.headers) == error.retryable


async def test_what_is_unforeseen_shows_nothing_and_is_logged(
    http: httpx.AsyncClient, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.failure = KeyError("/secret/path")
    response = await http.get("/api/v1/jobs")

    assert problem_of(response)["status"] == 500
    assert "secret" not in response.text
    assert "/secret/path" in caplog.text


async def test_nan_from_user_code_is_null(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.jobs["g/a"] = replace(engine.jobs["g/a"], kwargs={"x": [float("nan"), 1.5]})

    assert (await http.get("/api/v1/jobs/g/a")).json()["kwargs"] == {"x": [None, 1.5]}
