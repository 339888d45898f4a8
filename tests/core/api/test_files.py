"""The calls for jobs as files: what each asks of the engine, what it answers, what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from api_doubles import FakeEngine, http_on, make_app, problem_of
from files_doubles import TEXT

from schedtui.api.limits import MAX_BODY, MAX_FILE


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def http(engine: FakeEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with http_on(make_app(engine), "admin") as client:
        yield client


CALLS: list[tuple[str, str, Any, str, dict[str, Any]]] = [
    ("GET", "/export", None, "export_jobs", {}),
    ("POST", "/plan", {"text": TEXT}, "plan_jobs", {"source": TEXT}),
    ("POST", "/plan", {"revision": 3}, "plan_jobs", {"source": 3}),
    (
        "POST",
        "/apply",
        {"text": TEXT, "note": "n", "plan": "a-b"},
        "apply_jobs",
        {"text": TEXT, "note": "n", "plan": "a-b"},
    ),
    (
        "POST",
        "/rollback",
        {"revision": 3},
        "rollback_jobs",
        {"number": 3, "note": "", "plan": None},
    ),
    ("GET", "/revisions?limit=2&cursor=7", None, "revisions", {"limit": 2, "cursor": "7"}),
    ("GET", "/revisions/3", None, "revision", {"number": 3}),
]


@pytest.mark.parametrize(("method", "path", "body", "call", "seen"), CALLS)
async def test_each_call_reaches_the_engine(
    http: httpx.AsyncClient,
    engine: FakeEngine,
    method: str,
    path: str,
    body: Any,
    call: str,
    seen: dict[str, Any],
) -> None:
    response = await http.request(method, f"/api/v1{path}", json=body)

    assert response.status_code == 200, response.text
    assert engine.calls == [("token:my admin", call)]
    assert engine.seen[call] == seen


async def test_a_plan_is_of_one_thing(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    for body in ({}, {"text": TEXT, "revision": 3}):
        problem = problem_of(await http.post("/api/v1/plan", json=body))
        assert (problem["status"], problem["errors"][0]["field"]) == (422, "text")
    assert engine.calls == []


@pytest.mark.parametrize(("number", "status"), [("4", 404), ("9" * 30, 404), ("x", 422)])
async def test_a_revision_that_is_not_there(
    http: httpx.AsyncClient, number: str, status: int
) -> None:
    problem = problem_of(await http.get(f"/api/v1/revisions/{number}"))
    assert problem["status"] == status


async def test_a_file_may_be_longer_than_other_bodies(
    http: httpx.AsyncClient, engine: FakeEngine
) -> None:
    long = "#" * (MAX_BODY + 1)
    assert (await http.post("/api/v1/plan", json={"text": long})).status_code == 200
    assert (await http.post("/api/v1/rollback", json={"note": long})).status_code == 413
    too_long = await http.post("/api/v1/plan", json={"text": "#" * MAX_FILE})
    assert too_long.status_code == 413
    assert str(MAX_FILE) in too_long.json()["detail"]
    assert len(engine.calls) == 1


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_who_may_not_apply_a_file_may_not_have_a_long_one_read(
    engine: FakeEngine, role: str
) -> None:
    async with http_on(make_app(engine), role) as http:
        assert (await http.post("/api/v1/plan", json={"text": TEXT})).status_code == 200
        long = await http.post("/api/v1/plan", json={"text": "#" * MAX_BODY})
    assert (long.status_code, len(engine.calls)) == (413, 1)
    assert str(MAX_BODY) in long.json()["detail"]
