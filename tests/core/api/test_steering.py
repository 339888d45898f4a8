"""Calls that end runs, start them once more, and pause jobs for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from api_doubles import FakeEngine, http_on, make_app, problem_of

from schedtui.errors import ConflictError
from schedtui.models import JobFilter, JobState


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def http(engine: FakeEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with http_on(make_app(engine), "operator") as client:
        yield client


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (None, {"run_id": 7, "reason": "", "force": False}),
        ({"reason": "wrong file"}, {"run_id": 7, "reason": "wrong file", "force": False}),
        ({"reason": "x", "force": True}, {"run_id": 7, "reason": "x", "force": True}),
    ],
)
async def test_a_run_is_cancelled(
    http: httpx.AsyncClient, engine: FakeEngine, body: Any, seen: dict[str, Any]
) -> None:
    response = await http.post("/api/v1/runs/7/cancel", json=body)

    assert (response.status_code, response.json()["id"]) == (202, 7)
    assert engine.seen["cancel_run"] == seen
    assert engine.calls[-1] == ("token:my operator", "cancel_run")


async def test_a_run_runs_once_more(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    response = await http.post("/api/v1/runs/7/rerun")

    assert (response.status_code, response.headers["location"]) == (202, "/api/v1/runs/8")
    run = response.json()
    assert (run["id"], run["source"], run["parent_id"]) == (8, "rerun", 7)
    assert engine.seen["rerun"] == {"run_id": 7}


@pytest.mark.parametrize("call", ["cancel", "rerun"])
async def test_what_cannot_be_done_to_a_run_is_a_problem(
    http: httpx.AsyncClient, engine: FakeEngine, call: str
) -> None:
    for run_id, status in (("8", 404), ("9" * 30, 404), ("x", 422)):
        response = await http.post(f"/api/v1/runs/{run_id}/{call}")
        assert response.status_code == status
        assert problem_of(response)["retryable"] is False
    engine.failure = ConflictError("run 7 has ended already")
    response = await http.post(f"/api/v1/runs/7/{call}")
    assert (response.status_code, problem_of(response)["type"][-8:]) == (409, "conflict")


@pytest.mark.parametrize(
    "body", [{"force": "yes"}, {"reason": 1}, {"why": "x"}, [], {"force": None}]
)
async def test_a_wrong_body_cancels_nothing(
    http: httpx.AsyncClient, engine: FakeEngine, body: Any
) -> None:
    response = await http.post("/api/v1/runs/7/cancel", json=body)

    assert response.status_code == 422
    assert problem_of(response)["errors"]
    assert engine.calls == []


async def test_a_job_is_paused_until_a_moment(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    body = {"reason": "move", "until": "2026-12-24T18:00:00+01:00"}
    response = await http.post("/api/v1/jobs/g/a/pause", json=body)

    assert response.json()["paused_until"] == "2026-12-24T17:00:00Z"
    until = datetime(2026, 12, 24, 17, tzinfo=UTC)
    assert engine.seen["pause_job"] == {"reason": "move", "until": until, "expect_id": None}


@pytest.mark.parametrize("until", ["2026-12-24T18:00:00", "tomorrow", 5])
async def test_until_is_an_aware_moment(
    http: httpx.AsyncClient, engine: FakeEngine, until: Any
) -> None:
    response = await http.post("/api/v1/jobs/g/a/pause", json={"until": until})

    assert response.status_code == 422
    assert [error["field"] for error in problem_of(response)["errors"]] == ["until"]
    assert engine.calls == []


async def test_the_description_shows_what_may_be_sent(http: httpx.AsyncClient) -> None:
    described = (await http.get("/api/v1/openapi.json")).json()

    call = described["paths"]["/api/v1/runs/{run_id}/cancel"]["post"]
    assert call["requestBody"]["required"] is False
    assert set(described["components"]["schemas"]["CancelBody"]["properties"]) == {
        "reason",
        "force",
    }
    assert "until" in described["components"]["schemas"]["PauseBody"]["properties"]
    assert "202" in call["responses"]


async def test_the_whole_engine_is_paused(http: httpx.AsyncClient, engine: FakeEngine) -> None:
    paused = await http.post("/api/v1/engine/pause", json={"reason": "move"})
    assert (paused.json()["paused"], paused.json()["pause_reason"]) == (True, "move")
    assert engine.seen["pause_engine"] == {"reason": "move"}
    await http.post("/api/v1/engine/pause")
    assert engine.seen["pause_engine"] == {"reason": ""}
    assert (await http.post("/api/v1/engine/resume")).json()["paused"] is False
    wrong = await http.post("/api/v1/engine/pause", json={"until": "2026-12-24T18:00:00Z"})
    assert [error["field"] for error in problem_of(wrong)["errors"]] == ["until"]


@pytest.mark.parametrize("action", ["pause", "resume", "trigger"])
async def test_many_jobs_at_once(http: httpx.AsyncClient, engine: FakeEngine, action: str) -> None:
    response = await http.post(f"/api/v1/jobs/{action}", json={"group": "g", "state": "broken"})

    assert response.status_code == 200
    first, second = response.json()["items"]
    assert first == {
        "job": "g/a",
        "id": 1,
        "done": True,
        "run_id": 7,
        "replayed": False,
        "problem": "",
    }
    assert (second["done"], second["problem"]) == (False, "it is declared in code")
    where = JobFilter(group="g", state=JobState.BROKEN)
    assert engine.seen["bulk"] == {"action": action, "where": where, "reason": "", "until": None}


async def test_a_bulk_pause_has_a_reason_and_an_end(
    http: httpx.AsyncClient, engine: FakeEngine
) -> None:
    body = {"tag": "db", "reason": "move", "until": "2026-12-24T18:00:00Z"}
    assert (await http.post("/api/v1/jobs/pause", json=body)).status_code == 200
    seen = engine.seen["bulk"]
    assert (seen["where"], seen["reason"]) == (JobFilter(tag="db"), "move")
    assert seen["until"] == datetime(2026, 12, 24, 18, tzinfo=UTC)
    wrong = await http.post("/api/v1/jobs/resume", json=body)
    assert {error["field"] for error in problem_of(wrong)["errors"]} == {"reason", "until"}


async def test_a_function_runs_without_a_job(engine: FakeEngine) -> None:
    async with http_on(make_app(engine)) as http:
        run = await http.post("/api/v1/functions/g/a/run", json={"kwargs": {"x": [1]}})
        bare = await http.post("/api/v1/functions/g/a/run")
        missing = await http.post("/api/v1/functions/g/none/run")

    assert (run.status_code, run.headers["location"]) == (202, "/api/v1/runs/7")
    assert run.json()["job_id"] == 0
    assert bare.status_code == 202
    assert (missing.status_code, problem_of(missing)["type"][-18:]) == (404, "function-not-found")
    assert engine.seen["run_function"] == {"function": "g/none", "kwargs": {}}
