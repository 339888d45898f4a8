"""The API's description put to the test by schemathesis, against a real server and engine.

It makes calls that the description allows and calls that it does not: limits, wrong types, missing
and unknown fields, wrong methods and tokens, chains along the links. Whatever is answered has to be
what the description says, and never a 500.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from client_contract import put_token
from fastapi.routing import APIRoute

from schedtui import Engine, Group
from schedtui.api import Listen, slowdown, start_server
from schedtui.api.routes import ROUTERS
from schedtui.api.server import Server
from schedtui.api.task_manager import router as task_manager

SECRET = "sched_schemathesis"
CRON = {"type": "cron", "expression": "0 9 * * mon"}
CALLS = sum(
    len(route.methods or ())
    for router in (task_manager, *ROUTERS)
    for route in router.routes
    if isinstance(route, APIRoute) and route.include_in_schema
)
BUDGET_S = 150
"""It takes a fifth of that; this is for a machine that does much else."""

# No check is left out. What is said beside:
# - A body may fit the description and still be refused with 422, for JSON schema cannot say that a
#   function exists, that a cron expression is one or that a moment lies in the future; so may a
#   moment as people type it, and a job's name. 412 says that `If-Match` did not hold, which may be
#   found before what is wrong with the body, and 400 that a job of the code cannot be deleted, or
#   that a cron expression is none to fastapi-task-manager.
# - A stream of events goes on for ever: its first event is looked at.
# - All systematic cases of triggers and policies are tried once, in the creation of a job; the
#   other calls that take the same get random ones instead.
CONFIG = """
max-stream-events = 1

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422"]

[phases.stateful]
generation.max-examples = 20

[[operations]]
include-method = "DELETE"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "409", "412", "422"]

[[operations]]
include-path = "/task-manager/tasks"
include-method = "POST"
checks.positive_data_acceptance.expected-statuses = [
    "2xx", "400", "401", "403", "404", "409", "422",
]

[[operations]]
include-method = ["PUT", "PATCH"]
checks.negative_data_rejection.expected-statuses = ["400", "401", "404", "409", "412", "422"]
phases.coverage.enabled = false

[[operations]]
include-path = "/api/v1/triggers/preview"
phases.coverage.enabled = false

[[operations]]
exclude-method = ["PUT", "PATCH"]
exclude-path = "/api/v1/triggers/preview"
phases.fuzzing.enabled = false
"""


def make_group() -> Group:
    group = Group("Reports", tags=["reports"])

    @group.function()
    async def send_report(recipient: str) -> str:
        return recipient

    @group.job(cron="0 0 1 1 *")
    async def yearly() -> None: ...

    return group


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    # It sends hundreds of wrong tokens, on purpose; that those are slowed down is tested elsewhere.
    monkeypatch.setattr(slowdown, "FREE", 1_000_000)
    engine = Engine(groups=[make_group()], store=f"sqlite:///{tmp_path / 'state.db'}")
    await engine.start()
    try:
        put_token(engine, SECRET)
        await engine.create_job(
            function="Reports/send_report", trigger=CRON, kwargs={"recipient": "Ann"}, name="weekly"
        )
        await engine.run_function("Reports/send_report", {"recipient": "Ann"})
        server = await start_server(engine, listen=Listen(port=0))
        try:
            yield server
        finally:
            await server.stop()
    finally:
        await engine.stop(grace_s=0)


@pytest.mark.timeout(BUDGET_S + 30)
async def test_every_answer_is_what_the_description_says(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        f"{server.url}/api/v1/openapi.json",
        *("--header", f"Authorization: Bearer {SECRET}"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "8"),
        *("--generation-deterministic", "--no-color", "--warnings", "off"),
        *("--request-timeout", "20"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(BUDGET_S):
            told = (await process.communicate())[0].decode("utf-8", "replace")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert process.returncode == 0, told[-20_000:]
    counts = re.findall(r"(?:Selected|Tested): +([0-9/]+)", told)
    assert counts == [f"{CALLS}/{CALLS}", str(CALLS)], told[-5_000:]
    assert caplog.messages == []
