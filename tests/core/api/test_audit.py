"""Every write of the API leaves a line that says who, what and from where.

A new call that writes has to be entered in `WRITES`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from api_doubles import FakeEngine, make_app
from client_contract import CRON, ended, make_group, put_token

from schedtui import Engine
from schedtui.api import Listen, start_server
from schedtui.client.http import HttpClient
from schedtui.client.local import LocalClient
from schedtui.models import AuditEvent, JobPatch, JobSpec
from schedtui.models.actor import Actor, address_of

SECRET = "sched_contract"
JOB = "/api/v1/jobs/{group}/{name}"
JOB_BODY = {"function": "work/greet", "trigger": CRON, "kwargs": {"name": "Ann"}, "name": "made"}
UNNAMED = {key: value for key, value in JOB_BODY.items() if key != "name"}
FACE = "/task-manager/tasks"
HELD = {"tag": "held"}

WRITES: dict[str, tuple[str | None, Any]] = {
    "POST /api/v1/engine/pause": ("engine.pause", None),
    "POST /api/v1/engine/resume": ("engine.resume", None),
    "POST /api/v1/functions/{group}/{name}/run": ("function.run", {"kwargs": {"name": "Bo"}}),
    "POST /api/v1/jobs": ("job.create", JOB_BODY),
    "POST /api/v1/jobs/pause": ("job.pause", {"tag": "free"}),
    "POST /api/v1/jobs/resume": ("job.resume", HELD),
    "POST /api/v1/jobs/trigger": ("job.trigger", {"tag": "free"}),
    "POST /api/v1/jobs/delete": ("job.delete", {"tag": "free"}),
    f"POST {JOB}/backfill": ("job.backfill", {"start": "2024-01-01", "end": "2026-06-01"}),
    f"POST {JOB}/backfill/cancel": ("job.backfill_cancel", None),
    f"PATCH {JOB}": ("job.edit", {"description": "changed"}),
    f"PUT {JOB}": ("job.edit", {**UNNAMED, "kwargs": {"name": "Bo"}}),
    f"DELETE {JOB}": ("job.delete", None),
    f"POST {JOB}/statistics/clear": ("job.clear_statistics", None),
    f"POST {JOB}/trigger": ("job.trigger", None),
    f"POST {JOB}/pause": ("job.pause", None),
    f"POST {JOB}/resume": ("job.resume", None),
    f"POST {JOB}/revert": ("job.revert", None),
    "POST /api/v1/runs/{run_id}/cancel": ("run.cancel", None),
    "POST /api/v1/runs/{run_id}/rerun": ("job.rerun", None),
    "POST /api/v1/dead-letters/replay": ("run.replay", {"where": {"group": "work"}}),
    "POST /api/v1/dead-letters/dismiss": ("run.dismiss", {"where": {"group": "work"}}),
    # Refused to an engine that is part of a program; tests/core/engine/test_reloading.py has it.
    "POST /api/v1/reload": (None, None),
    "POST /api/v1/triggers/preview": (None, None),  # writes nothing
    "POST /api/v1/plan": (None, None),  # neither
    # A line for each job, and one of all: tests/core/engine/revisions has them.
    "POST /api/v1/apply": (None, None),
    "POST /api/v1/rollback": (None, None),
    f"POST {JOB}/retries/cancel": (None, None),  # as the cancel of each run
    # The calls of fastapi-task-manager are commands of the engine, as those above.
    **{f"POST {FACE}{call}": (None, None) for call in ("", "/enable", "/disable", "/trigger")},
    f"POST {FACE}/reset-retry": (None, None),
    f"DELETE {FACE}": (None, None),
    f"DELETE {FACE}/statistics": (None, None),
}


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(groups=[make_group()], store="memory://")
    await engine.start()
    put_token(engine, SECRET)
    try:
        yield engine
    finally:
        await engine.stop(grace_s=0)


def _spec(name: str, tag: str) -> JobSpec:
    kwargs = {"name": "Ann"}
    return JobSpec(function="work/greet", trigger=CRON, kwargs=kwargs, name=name, tags=(tag,))


async def _by_the_tester(client: LocalClient) -> list[AuditEvent]:
    return [one for one in (await client.audit()).items if one.actor == "token:tester"]


def test_every_call_that_writes_is_in_the_table() -> None:
    paths = make_app(FakeEngine()).openapi()["paths"]
    assert set(WRITES) == {
        f"{method.upper()} {path}"
        for path, calls in paths.items()
        for method in calls
        if method != "get"
    }


@pytest.mark.parametrize("name", [name for name, (action, _) in WRITES.items() if action])
async def test_a_write_says_who_and_from_where(engine: Engine, name: str) -> None:
    action, body = WRITES[name]
    local = LocalClient(engine)
    for job, tag in (("free", "free"), ("held", "held")):
        await local.create_job(_spec(job, tag))
    await local.pause_job("work/held")
    await local.edit_job("work/yearly", JobPatch(description="edited"))
    run = await ended(local, await local.trigger_job("work/held"))
    await local.create_job(replace(_spec("bad", "bad"), function="work/fail", kwargs={}))
    await ended(local, await local.trigger_job("work/bad"))
    if "cancel" in name:
        run = await local.run_function("work/wait")
    if "backfill/cancel" in name:
        await local.pause_engine()
        await local.backfill_job("work/held", "2024-01-01", "2026-06-01")
    if name.endswith("engine/resume"):
        await local.pause_engine()
    job = "held" if name.endswith(("resume", "cancel", "{name}/backfill")) else "free"
    job = "yearly" if "revert" in name else "greet" if "functions" in name else job
    method, _, path = name.partition(" ")
    path = path.format(group="work", name=job, run_id=run.id)

    server = await start_server(engine, listen=Listen(port=0))
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        answer = await client.request(method, path, json=body)
    await server.stop()

    assert answer.is_success, answer.text
    async with asyncio.timeout(10):  # who cancelled a run that runs is written as soon as it can be
        while not (lines := await _by_the_tester(local)):  # noqa: ASYNC110 - as a reader would
            await asyncio.sleep(0.01)
    (line,) = lines
    assert (line.action, line.address) == (action, "127.0.0.1")


async def test_what_is_passed_on_keeps_its_address(engine: Engine, tmp_path: Any) -> None:
    """As between the processes of a service; from TCP such headers are not believed."""
    path = tmp_path / ".schedtui" / "engine.sock"
    server = await start_server(engine, listen=Listen(port=0), socket=path)
    ann = Actor("ann", "203.0.113.9")
    for client in (
        HttpClient("http://localhost", socket=path),
        HttpClient(server.url, token=SECRET),
    ):
        await client.acting_as(ann).pause_job("work/yearly")
        await client.acting_as("bo").resume_job("work/yearly")
        await client.aclose()
    await server.stop()

    lines = [one for one in (await LocalClient(engine).audit()).items if one.actor != "code"]
    assert [(one.actor, one.address) for one in lines[::-1] if one.object == "work/yearly"] == [
        ("ann", "203.0.113.9"),
        ("bo", ""),
        ("token:tester", "127.0.0.1"),
        ("token:tester", "127.0.0.1"),
    ]


def test_an_actor_without_an_address() -> None:
    assert (address_of("ann"), address_of(Actor("ann", "::1"))) == ("", "::1")
