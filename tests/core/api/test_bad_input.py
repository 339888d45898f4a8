"""Bad input over HTTP, against a real engine: a precise answer, and a store that is as it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from api_doubles import SECRETS, http_on, make_tokens

from schedtui import Engine, Group
from schedtui.api.access import Access
from schedtui.api.app import create_app
from schedtui.client.local import LocalClient

CRON = {"type": "cron", "expression": "0 9 * * *"}


def make_group() -> Group:
    group = Group("work")

    @group.function()
    async def greet(name: str, times: int = 1) -> None: ...

    return group


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(groups=[make_group()], store="memory://")
    await engine.start()
    try:
        await engine.create_job(
            function="work/greet", trigger=CRON, kwargs={"name": "Ann"}, name="taken"
        )
        yield engine
    finally:
        await engine.stop(grace_s=0)


@pytest.fixture
async def http(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        lambda actor: LocalClient(engine, actor=actor),
        auth=Access(make_tokens),
        closing=asyncio.Event(),
    )
    async with http_on(app) as client:
        yield client


def kept(engine: Engine) -> Any:
    """Everything that a refused call must not have touched."""
    store = engine.store
    return list(store.jobs()), store.open_runs(), store.audit_trail(limit=100, before=None)


def job(**changed: Any) -> dict[str, Any]:
    return {"function": "work/greet", "trigger": CRON, "kwargs": {"name": "Ann"}, **changed}


JOBS = "/api/v1/jobs"
TAKEN = f"{JOBS}/work/taken"
PREVIEW = "/api/v1/triggers/preview"

CASES: dict[str, tuple[str, str, Any, int, str]] = {
    "cron": ("POST", JOBS, job(trigger={"type": "cron", "expression": "* * *"}), 422, "trigger"),
    "zone": ("POST", JOBS, job(timezone="Mars/Olympus"), 422, "timezone"),
    "zone path": ("POST", JOBS, job(timezone="../../etc/passwd"), 422, "timezone"),
    "every 0": ("POST", JOBS, job(trigger={"type": "interval", "every_s": 0}), 422, "trigger"),
    "every -1": ("POST", JOBS, job(trigger={"type": "interval", "every_s": -1}), 422, "trigger"),
    "trigger type": ("POST", JOBS, job(trigger={"type": "os.system"}), 422, "trigger"),
    "naive": (
        "POST",
        JOBS,
        job(trigger={"type": "once", "at": "2030-01-01T00:00:00"}),
        422,
        "trigger",
    ),
    "function": ("POST", JOBS, job(function="work/nothing"), 422, "function"),
    "function path": ("POST", JOBS, job(function="os.system"), 422, "function"),
    "kwargs missing": ("POST", JOBS, job(kwargs={}), 422, "kwargs"),
    "kwargs type": ("POST", JOBS, job(kwargs={"name": 3}), 422, "kwargs"),
    "kwargs unknown": ("POST", JOBS, job(kwargs={"name": "A", "nmae": "B"}), 422, "kwargs"),
    "kwargs list": ("POST", JOBS, job(kwargs=["Ann"]), 422, "kwargs"),
    "name slash": ("POST", JOBS, job(name="a/b"), 422, "name"),
    "name control": ("POST", JOBS, job(name="a\x1b[31m"), 422, "name"),
    "name empty": ("POST", JOBS, job(name=""), 422, "name"),
    "name long": ("POST", JOBS, job(name="x" * 129), 422, "name"),
    "group slash": ("POST", JOBS, job(group="a/b"), 422, "group"),
    "duplicate": ("POST", JOBS, job(name="taken"), 409, "name"),
    "policies": ("POST", JOBS, job(policies={"overlap": "maybe"}), 422, "policies"),
    "edit cron": ("PATCH", TAKEN, {"trigger": {"type": "cron", "expression": "x"}}, 422, "trigger"),
    "edit kwargs": ("PATCH", TAKEN, {"kwargs": {"name": None}}, 422, "kwargs"),
    "edit id": ("PATCH", TAKEN, {"id": 3}, 422, "id"),
    "edit other": ("PATCH", f"{TAKEN}?expect_id=999", {"description": "x"}, 409, ""),
    "trigger kwargs": ("POST", f"{TAKEN}/trigger", {"kwargs": {"times": "x"}}, 422, "kwargs"),
    "delete other": ("DELETE", f"{TAKEN}?expect_id=999", None, 409, ""),
    "preview": (
        "POST",
        PREVIEW,
        {"trigger": {"type": "cron", "expression": "99 * * * *"}},
        422,
        "",
    ),
    "preview count": ("POST", PREVIEW, {"trigger": CRON, "count": 10**9}, 422, "count"),
}


@pytest.mark.parametrize(("method", "url", "body", "status", "field"), CASES.values(), ids=CASES)
async def test_bad_input_is_refused_precisely(
    http: httpx.AsyncClient,
    engine: Engine,
    method: str,
    url: str,
    body: Any,
    status: int,
    field: str,
) -> None:
    before = kept(engine)

    response = await http.request(method, url, json=body)
    problem = response.json()

    assert response.status_code == status, problem
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["detail"]
    assert not problem["retryable"]
    if field:
        fields = {error["field"].split(".")[0] for error in problem["errors"]}
        assert fields == {field}
        assert all(error["expected"] for error in problem["errors"])
    assert kept(engine) == before


async def test_bad_bytes_and_bad_tokens_change_nothing(
    http: httpx.AsyncClient, engine: Engine
) -> None:
    before = kept(engine)
    media = {"Content-Type": "application/json"}

    large = await http.post(JOBS, content=b'{"description":"' + b"x" * 5_000_000, headers=media)
    cut = await http.post(JOBS, content=b'{"function": "work/greet", "tri', headers=media)
    wrong = await http.delete(TAKEN, headers={"Authorization": "Bearer sched_wrong"})
    weak = await http.delete(TAKEN, headers={"Authorization": f"Bearer {SECRETS['viewer']}"})

    statuses = [response.status_code for response in (large, cut, wrong, weak)]
    assert statuses == [413, 400, 401, 403]
    assert "line 1, column" in cut.json()["detail"]
    assert kept(engine) == before


async def test_what_is_right_goes_through_and_names_its_actor(
    http: httpx.AsyncClient, engine: Engine
) -> None:
    made = await http.post(JOBS, json=job(name="50 % [b]#?"))
    gone = await http.delete(made.headers["location"])

    assert (made.status_code, gone.status_code) == (201, 204)
    _, _, trail = kept(engine)
    assert [(event.actor, event.action) for event in trail[:2]] == [
        ("token:my admin", "job.delete"),
        ("token:my admin", "job.create"),
    ]
