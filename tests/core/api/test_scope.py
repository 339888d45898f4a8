"""A token of some groups: every call of the API, on what is another group's and on what is its own.

A new call has to be entered in `CALLS`, after somebody has thought about whose it is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import httpx
import pytest
from api_doubles import FakeEngine, make_app
from scope_kit import CRON, done, fail, found, scoped_engine

from schedtui import Engine
from schedtui.api import Listen, start_server
from schedtui.api.tokens import create_token
from schedtui.client.http import HttpClient
from schedtui.client.local import LocalClient
from schedtui.client.scoped import REFUSED, ScopedClient
from schedtui.errors import (
    ForbiddenError,
    FunctionNotFoundError,
    InvalidError,
    JobNotFoundError,
    RunNotFoundError,
)
from schedtui.models import (
    BulkAction,
    JobFilter,
    JobPatch,
    JobSpec,
    RunFilter,
)
from schedtui.protocols import EngineClient

engine = pytest.fixture(scoped_engine)
JOB = "/api/v1/jobs/{group}/{name}"
RUN = "/api/v1/runs/{run_id}"


@dataclass(frozen=True)
class Call:
    """What a call gives to a token of the group ``mine``."""

    kind: Literal["hidden", "filtered", "refused", "open", "stream"]
    """``hidden``: 404 for what is another group's; ``filtered``: an answer without it; ``refused``:
    403; ``open``: nothing in it is any group's; ``stream``: see the tests below."""
    body: Any = None
    query: str = ""


TASK = {"task_group_name": "theirs", "function_name": "f", "cron_expression": "0 9 1 1 *"}
FACE = {"number": 1, "task_group_name": "theirs", "task_name": "j"}
OF_THEIRS = "task_group_name=theirs&task_name=j"

