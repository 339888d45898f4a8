"""Every status of an error over a real server: each is a problem document, and says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from api_doubles import SECRETS, make_tokens, problem_of
from api_served import ServedFake, start

from schedtui import Engine, Group
from schedtui.api import Listen, slowdown, start_server
from schedtui.api.server import Server
from schedtui.errors import StoreUnavailableError

CRON = {"type": "cron", "expression": "0 9 * * *"}
SPEC = {"function": "work/greet", "trigger": CRON}
JOB = "/api/v1/jobs/work/there"


def make_group() -> Group:
    group = Group("work")

    @group.function()
    async def greet() -> None: ...

    @group.job(cron="0 0 1 1 *")
    async def yearly() -> None: ...

    return group


@pytest.fixture
async def real() -> AsyncIterator[Server]:
    """A server of a real engine."""
    engine = Engine(groups=[make_group()], store="memory://")
    await engine.start()
    try:
        with engine.store.transaction() as tx:
            for token in make_tokens():
                tx.insert_token(token)
        await engine.create_job(function="work/greet", trigger=CRON, name="there")
        server = await start_server(engine, listen=Listen(port=0))
        try:
            yield server
        finally:
            await server.stop()
    finally:
        await engine.stop(grace_s=0)


def on(server: Server, role: str | None = "admin") -> httpx.AsyncClient:
    headers = {} if role is None else {"Authorization": f"Bearer {SECRETS[role]}"}
    return httpx.AsyncClient(base_url=server.url, headers=headers)


CASES = [
    (400, "POST", "/api/v1/jobs", {"content": b"{", "headers": {"Content-Type": "a/b+json"}}),
    (400, "DELETE", "/api/v1/jobs/work/yearly", {}),
    (404, "GET", "/api/v1/nothing", {}),
    (404, "GET", "/nothing/at/all", {}),
    (404, "GET", "/api/v1/jobs/work/nothing", {}),
    (404, "GET", "/api/v1/functions?group=nothing", {}),
    (405, "PATCH", "/api/v1/jobs", {}),
    (405, "DELETE", "/health", {}),
    (409, "POST", "/api/v1/jobs", {"json": {**SPEC, "name": "there"}}),
    (409, "PUT", "/api/v1/jobs/work/yearly", {"json": SPEC}),
    (412, "PATCH", JOB, {"json": {"description": "x"}, "headers": {"If-Match": '"9"'}}),
    (412, "PUT", JOB, {"json": SPEC, "headers": {"If-Match": '"9"'}}),
    (412, "PUT", f"{JOB}-not", {"json": SPEC, "headers": {"If-Match": '"1"'}}),
    (412, "PUT", f"{JOB}-not", {"json": SPEC, "headers": {"If-Match": "*"}}),
    (413, "POST", "/api/v1/jobs", {"json": {**SPEC, "description": "x" * 2_000_000}}),
    (415, "POST", "/api/v1/jobs", {"data": {"function": "work/greet"}}),
    (421, "GET", "/api/v1/jobs", {"headers": {"Host": "evil.example"}}),
    (422, "POST", "/api/v1/jobs", {"json": {**SPEC, "name": "a/b"}}),
    (422, "GET", "/api/v1/jobs?limit=0", {}),
    (422, "GET", "/api/v1/logs", {}),
]


@pytest.mark.parametrize(("status", "method", "url", "asked"), CASES)
async def test_a_refusal_is_a_problem_document(
    real: Server, status: int, method: str, url: str, asked: dict[str, object]
) -> None:
    async with on(real) as http:
        response = await http.request(method, url, **asked)  # type: ignore[arg-type]  # as a table has it

    problem = problem_of(response)
    assert problem["status"] == status, problem
    assert problem["type"].startswith("urn:schedtui:error:")
    assert not problem["retryable"]
    if status == 422:
        assert all(error["expected"] for error in problem["errors"])
        assert problem["errors"]


async def test_a_wrong_method_names_all_that_are_right(real: Server) -> None:
    async with on(real) as http:
        jobs = await http.patch("/api/v1/jobs")
        job = await http.post(JOB)

    assert jobs.headers["allow"] == "GET, POST"
    assert job.headers["allow"] == "DELETE, GET, PATCH, PUT"


async def test_who_may_not_is_told_what_would_do(real: Server) -> None:
    async with on(real, None) as http:
        nobody = await http.get("/api/v1/jobs")
    async with on(real, "viewer") as http:
        viewer = await http.post(f"{JOB}/pause")

    assert problem_of(nobody)["status"] == 401
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    assert problem_of(viewer)["status"] == 403
    assert "operator" in viewer.json()["detail"]


async def test_too_many_wrong_tokens_are_sent_away(
    real: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slowdown, "FREE", 0)
    monkeypatch.setattr(slowdown, "WAITING", 0)
    monkeypatch.setattr(slowdown, "LONGEST_S", 0.0)
    async with on(real) as http:
        response = await http.get("/api/v1/jobs", headers={"Authorization": "Bearer sched_no"})

    problem = problem_of(response)
    assert (problem["status"], problem["retryable"]) == (429, True)
    assert response.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("failure", "status", "retryable"),
    [(KeyError("secret"), 500, False), (StoreUnavailableError("disk full"), 503, True)],
)
async def test_what_fails_inside_is_a_problem_document(
    failure: Exception, status: int, retryable: bool
) -> None:
    engine = ServedFake()
    server = await start(engine, listen=Listen(port=0))
    try:
        engine.failure = failure
        async with on(server) as http:
            response = await http.get("/api/v1/jobs")
    finally:
        await server.stop()

    problem = problem_of(response)
    assert (problem["status"], problem["retryable"]) == (status, retryable)
    assert "secret" not in response.text
    assert ("retry-after" in response.headers) == retryable


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/runs/1/rerun"),
        ("POST", "/api/v1/engine/resume"),
        ("POST", "/api/v1/reload"),
        ("POST", f"{JOB}/resume"),
        ("POST", f"{JOB}/revert"),
        ("POST", f"{JOB}/statistics/clear"),
        ("DELETE", JOB),
    ],
)
async def test_fields_that_a_call_does_not_have_are_refused(
    real: Server, method: str, path: str
) -> None:
    async with on(real) as http:
        wrong = await http.request(method, path, json={"reason": "none"})
        there = await http.get(JOB)
        right = await http.request(method, path, json={})

    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "reason")
    assert there.status_code == 200
    assert right.status_code != 422


async def test_a_job_is_put_in_place(real: Server) -> None:
    async with on(real) as http:
        made = await http.put("/api/v1/jobs/work/50%20%25", json=SPEC)
        same = await http.put("/api/v1/jobs/work/50%20%25", json=SPEC)
        every = {**SPEC, "trigger": {"type": "every", "seconds": 60}, "tags": ["x"]}
        version = {"If-Match": same.headers["etag"]}
        other = await http.put("/api/v1/jobs/work/50%20%25", json=every, headers=version)
        stale = await http.put("/api/v1/jobs/work/50%20%25", json=SPEC, headers=version)
        named = await http.put("/api/v1/jobs/work/other", json={**SPEC, "name": "b"})
        read = await http.get(made.headers["location"])

    assert [one.status_code for one in (made, same, other, stale)] == [201, 200, 200, 412]
    assert (made.json()["version"], other.json()["version"]) == (1, 2)
    assert same.json() == made.json()
    assert other.json()["id"] == made.json()["id"]
    assert (read.json()["tags"], read.headers["etag"]) == (["x"], '"2"')
    assert named.json()["errors"][0]["field"] == "name"


async def test_of_those_that_put_a_job_at_once_one_has_made_it(real: Server) -> None:
    async with on(real) as http:
        answers = await asyncio.gather(
            *(http.put("/api/v1/jobs/work/raced", json=SPEC) for _ in range(6))
        )
    assert sorted(one.status_code for one in answers) == [200] * 5 + [201]
    assert len({one.json()["id"] for one in answers}) == 1


async def test_a_creation_is_sent_again_with_its_key(real: Server) -> None:
    key = {"Idempotency-Key": "order-17"}
    async with on(real) as http:
        first = await http.post("/api/v1/jobs", json=SPEC, headers=key)
        at_once = await asyncio.gather(
            *(http.post("/api/v1/jobs", json=SPEC, headers=key) for _ in range(3))
        )
        without = await http.post("/api/v1/jobs", json=SPEC)
        differs = await http.post("/api/v1/jobs", json={**SPEC, "tags": ["x"]}, headers=key)
        await http.delete(first.headers["location"])
        gone = await http.post("/api/v1/jobs", json=SPEC, headers=key)

    assert "idempotent-replay" not in first.headers
    for again in at_once:
        assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")
        assert again.json() == {**first.json(), "replayed": True}
        assert again.headers["location"] == first.headers["location"]
    assert without.json()["id"] != first.json()["id"]
    assert problem_of(differs)["status"] == problem_of(gone)["status"] == 409
    assert "deleted since" in gone.json()["detail"]


async def test_where_a_stream_goes_on_is_read_wherever_it_is_said(real: Server) -> None:
    async with on(real) as http:
        good = {"Last-Event-ID": "boot:1"}
        both = await http.get("/api/v1/events", params={"after": "é"}, headers=good)
        header = await http.get("/api/v1/events", headers={"Last-Event-ID": "a b"})
        run = (await http.post(f"{JOB}/trigger")).json()["id"]
        logs = f"/api/v1/runs/{run}/logs"
        no_line = await http.get(logs, headers={"Last-Event-ID": "x"})
        empty = await http.get(logs, headers={"Last-Event-ID": ""})

    refused = [problem_of(one)["errors"][0]["field"] for one in (both, header, no_line)]
    assert refused == ["after", "Last-Event-ID", "Last-Event-ID"]
    assert empty.status_code == 200
