"""The HTTP API of a process that stands by, held against that of the one that fires."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from api_doubles import FakeEngine, http_on, make_app, make_tokens
from client_contract import StandsBy, ended, make_group

from schedtui import Engine
from schedtui.api import start_server
from schedtui.api.access import Access
from schedtui.api.app import create_app
from schedtui.api.context import ClientFor
from schedtui.client.local import LocalClient
from schedtui.integrations.passing import Winner
from schedtui.store.sql.lock import Owner

STREAM = "/api/v1/events"
"""Never ends; `test_passing.py` reads one."""
VALUES = {"group": "work", "name": "yearly", "run_id": 1, "number": 1}
VALUES |= {"task_group_name": "work", "task_name": "yearly"}
QUERY = {"/api/v1/logs": "q=hello"}


def http_of(client_for: ClientFor) -> httpx.AsyncClient:
    return http_on(create_app(client_for, auth=Access(make_tokens), closing=asyncio.Event()))


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """The API where the engine runs, and where another process has it."""
    socket = tmp_path / ".schedtui" / "engine.sock"
    engine = Engine(groups=[make_group()], store="memory://")
    await engine.start()
    client = LocalClient(engine)
    await ended(client, await client.run_function("work/greet", {"name": "Ann"}))
    text = (await client.export_jobs()).text
    await client.apply_jobs(text + _JOB, note="one more")
    server = await start_server(engine, socket=socket)
    winner = Winner(Owner(pid=1, boot="b", address=str(socket)))
    fires = http_of(lambda actor: LocalClient(engine, actor=actor))
    waits = http_of(StandsBy(winner).client)
    async with fires, waits:
        yield fires, waits
    await winner.aclose()
    await server.stop()
    await engine.stop(grace_s=0)


_JOB = """
[jobs."work/new"]
function = "work/greet"
cron = "0 9 1 1 *"

[jobs."work/new".kwargs]
name = "Bo"
"""


def paths_of(method: str) -> list[str]:
    paths = make_app(FakeEngine()).openapi()["paths"]
    return [path for path, calls in paths.items() if method in calls and path != STREAM]


@pytest.mark.parametrize("path", paths_of("get"))
async def test_what_is_read_is_the_same_at_both(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient], path: str
) -> None:
    place = f"{path.format(**VALUES)}?{QUERY.get(path, '')}"
    fires, waits = [await one.get(place) for one in both]
    assert (waits.status_code, waits.headers["content-type"]) == (
        fires.status_code,
        fires.headers["content-type"],
    ), waits.text
    assert fires.status_code == 200, fires.text


async def test_what_steers_reaches_the_one_that_fires(
    both: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    fires, waits = both
    assert (await waits.post("/api/v1/plan", json={"revision": 1})).status_code == 200
    assert (await waits.post("/api/v1/jobs/work/yearly/retries/cancel")).json()["cancelled"] == 0
    task = {
        "task_group_name": "work",
        "function_name": "greet",
        "cron_expression": "0 9 1 1 *",
        "kwargs": {"name": "Cy"},
        "name": "theirs",
    }
    made = await waits.post("/task-manager/tasks", json=task)
    assert made.status_code == 200, made.text
    assert (await fires.get("/api/v1/jobs/work/theirs")).status_code == 200
    where = "task_group_name=work&task_name=theirs"
    assert (await waits.delete(f"/task-manager/tasks?{where}")).status_code == 200
    assert (await fires.get("/api/v1/jobs/work/theirs")).status_code == 404
