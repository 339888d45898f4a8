"""What the description says that an error tells is what the call really tells."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from api_doubles import SECRETS, FakeEngine, make_app, make_tokens

from schedtui import Cron, Engine, Group
from schedtui.api import Listen, start_server

DESCRIBED: dict[str, Any] = make_app(FakeEngine()).openapi()
SPEC = {"function": "Reports/send", "trigger": {"type": "cron", "expression": "0 9 * * *"}}
JOB = "/api/v1/jobs/Reports/weekly"
NAMED = "/api/v1/jobs/{group}/{name}"
RUN = "/api/v1/runs/{run_id}"
KEY: dict[str, Any] = {"headers": {"Idempotency-Key": "order 7"}}
CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("DELETE", NAMED, "/api/v1/jobs/Reports/cleanup", {}),
    ("DELETE", NAMED, f"{JOB}?expect_id=99", {}),
    ("GET", NAMED, JOB.replace("Reports", "Shop"), {}),
    ("POST", f"{NAMED}/pause", f"{JOB}/pause?expect_id=99", {}),
    ("POST", f"{NAMED}/resume", f"{JOB}/resume?expect_id=99", {}),
    ("POST", f"{NAMED}/revert", f"{JOB}/revert", {}),
    ("POST", f"{NAMED}/retries/cancel", f"{JOB}/retries/cancel?expect_id=99", {}),
    ("POST", f"{NAMED}/statistics/clear", f"{JOB}/statistics/clear?expect_id=99", {}),
    ("POST", f"{NAMED}/backfill/cancel", f"{JOB}/backfill/cancel?expect_id=99", {}),
    ("POST", f"{NAMED}/trigger", f"{JOB}/trigger", {**KEY, "json": {"kwargs": {"to": "bob"}}}),
    ("POST", "/api/v1/jobs", "/api/v1/jobs", {"json": {**SPEC, "name": "weekly"}}),
    ("GET", RUN, "/api/v1/runs/4711", {}),
    ("GET", f"{RUN}/logs", "/api/v1/runs/4711/logs", {}),
    ("POST", f"{RUN}/cancel", "/api/v1/runs/1/cancel", {}),
    ("POST", f"{RUN}/rerun", "/api/v1/runs/2/rerun", {}),
    ("GET", "/api/v1/functions", "/api/v1/functions?group=Shop", {}),
    (
        *("POST", "/api/v1/functions/{group}/{name}/run"),
        *("/api/v1/functions/Shop/pay/run", {"json": {"kwargs": {}}}),
    ),
    ("GET", "/api/v1/revisions/{number}", "/api/v1/revisions/17", {}),
    ("POST", "/api/v1/plan", "/api/v1/plan", {"json": {"revision": 17}}),
    ("POST", "/api/v1/rollback", "/api/v1/rollback", {"json": {"revision": 17}}),
    (
        *("POST", "/api/v1/apply", "/api/v1/apply"),
        {"json": {"text": "format = 1", "note": "x", "plan": "5f0c"}},
    ),
    ("POST", "/api/v1/reload", "/api/v1/reload", {}),
    ("GET", "/api/v1/jobs", "/api/v1/jobs?limit=0", {}),
    ("PATCH", NAMED, JOB, {"headers": {"If-Match": '"9"'}, "json": {"owner": "ann"}}),
    ("GET", "/api/v1/runs", "/api/v1/runs?job=Shop/weekly", {}),
]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Of an engine with a run that has ended (1) and one that has not (2)."""
    group, gate = Group("Reports"), asyncio.Event()

    @group.function()
    async def send(to: str = "ann") -> None: ...

    @group.function()
    async def wait() -> None:
        await gate.wait()

    @group.job(cron="0 0 1 1 *")
    async def cleanup() -> None: ...

    engine = Engine(groups=[group], store="memory://")
    await engine.start()
    with engine.store.transaction() as tx:
        for token in make_tokens():
            tx.insert_token(token)
    await engine.create_job(function="Reports/send", trigger=Cron("0 9 * * *"), name="weekly")
    server = await start_server(engine, listen=Listen(port=0))
    headers = {"Authorization": f"Bearer {SECRETS['admin']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        assert (await client.post(f"{JOB}/trigger", **KEY)).json()["id"] == 1
        while (await client.get("/api/v1/runs/1")).json()["state"] != "succeeded":  # noqa: ASYNC110 - asked for, as a client does
            await asyncio.sleep(0.01)
        await client.post("/api/v1/functions/Reports/wait/run", json={})
        yield client
    gate.set()
    await server.stop()
    await engine.stop(grace_s=1)


def documented(method: str, path: str, status: int) -> dict[str, Any]:
    """The example of an error of a call."""
    name = DESCRIBED["paths"][path][method.lower()]["responses"][str(status)]["$ref"]
    answer = DESCRIBED["components"]["responses"][name.rpartition("/")[2]]
    example: dict[str, Any] = answer["content"]["application/problem+json"]["example"]
    return example


def plain(problem: dict[str, Any]) -> tuple[int, str]:
    """One without the names and numbers of whatever it was."""
    text = json.dumps({name: value for name, value in problem.items() if name != "status"})
    for thing in (r"Shop/pay|\b(Reports|Shop)/\w+|\bweekly\b", r"\d+", r"known: [^\"]*"):
        text = re.sub(thing, "…", text)
    return problem["status"], text


async def test_what_an_error_is_said_to_tell_is_what_it_tells(http: httpx.AsyncClient) -> None:
    for method, path, url, asked in CALLS:
        answer = await http.request(method, url, **asked)
        assert answer.is_error, (method, url, answer.text)
        told = documented(method, path, answer.status_code)
        assert plain(answer.json()) == plain(told), (method, url)


TASKS = "/task-manager/tasks"
TASK = {"function_name": "send", "cron_expression": "0 9 * * *"}


@pytest.mark.parametrize(
    ("method", "query", "body"),
    [
        ("DELETE", "?task_group_name=Reports&task_name=cleanup", None),
        ("DELETE", "?task_group_name=Reports&task_name=nothing", None),
        ("POST", "", {**TASK, "task_group_name": "Shop"}),
        ("POST", "", {**TASK, "task_group_name": "Reports", "name": "weekly"}),
        ("POST", "", {**TASK, "task_group_name": "Reports", "cron_expression": "daily"}),
    ],
)
async def test_so_it_is_below_task_manager(
    http: httpx.AsyncClient, method: str, query: str, body: Any
) -> None:
    answer = await http.request(method, f"{TASKS}{query}", json=body)
    told = DESCRIBED["paths"][TASKS][method.lower()]["responses"][str(answer.status_code)]
    if "$ref" in told:
        told = DESCRIBED["components"]["responses"][told["$ref"].rpartition("/")[2]]
    example = told["content"]["application/json"]["example"]["detail"]
    assert re.sub(r"'\w+'", "…", answer.json()["detail"]) == re.sub(r"'\w+'", "…", example)


def test_each_call_of_a_run_says_that_the_run_is_missing_and_not_a_job() -> None:
    for path in DESCRIBED["paths"]:
        for method in DESCRIBED["paths"][path]:
            if path.startswith(RUN):
                assert documented(method, path, 404)["type"].endswith("run-not-found")