CALLS = {
    "GET /health": Call("open"),
    "GET /ready": Call("open"),
    "GET /api/v1/engine": Call("filtered"),
    "POST /api/v1/reload": Call("refused"),
    "POST /api/v1/engine/pause": Call("refused"),
    "POST /api/v1/engine/resume": Call("refused"),
    "GET /api/v1/groups": Call("filtered"),
    "GET /api/v1/snapshot": Call("filtered"),
    "GET /api/v1/audit": Call("filtered", query="limit=1000"),
    "GET /api/v1/functions": Call("filtered"),
    "POST /api/v1/functions/{group}/{name}/run": Call("hidden"),
    "POST /api/v1/jobs/pause": Call("filtered", body={"tag": "shared"}),
    "POST /api/v1/jobs/resume": Call("filtered", body={"tag": "shared"}),
    "POST /api/v1/jobs/trigger": Call("filtered", body={"tag": "shared"}),
    "POST /api/v1/jobs/delete": Call("filtered", body={"tag": "nobody's"}),
    f"POST {JOB}/backfill": Call("hidden", body={"start": "2020-01-01"}),
    f"POST {JOB}/backfill/cancel": Call("hidden"),
    "GET /api/v1/jobs": Call("filtered"),
    "POST /api/v1/jobs": Call("refused", body={"function": "mine/f", "group": "theirs"}),
    f"GET {JOB}": Call("hidden"),
    f"PATCH {JOB}": Call("hidden", body={"description": "changed"}),
    f"DELETE {JOB}": Call("hidden"),
    f"POST {JOB}/trigger": Call("hidden"),
    f"POST {JOB}/pause": Call("hidden"),
    f"POST {JOB}/resume": Call("hidden"),
    f"POST {JOB}/revert": Call("hidden"),
    f"GET {JOB}/next": Call("hidden"),
    f"GET {JOB}/explain": Call("hidden"),
    "POST /api/v1/triggers/preview": Call("refused", body={"trigger": CRON, "group": "theirs"}),
    "GET /api/v1/runs": Call("filtered"),
    "GET /api/v1/stats": Call("filtered"),
    f"GET {RUN}": Call("hidden"),
    f"POST {RUN}/cancel": Call("hidden"),
    f"POST {RUN}/rerun": Call("hidden"),
    "POST /api/v1/dead-letters/replay": Call(
        "filtered", body={"where": {"error_type": "ValueError"}}
    ),
    "POST /api/v1/dead-letters/dismiss": Call(
        "filtered", body={"where": {"error_type": "ValueError"}}
    ),
    f"GET {RUN}/logs": Call("hidden"),
    "GET /api/v1/logs": Call("filtered", query="q=wrote"),
    "GET /api/v1/events": Call("stream"),
    "GET /metrics": Call("refused"),
    "GET /api/v1/defaults": Call("filtered"),
    "GET /api/v1/export": Call("refused"),
    "POST /api/v1/plan": Call("refused", body={"text": "format = 1\n"}),
    "POST /api/v1/apply": Call("refused", body={"text": "format = 1\n", "note": "n"}),
    "POST /api/v1/rollback": Call("refused", body={"revision": 1}),
    "GET /api/v1/revisions": Call("refused"),
    "GET /api/v1/revisions/{number}": Call("refused"),
    f"PUT {JOB}": Call("refused", body={"function": "mine/f", "trigger": CRON}),
    f"GET {JOB}/statistics": Call("hidden"),
    f"POST {JOB}/statistics/clear": Call("hidden"),
    f"POST {JOB}/retries/cancel": Call("hidden"),
    "GET /task-manager/health": Call("open"),
    "GET /task-manager/config": Call("open"),
    "GET /task-manager/task-groups": Call("filtered"),
    "GET /task-manager/tasks": Call("filtered"),
    "GET /task-manager/functions": Call("filtered"),
    "GET /task-manager/tasks/{task_group_name}/{task_name}/statistics": Call("hidden"),
    "POST /task-manager/tasks": Call("hidden", body=TASK),
    "DELETE /task-manager/tasks": Call("hidden", query=OF_THEIRS),
    "POST /task-manager/tasks/disable": Call("hidden", query=OF_THEIRS),
    "POST /task-manager/tasks/enable": Call("hidden", query=OF_THEIRS),
    "POST /task-manager/tasks/trigger": Call("hidden", query=OF_THEIRS),
    "POST /task-manager/tasks/reset-retry": Call("hidden", query=OF_THEIRS),
    "DELETE /task-manager/tasks/statistics": Call("hidden", query=OF_THEIRS),
}


