"""What every client promises, part three: the code of an engine, and jobs that follow it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_contract import spec
from target_files import put

from schedtui import Engine
from schedtui.errors import ConflictError, JobNotFoundError, RefusedError
from schedtui.models import JobPatch, ModuleState, RunFilter, compare_runs
from schedtui.protocols import EngineClient
from schedtui.target import Code, load_target
from schedtui.target.imports import importing

JOBS = """\
from schedtui import Group

group = Group("work")

@group.job(cron="0 9 1 1 *")
async def yearly(): ...
"""


@pytest.fixture
def code(engine: Engine, tmp_path: Path) -> Iterator[Path]:
    """The folder that the engine's code is in from now on."""
    path = list(sys.path)
    folder = tmp_path / "code"
    put(folder, {"jobs.py": JOBS})
    engine.running.reloading.follow(Code(load_target(None, cwd=folder)), watch=False)
    yield folder
    with importing(tmp_path):
        pass
    sys.path[:] = path


async def test_the_code_is_loaded_again(client: EngineClient, code: Path) -> None:
    put(code, {"jobs.py": JOBS.replace("0 9 1 1 *", "0 7 1 1 *")})

    done = await client.reload()

    assert (done.ok, done.generation) == (True, 1)
    assert [(one.module, one.state) for one in done.modules] == [("jobs", ModuleState.RELOADED)]
    assert (await client.job("work/yearly")).trigger["expression"] == "0 7 1 1 *"
    assert [one.full_name for one in await client.functions()] == ["work/yearly"]


async def test_broken_code_is_an_answer_that_says_where(client: EngineClient, code: Path) -> None:
    put(code, {"jobs.py": JOBS + "1/0\n"})

    done = await client.reload()

    (broken,) = done.modules
    assert (done.ok, broken.state, broken.file, broken.line) == (
        False,
        ModuleState.BROKEN,
        "jobs.py",
        7,
    )
    assert broken.reason == "jobs.py:7: ZeroDivisionError: division by zero"
    info = await client.info()
    assert info.health == "degraded"
    assert broken.reason in info.problems[0]


async def test_an_engine_inside_a_program_refuses_to_reload(client: EngineClient) -> None:
    with pytest.raises(RefusedError, match="cannot load its code again"):
        await client.reload()


async def test_an_edit_of_a_job_of_the_code_can_be_taken_back(client: EngineClient) -> None:
    before = await client.job("work/yearly")
    trigger = {"type": "every", "seconds": 3_600}
    await client.edit_job("work/yearly", JobPatch(trigger=trigger, name="often", tags=("x",)))
    await client.pause_job("work/often", reason="why")

    back = await client.revert_job("work/often", expect_id=before.id)

    assert (back.id, back.name, back.overridden) == (before.id, "yearly", False)
    assert (back.trigger, back.tags) == (before.trigger, before.tags)
    assert back.next_due == before.next_due
    assert (back.paused, back.pause_reason) == (True, "why")
    assert await client.revert_job("work/yearly") == back
    (event,) = [one for one in (await client.audit()).items if one.action == "job.revert"]
    assert event.detail["after"]["name"] == "yearly"


async def test_only_what_the_code_declares_can_go_back_to_it(client: EngineClient) -> None:
    await client.create_job(spec(name="mine"))

    with pytest.raises(ConflictError, match="not declared in the code"):
        await client.revert_job("work/mine")
    with pytest.raises(JobNotFoundError):
        await client.revert_job("work/none")
    with pytest.raises(ConflictError):
        await client.revert_job("work/yearly", expect_id=99)


async def test_a_name_that_was_taken_meanwhile_is_in_the_way(client: EngineClient) -> None:
    await client.edit_job("work/yearly", JobPatch(name="often"))
    await client.create_job(spec(name="yearly"))

    with pytest.raises(ConflictError, match="another job has that name"):
        await client.revert_job("work/often")
    assert (await client.job("work/often")).overridden


async def test_runs_say_what_code_they_ran(
    client: EngineClient, engine: Engine, code: Path
) -> None:
    await client.reload()
    for source in (JOBS, JOBS + "# another one\n"):
        put(code, {"jobs.py": source})
        await client.reload()
        run = await client.trigger_job("work/yearly")
        async for _ in client.follow(run.id):
            pass
    second, first = (await client.runs(RunFilter())).items
    assert second.code == engine.registry.resolve("work/yearly").code
    assert [one.what for one in compare_runs(first, second)] == ["code"]
