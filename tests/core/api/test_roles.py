"""Which role each call needs, and what one with another role is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from api_doubles import FakeEngine, http_on, make_app

from schedtui.api.document import calls_of
from schedtui.api.gate import PUBLIC
from schedtui.api.roles import Roles
from schedtui.api.router import Router
from schedtui.api.routes import ROUTERS
from schedtui.api.task_manager import router as task_manager

OPERATING = {
    "/task-manager/tasks": ("disable", "enable", "trigger", "reset-retry"),
    "/api/v1/engine": ("pause", "resume"),
    "/api/v1/jobs": ("pause", "resume", "trigger"),
    "/api/v1/jobs/{group}/{name}": (
        *("trigger", "pause", "resume", "retries/cancel"),
        *("backfill", "backfill/cancel"),
    ),
    "/api/v1/dead-letters": ("replay", "dismiss"),
    "/api/v1/runs/{run_id}": ("cancel", "rerun"),
}
"""What an operator may do beside reading."""
ASKING = {"POST /api/v1/plan", "POST /api/v1/triggers/preview"}
"""What changes nothing and is no GET."""


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


def operates(method: str, url: str) -> bool:
    return any(
        method == "POST" and re.fullmatch(re.sub(r"{\w+}", "[^/]+", f"{head}/{tail}"), url)
        for head, tails in OPERATING.items()
        for tail in tails
    )


def test_each_call_has_its_role_and_what_writes_is_an_admins() -> None:
    """Each that is not is in the tables above: somebody has decided so."""
    described = make_app(FakeEngine()).openapi()
    gate = Roles(route for router in (task_manager, *ROUTERS) for route in router.routes)
    operating = {f"POST {head}/{tail}" for head, tails in OPERATING.items() for tail in tails}
    for path, method, call in calls_of(described):
        name = f"{method.upper()} {path}"
        usual = "viewer" if method == "get" or name in ASKING else "admin"
        role = "operator" if name in operating else usual
        assert path in PUBLIC or call["x-role"] == role
        assert path in PUBLIC or gate.of(method.upper(), re.sub(r"{\w+}", "1", path)) == role


async def test_a_new_call_is_an_admins_however_its_path_ends(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = Router(prefix="/api/v1/shops")

    @router.post("/{shop}/cancel")
    async def close_shop(shop: str) -> str:
        return shop

    monkeypatch.setattr("schedtui.api.app.ROUTERS", (*ROUTERS, router))
    for role, status in (("viewer", 403), ("operator", 403), ("admin", 200)):
        async with http_on(make_app(engine), role) as http:
            assert (await http.post("/api/v1/shops/7/cancel")).status_code == status


@pytest.mark.parametrize(
    ("role", "method", "url", "status"),
    [
        (None, "GET", "/api/v1/engine", 401),
        (None, "GET", "/api/v1/openapi.json", 401),
        (None, "GET", "/no/such/call", 401),
        (None, "GET", "/api/v1/events", 401),
        (None, "GET", "/api/v1/runs/1/logs?follow=true", 401),
        (None, "GET", "/health", 200),
        ("viewer", "GET", "/api/v1/jobs", 200),
        ("viewer", "POST", "/api/v1/triggers/preview", 200),
        ("viewer", "POST", "/api/v1/plan", 422),
        ("viewer", "GET", "/api/v1/revisions/3", 200),
        ("operator", "POST", "/api/v1/apply", 403),
        ("operator", "POST", "/api/v1/rollback", 403),
        ("viewer", "POST", "/api/v1/jobs", 403),
        ("viewer", "PATCH", "/api/v1/jobs/g/a", 403),
        ("viewer", "DELETE", "/api/v1/jobs/g/a", 403),
        ("viewer", "POST", "/api/v1/jobs/g/a/trigger", 403),
        ("viewer", "POST", "/api/v1/jobs/g/a/pause", 403),
        ("viewer", "POST", "/api/v1/jobs/g/a/resume", 403),
        ("operator", "POST", "/api/v1/jobs/g/a/trigger", 202),
        ("operator", "POST", "/api/v1/jobs/g/a/pause", 200),
        ("operator", "POST", "/api/v1/jobs/g/a/resume", 200),
        ("viewer", "POST", "/api/v1/jobs/g/a/backfill", 403),
        ("viewer", "POST", "/api/v1/jobs/g/a/backfill/cancel", 403),
        ("operator", "POST", "/api/v1/jobs/g/a/backfill/cancel", 200),
        ("viewer", "POST", "/api/v1/runs/7/cancel", 403),
        ("viewer", "POST", "/api/v1/runs/7/rerun", 403),
        ("viewer", "POST", "/api/v1/jobs/pause", 403),
        ("operator", "POST", "/api/v1/jobs/pause", 200),
        ("operator", "POST", "/api/v1/jobs/trigger", 200),
        ("operator", "POST", "/api/v1/jobs/delete", 403),
        ("admin", "POST", "/api/v1/jobs/delete", 200),
        ("operator", "POST", "/api/v1/functions/g/a/run", 403),
        ("admin", "POST", "/api/v1/functions/g/a/run", 202),
        ("viewer", "POST", "/api/v1/engine/pause", 403),
        ("viewer", "POST", "/api/v1/engine/resume", 403),
        ("operator", "POST", "/api/v1/engine/pause", 200),
        ("operator", "POST", "/api/v1/engine/resume", 200),
        ("operator", "POST", "/api/v1/runs/7/cancel", 202),
        ("operator", "POST", "/api/v1/runs/7/rerun", 202),
        ("operator", "POST", "/api/v1/jobs", 403),
        ("operator", "PATCH", "/api/v1/jobs/g/a", 403),
        ("operator", "DELETE", "/api/v1/jobs/g/a", 403),
        ("operator", "PATCH", "/api/v1/jobs/g/pause", 403),
        ("operator", "POST", "/api/v1/jobs/g/a/revert", 403),
        ("operator", "POST", "/api/v1/jobs/g/a/statistics/clear", 403),
        ("operator", "POST", "/api/v1/reload", 403),
        ("operator", "POST", "/no/such/call/cancel", 403),
        ("operator", "DELETE", "/api/v1/jobs/g/trigger", 403),
        ("admin", "POST", "/api/v1/jobs", 422),
        ("admin", "PATCH", "/api/v1/jobs/g/a", 200),
        ("admin", "DELETE", "/api/v1/jobs/g/a", 204),
    ],
)
async def test_roles(
    engine: FakeEngine, role: str | None, method: str, url: str, status: int
) -> None:
    body: dict[str, Any] = {"trigger": {}} if url.endswith("preview") else {}
    async with http_on(make_app(engine), role) as http:
        response = await http.request(method, url, json=body)

    assert response.status_code == status, response.text
    if status in {401, 403}:
        assert response.headers["content-type"] == "application/problem+json"
        assert engine.calls == []
    if status == 401:
        assert response.headers["www-authenticate"].startswith("Bearer")
    if status == 403:
        needed = "operator" if role == "viewer" and operates(method, url) else "admin"
        assert f"this needs {needed}" in response.json()["detail"]