@pytest.fixture
async def http(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    secret = await engine.off_loop(
        lambda: create_token(engine.store, "scoped", "admin", groups=["mine"])
    )
    server = await start_server(engine, listen=Listen(port=0))
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        yield client
    await server.stop()


@pytest.fixture
def scoped(engine: Engine) -> EngineClient:
    return ScopedClient(LocalClient(engine), ("mine",)).typed


def test_every_call_of_the_api_is_in_the_table() -> None:
    paths = make_app(FakeEngine()).openapi()["paths"]
    assert set(CALLS) == {
        f"{method.upper()} {path}" for path, calls in paths.items() for method in calls
    }


def test_every_method_of_an_engine_is_for_some_groups_or_refused() -> None:
    methods = {name for name in dir(EngineClient) if not name.startswith("_")}
    assert methods - set(dir(ScopedClient)) == REFUSED


@pytest.mark.parametrize("name", [name for name in CALLS if CALLS[name].kind != "stream"])
async def test_a_call_on_what_is_of_another_group(
    engine: Engine, http: httpx.AsyncClient, name: str
) -> None:
    call = CALLS[name]
    whole = LocalClient(engine)
    await fail(whole)
    before = (await whole.runs(), [await whole.job(f"theirs/{job}") for job in ("j", "static")])
    (run,) = (await whole.runs(RunFilter(job="theirs/j"))).items
    method, _, path = name.partition(" ")
    path = path.format(
        group="theirs", name="f" if "functions" in path else "j", run_id=run.id, **FACE
    )

    answer = await http.request(method, f"{path}?{call.query}", json=call.body)

    if call.kind in ("hidden", "refused"):
        assert answer.status_code == {"hidden": 404, "refused": 403}[call.kind], answer.text
        assert await whole.runs() == before[0]
    else:
        assert answer.status_code in (200, 202), answer.text
        assert "theirs" not in answer.text
    assert [await whole.job(f"theirs/{job}") for job in ("j", "static")] == before[1]
    assert not (await whole.info()).paused


@pytest.mark.parametrize("name", [name for name in CALLS if CALLS[name].kind == "filtered"])
async def test_an_answer_has_what_is_of_its_own_group(
    engine: Engine, http: httpx.AsyncClient, name: str
) -> None:
    call = CALLS[name]
    await fail(LocalClient(engine))
    method, _, path = name.partition(" ")

    answer = await http.request(method, f"{path}?{call.query}", json=call.body)

    if name.endswith(("/engine", "/delete")):
        assert answer.json().get("jobs", 2) == 2
    else:
        assert "mine" in answer.text


async def test_everything_works_on_its_own_group(scoped: EngineClient) -> None:
    job = await scoped.create_job(JobSpec(function="mine/f", trigger=CRON, name="new"))
    await scoped.edit_job("mine/new", JobPatch(description="d", after=("mine/j",)))
    await scoped.pause_job("mine/new")
    await scoped.resume_job("mine/new")
    run = await done(scoped, await scoped.trigger_job("mine/new"))
    again = await done(scoped, await scoped.rerun(run.id))
    await scoped.backfill_job("mine/new", "2020-01-01", "2021-02-01", dry_run=True)
    outcomes = await scoped.bulk(BulkAction.PAUSE, JobFilter(tag="shared"))
    lines = (await scoped.logs(again.id)).lines

    assert (await scoped.explain("mine/new")).job == "mine/new"
    assert [line.text for line in lines] == ["mine wrote this"]
    assert [outcome.job for outcome in outcomes] == ["mine/static", "mine/j"]
    assert len(await scoped.attempts(run.id)) == 1
    await found(scoped, 4)
    await scoped.delete_job("mine/new", expect_id=job.id)


async def test_the_face_works_on_its_own_group(http: httpx.AsyncClient) -> None:
    task = {**TASK, "task_group_name": "mine", "name": "new"}

    made = await http.post("/task-manager/tasks", json=task)
    groups = (await http.get("/task-manager/task-groups")).json()
    gone = await http.delete("/task-manager/tasks?task_group_name=mine&task_name=new")
    other = await http.delete(f"/task-manager/tasks?{OF_THEIRS}")

    assert (made.status_code, made.json()["task_name"]) == (200, "new")
    assert [(group["name"], group["task_count"]) for group in groups] == [("mine", 3)]
    assert (gone.status_code, gone.json()["task_name"]) == (200, "new")
    assert other.json() == {"detail": "Task group 'theirs' not found"}


async def test_dead_letters_of_other_groups_are_not_there(
    engine: Engine, scoped: EngineClient
) -> None:
    whole = LocalClient(engine)
    runs = await fail(whole)
    both = [runs["theirs"].id, runs["mine"].id]

    dry = await scoped.replay_runs(both, dry_run=True)
    assert [(one.run, one.job, one.done) for one in dry.letters] == [
        (runs["theirs"].id, "", False),
        (runs["mine"].id, "mine/bad", True),
    ]
    unknown = await scoped.replay_runs([999], dry_run=True)
    assert dry.letters[0].problem.replace(str(both[0]), "999") == unknown.letters[0].problem
    assert "theirs" not in str(dry)
    where = RunFilter(error_type="ValueError")
    assert (await scoped.replay_runs(replace(where, group="theirs"))).found == 0
    first = await scoped.replay_runs(where, idempotency_key="k")
    await done(whole, await whole.run(first.letters[0].new_run or 0))
    assert await scoped.replay_runs(where, idempotency_key="k") == replace(first, replayed=True)
    assert (await scoped.dismiss_runs(where, limit=1)).done == 1
    dead = (await whole.runs(RunFilter(dead=True))).items
    assert [run.id for run in dead] == [runs["theirs"].id]
    with pytest.raises(JobNotFoundError):
        await scoped.dismiss_runs(RunFilter(job="theirs/j"))
    with pytest.raises(InvalidError):
        await scoped.dismiss_runs(RunFilter())


async def test_what_reaches_into_other_groups_is_refused(scoped: EngineClient) -> None:
    with pytest.raises(FunctionNotFoundError):
        await scoped.create_job(JobSpec(function="theirs/f", trigger=CRON, group="mine"))
    with pytest.raises(ForbiddenError, match="for the groups mine alone"):
        await scoped.create_job(JobSpec(function="mine/f", trigger=CRON, group="theirs"))
    for after in ((), ("theirs/j",)):
        with pytest.raises((FunctionNotFoundError, JobNotFoundError)):
            await scoped.edit_job(
                "mine/j", JobPatch(function=None if after else "theirs/f", after=after or None)
            )
    with pytest.raises(JobNotFoundError):
        await scoped.runs(RunFilter(job="theirs/j"))
    assert (await scoped.runs(RunFilter(group="theirs"))).items == ()
    assert await scoped.bulk(BulkAction.DELETE, JobFilter(group="theirs")) == ()


async def test_what_nobody_has_thought_about_is_refused(engine: Engine) -> None:
    class Newer(LocalClient):
        async def tomorrow(self) -> str:
            return "theirs"

    scoped: Any = ScopedClient(Newer(engine), ("mine",))

    with pytest.raises(ForbiddenError, match="concerns all of them"):
        await scoped.tomorrow()
    with pytest.raises(AttributeError):
        scoped.nothing()


async def test_a_run_of_another_group_cannot_be_followed(
    engine: Engine, scoped: EngineClient
) -> None:
    (run,) = (await LocalClient(engine).runs(RunFilter(job="theirs/j"))).items
    with pytest.raises(RunNotFoundError):
        async for _ in scoped.follow(run.id):
            pass


async def test_the_stream_of_changes_tells_of_its_own_group_alone(
    engine: Engine, http: httpx.AsyncClient
) -> None:
    whole = LocalClient(engine)
    gone = await whole.job("theirs/j")
    client = HttpClient(str(http.base_url), token=http.headers["authorization"].split()[1])
    cursor = (await client.snapshot()).cursor
    for group in ("theirs", "mine"):
        await done(whole, await whole.trigger_job(f"{group}/j"))
        await done(whole, await whole.run_function(f"{group}/f"))
    await whole.create_job(JobSpec(function="theirs/f", trigger=CRON, name="new"))
    await whole.create_job(JobSpec(function="mine/f", trigger=CRON, name="new"))
    await whole.pause_engine(reason="a break")

    said: list[Any] = []
    names: set[str] = set()
    runs: set[int] = set()
    async with asyncio.timeout(10):
        async for frame in client.changes(cursor):
            said.append(frame)
            names |= {row.full_name for row in frame.jobs}
            runs |= {run.id for run in frame.runs}
            if "mine/new" in names and frame.engine is not None and frame.engine.paused:
                break
    await client.aclose()

    assert names == {"mine/j", "mine/new"}
    assert {(await whole.run(id_)).function for id_ in runs} == {"mine/f"}
    assert len(runs) == 2
    assert said[-1].engine.jobs == 3
    assert not any(gone.id in frame.removed for frame in said)
    assert "theirs" not in json.dumps(said, default=repr)


async def test_problems_of_others_are_not_told(engine: Engine, scoped: EngineClient) -> None:
    engine.running.core.problem("x", "theirs/j: broken")

    info = await scoped.info()

    assert (info.jobs, info.store) == (2, "")
    assert info.problems
    assert "theirs" not in str(info)
