"""What the face has of the rest: the same jobs as every other surface, roles, and its errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from api_doubles import SECRETS, FakeClient, http_on, make_job, make_tokens
from api_served import ServedFake
from task_manager_side import Side

from schedtui import Engine, Group, Secret
from schedtui.api.access import Access
from schedtui.api.app import create_app
from schedtui.api.limits import MAX_BODY
from schedtui.api.server import Server
from schedtui.client.local import LocalClient
from schedtui.errors import ConflictError, EngineStoppedError, StoreUnavailableError
from schedtui.models import Job, JobFilter, Page, RunFilter, RunState


def api(side: Side, method: str, path: str, **options: Any) -> httpx.Response:
    url = side.url.removesuffix("/task-manager") + "/api/v1" + path
    return side.http.request(method, url, **options)


def test_a_task_is_an_ordinary_dynamic_job(ours: Side) -> None:
    ours.create(
        "full",
        kwargs={"recipient": "x"},
        description="Yearly",
        high_priority=True,
        retry_backoff=5.0,
        retry_backoff_max=30.0,
        allow_parallel=True,
        tags=["t"],
    )
    job = api(ours, "GET", "/jobs/Reports/full").json()
    told = {name: job[name] for name in ("function", "timezone", "static", "tags", "description")}
    assert told == {
        "function": "Reports/send_report",
        "timezone": "UTC",
        "static": False,
        "tags": ["reports", "t"],
        "description": "Yearly",
    }
    said = {name: value for name, value in job["policies"].items() if value is not None}
    expected = {"overlap": "allow", "retry_delay_s": 5.0, "retry_max_delay_s": 30.0, "priority": 50}
    assert said == expected
    assert job["effective"]["retries"] == 3
    (line,) = [
        line
        for line in api(ours, "GET", "/audit").json()["items"]
        if (line["action"], line["object"]) == ("job.create", "Reports/full")
    ]
    assert line["actor"] == "token:admin"


@pytest.mark.parametrize(
    ("trigger", "timezone", "expression"),
    [
        ({"type": "cron", "expression": "0 9 * * *"}, None, "0 9 * * *"),
        ({"type": "cron", "expression": "@daily"}, None, "@daily"),
        (
            {"type": "cron", "expression": "0 9 * * *"},
            "Asia/Tokyo",
            "CRON_TZ=Asia/Tokyo 0 9 * * *",
        ),
        ({"type": "every", "seconds": 90}, None, "every 1 min 30 s"),
        ({"type": "once", "at": "2099-01-01T00:00:00Z"}, None, "once 2099-01-01 00:00"),
    ],
)
def test_a_job_of_any_kind_is_a_task(
    ours: Side, trigger: Any, timezone: str | None, expression: str
) -> None:
    body = {"function": "Reports/export", "name": "odd", "trigger": trigger, "timezone": timezone}
    made = api(ours, "POST", "/jobs", json=body)
    assert made.status_code == 201, made.text
    ours.made.append(("Reports", "odd"))
    found = ours.task("odd")
    assert (found["expression"], found["dynamic"]) == (expression, True)
    assert found["next_run"] == made.json()["next_due"].replace("+00:00", "Z")


def test_a_job_after_another_and_a_group_of_jobs_alone(ours: Side) -> None:
    ours.create("first")
    body = {"function": "Reports/export", "group": "Loose", "name": "next"}
    made = api(ours, "POST", "/jobs", json={**body, "after": ["Reports/first"]})
    assert made.status_code == 201, made.text
    ours.made.insert(0, ("Loose", "next"))
    found = ours.task("next", "Loose")
    assert found["next_run"] == "2000-01-01T00:00:00Z"
    assert found["function_name"] == "Reports/export"
    assert "Reports/first" in found["expression"]
    (group,) = ours.get("/task-groups", name="Loose")
    assert (group["task_count"], group["tags"]) == (1, [])
    refused = "Function 'export' is not registered in group 'Loose'. Available: []"
    told = ours.create("x", task_group_name="Loose", function_name="export")
    assert told == (400, {"detail": refused})


def test_a_task_that_another_surface_paused_is_not_active(ours: Side) -> None:
    ours.create("held")
    api(ours, "POST", "/jobs/Reports/held/pause", json={"reason": "by hand"})
    assert ours.task("held")["is_active"] is False
    ours.call("POST", "/tasks/enable", params={"task_name": "held"})
    assert api(ours, "GET", "/jobs/Reports/held").json()["paused"] is False


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        ("viewer", "GET", "/tasks", 200),
        ("viewer", "GET", "/health", 200),
        ("viewer", "POST", "/tasks/trigger?task_name=ghost", 403),
        ("operator", "POST", "/tasks/trigger?task_name=ghost", 404),
        ("operator", "POST", "/tasks/disable?task_name=ghost", 404),
        ("operator", "POST", "/tasks/enable?task_name=ghost", 404),
        ("operator", "POST", "/tasks/reset-retry?task_name=ghost", 404),
        ("operator", "POST", "/tasks", 403),
        ("operator", "DELETE", "/tasks?task_group_name=G&task_name=x", 403),
        ("operator", "DELETE", "/tasks/statistics?task_name=ghost", 403),
        ("admin", "DELETE", "/tasks/statistics?task_name=ghost", 404),
        ("admin", "POST", "/tasks", 422),
    ],
)
def test_roles(ours: Side, role: str, method: str, path: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {ours.tokens[role]}"}
    answer = ours.http.request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.is_success or "detail" in answer.json()


@pytest.fixture
async def face(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {SECRETS['admin']}"}
    url = f"{server.url}/task-manager"
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        yield client


async def test_a_store_that_does_not_answer(engine: ServedFake, face: httpx.AsyncClient) -> None:
    engine.failure = StoreUnavailableError("the store is locked")
    for method, path in (("GET", "/tasks"), ("POST", "/tasks/disable"), ("GET", "/config")):
        answer = await face.request(method, path)
        assert (answer.status_code, answer.json()) == (503, {"detail": "the store is locked"})
        assert answer.headers["Retry-After"] == "1"


async def test_an_engine_that_has_stopped_is_unhealthy(
    engine: ServedFake, face: httpx.AsyncClient
) -> None:
    engine.failure = EngineStoppedError("the engine is stopping")
    answer = await face.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "unhealthy",
        "redis_connected": False,
        "worker_id": None,
        "worker_started_at": None,
        "is_leader": None,
    }


async def test_what_cannot_be_done_to_one_is_done_to_the_others(
    engine: ServedFake, face: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = FakeClient.resume_job

    async def all_jobs(_client: FakeClient, _where: JobFilter, **_page: Any) -> Page[Job]:
        return Page(items=tuple(engine.jobs.values()))

    async def resumed(client: FakeClient, job: str, *, expect_id: int | None = None) -> Job:
        if job == "g/a":
            raise ConflictError("g/a cannot be resumed: edit its trigger")
        return await resume(client, job, expect_id=expect_id)

    monkeypatch.setattr(FakeClient, "jobs", all_jobs)
    monkeypatch.setattr(FakeClient, "resume_job", resumed)
    engine.jobs["g/b"] = make_job("b", id_=2)

    answer = await face.post("/tasks/enable")
    told = {"affected_tasks": [{"task_group": "g", "task": "b"}], "count": 1}
    assert (answer.status_code, answer.json()) == (200, told)
    assert engine.seen["resume_job"] == {"expect_id": 2}

    del engine.jobs["g/b"]
    answer = await face.post("/tasks/enable")
    refused = {"detail": "g/a cannot be resumed: edit its trigger"}
    assert (answer.status_code, answer.json()) == (409, refused)


async def test_the_engine_is_asked_for_the_tasks_that_are_meant_alone(
    engine: ServedFake, face: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[JobFilter] = []

    async def jobs(_client: FakeClient, where: JobFilter, **_page: Any) -> Page[Job]:
        asked.append(where)
        return Page(items=(make_job(), make_job("b", id_=2)))

    monkeypatch.setattr(FakeClient, "jobs", jobs)

    told = await face.get("/tasks", params={"task_group_name": "g", "tag": "t"})

    assert [task["name"] for task in told.json()] == ["a", "b"]
    assert asked == [JobFilter(group="g", tag="t")]
    where = RunFilter(group="g", tag="t", state=RunState.QUEUED)
    assert engine.seen["runs"]["where"] == where
    for odd in ({"tag": ""}, {"task_group_name": "a/b"}, {"tag": "x" * 2_000}):
        assert (await face.get("/tasks", params=odd)).json() == []
    assert len(asked) == 1


async def by_its_type(password: Secret, user: str) -> None: ...


async def by_its_name(**more: str) -> None: ...


@pytest.mark.parametrize("function", [by_its_type, by_its_name])
async def test_a_made_up_name_and_the_answer_say_nothing_of_a_secret(
    function: Callable[..., object],
) -> None:
    reports = Group("Reports")
    reports.function("login")(function)
    task = {"task_group_name": "Reports", "function_name": "login", "cron_expression": "0 0 1 1 *"}
    names = frozenset() if function is by_its_type else frozenset({"password"})
    async with Engine(groups=[reports], store="memory://", secrets=names) as engine:
        app = create_app(
            lambda actor: LocalClient(engine, actor=actor),
            auth=Access(make_tokens),
            closing=asyncio.Event(),
        )
        async with http_on(app, "admin") as http:
            answers = [
                await http.post("/task-manager/tasks", json={**task, "kwargs": kwargs})
                for kwargs in (
                    {"password": "1234", "user": "ann"},
                    {"password": "1235", "user": "ann"},
                    {"password": "1234", "user": "bob"},
                )
            ]
        # One name for both passwords: no part of it was made of them.
        assert [answer.status_code for answer in answers] == [200, 409, 200]
        assert answers[0].json()["kwargs"] == {"password": "***", "user": "ann"}
        assert "1234" not in answers[0].text + answers[1].text


async def test_a_body_that_is_too_long(face: httpx.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * (MAX_BODY // 2)

    headers = {"Content-Type": "application/json"}
    answer = await face.post("/tasks", content=parts(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("the body is longer than")


async def test_the_description_has_every_call_and_nothing_that_is_not_there(
    face: httpx.AsyncClient,
) -> None:
    described = (await face.get(str(face.base_url.copy_with(path="/api/v1/openapi.json")))).json()
    calls = {
        (method.upper(), path.removeprefix("/task-manager"))
        for path, found in described["paths"].items()
        if path.startswith("/task-manager/")
        for method in found
    }
    assert calls == {
        ("GET", "/health"),
        ("GET", "/config"),
        ("GET", "/task-groups"),
        ("GET", "/tasks"),
        ("GET", "/tasks/{task_group_name}/{task_name}/statistics"),
        ("GET", "/functions"),
        ("POST", "/tasks"),
        ("POST", "/tasks/disable"),
        ("POST", "/tasks/enable"),
        ("POST", "/tasks/trigger"),
        ("POST", "/tasks/reset-retry"),
        ("DELETE", "/tasks"),
        ("DELETE", "/tasks/statistics"),
    }
    text = json.dumps(described)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(described["components"]["schemas"])
    created = described["paths"]["/task-manager/tasks"]["post"]
    assert set(created["responses"]) >= {"200", "400", "401", "403", "404", "409", "422"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/tasks", {"Authorization": "Bearer sched_wrong"}, 401),
        ("GET", "/tasks", {"Host": "elsewhere.example"}, 421),
        ("PUT", "/tasks", {}, 405),
        ("GET", "/nothing", {}, 404),
    ],
)
def test_what_no_call_of_it_answers_has_its_form_too(
    ours: Side, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = ours.http.request(method, ours.url + path, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"detail"}
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert ("allow" in answer.headers) == (status == 405)


def test_a_body_is_read_alike_however_its_kind_is_written(ours: Side) -> None:
    body = b'{"task_group_name": "Reports", "function_name": "send_report", "name": "%s", %s}'
    cron = b'"cron_expression": "0 0 1 1 *", "high_priority": "yes"'
    told = []
    for number, kind in enumerate(("application/json", "application/json; charset=utf-8")):
        headers = {"Content-Type": kind}
        name = f"kind-{number}".encode()
        made = ours.call("POST", "/tasks", content=body % (name, cron), headers=headers)
        wrong = ours.call("POST", "/tasks", content=body % (name, b'"tags": 5'), headers=headers)
        assert (made[0], wrong[0]) == (200, 422)
        assert ours.task(name.decode())["high_priority"] is True
        told.append(wrong[1])
    first, second = told
    for one in (*first["detail"], *second["detail"]):
        one["input"] = None  # the names differ
    assert first == second
