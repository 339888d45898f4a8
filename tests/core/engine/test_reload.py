"""New generations of a target's code in a running engine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from engine_kit import Kit, World, check, due_s
from target_files import put

from schedtui import Engine
from schedtui.client.local import LocalClient
from schedtui.errors import RefusedError, StoreUnavailableError
from schedtui.models import Health, JobPatch, JobSpec, JobState, ModuleState, RunState
from schedtui.target import Code, load_target
from schedtui.target.imports import importing

JOBS = """\
from schedtui import Group
from helpers import word

g = Group("g")

@g.job(every=10)
async def work():
    return word()

@g.function()
async def other():
    return "other"
"""
HELPERS = 'def word():\n    return "one"\n'


@pytest.fixture(autouse=True)
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves modules of its target, or its folder on the path."""
    path = list(sys.path)
    yield
    with importing(tmp_path_factory.mktemp("empty")):
        pass
    sys.path[:] = path


@asynccontextmanager
async def following(
    folder: Path, *, world: World | None = None, watch: bool = False
) -> AsyncIterator[Kit]:
    """An engine on the code in ``folder``."""
    target = load_target(None, cwd=folder)
    kit = Kit(target.groups, world=world)
    kit.engine.follow_code(Code(target), watch=watch)
    await kit.start()
    try:
        yield kit
    finally:
        await kit.stop()


async def results(kit: Kit) -> list[str | None]:
    return [run.result for run in await kit.rows()]


async def test_the_next_run_runs_the_new_code_also_of_what_it_imports(
    world: World, tmp_path: Path
) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path, world=world) as kit:
        await kit.clock.advance(11)
        put(tmp_path, {"helpers.py": HELPERS.replace("one", "two")})
        done = await kit.engine.reload()
        assert (done.ok, done.generation) == (True, 1)
        assert [(one.module, one.file, one.state) for one in done.modules] == [
            ("helpers", "helpers.py", ModuleState.RELOADED),
            ("jobs", "jobs.py", ModuleState.UNCHANGED),
        ]
        await kit.clock.advance(10)
        assert await results(kit) == ['"one"', '"two"']
        job = await kit.client.job("g/work")
        assert job.version == 1  # its declaration is the same
        (event,) = (await kit.client.audit(limit=1)).items
        assert (event.actor, event.action) == ("python", "code.reload")
        assert event.detail == {"modules": ["helpers"], "generation": 1}
        await check(kit)


async def test_a_broken_edit_keeps_the_last_good_version_and_shows_where(tmp_path: Path) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path) as kit:
        put(tmp_path, {"helpers.py": "def word():\n    return (\n", "jobs.py": JOBS + "# new\n"})
        done = await kit.engine.reload()
        assert (done.ok, done.generation) == (False, 0)
        broken, kept = done.modules
        assert (broken.module, broken.file, broken.line) == ("helpers", "helpers.py", 2)
        assert broken.state is ModuleState.BROKEN
        assert "'(' was never closed" in broken.reason
        assert (kept.module, kept.state) == ("jobs", ModuleState.UNCHANGED)
        info = kit.running.info()
        assert info.health is Health.DEGRADED
        (problem,) = info.problems
        assert problem.startswith(
            "the last good version of the code runs on, a newer one is broken"
        )
        assert "helpers.py:2: SyntaxError" in problem
        await kit.clock.advance(11)
        assert await results(kit) == ['"one"']
        assert sys.modules["helpers"].word() == "one"
        put(tmp_path, {"helpers.py": HELPERS})
        assert (await kit.engine.reload()).ok
        assert kit.running.info().problems == ()


@pytest.mark.parametrize(
    ("code", "line", "says"),
    [
        ("1/0\n", 1, "ZeroDivisionError"),
        ("import sys\nsys.exit()\n", 2, "it ends the program"),
        ("x = 1\n", None, "no group was found"),
        ("from schedtui import Group\ng = Group('g')\nh = Group('g')\n", None, "two groups"),
        (JOBS + "\n@g.job(every=5, kwargs={'n': 'x'})\ndef bad(n: int): ...\n", 14, "kwargs.n"),
    ],
)
async def test_code_that_loads_not_as_a_whole_is_not_loaded_at_all(
    tmp_path: Path, code: str, line: int | None, says: str
) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path) as kit:
        put(tmp_path, {"jobs.py": code})
        done = await kit.engine.reload()
        assert not done.ok
        assert done.modules[0].line == line
        assert says in done.modules[0].reason
        await kit.clock.advance(11)
        assert await results(kit) == ['"one"']


async def test_a_function_that_vanished_fails_the_runs_of_its_jobs_and_the_jobs_stay(
    tmp_path: Path,
) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path) as kit:
        every = {"type": "every", "seconds": 10}
        await kit.client.create_job(JobSpec(function="g/other", trigger=every, name="mine"))
        put(tmp_path, {"jobs.py": JOBS.partition("@g.function")[0]})
        assert (await kit.engine.reload()).ok
        await kit.clock.advance(11)
        job = await kit.client.job("g/mine")
        (run,) = await kit.rows(job.id)
        assert run.state is RunState.FAILED
        assert run.error == "no function 'g/other': did you mean 'g/work'?"
        put(tmp_path, {"jobs.py": JOBS})
        await kit.engine.reload()
        await kit.clock.advance(10)
        assert [run.state for run in await kit.rows(job.id)][1] is RunState.SUCCEEDED


async def test_static_jobs_follow_in_place_and_removed_ones_are_orphaned(
    world: World, tmp_path: Path
) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path, world=world) as kit:
        await kit.clock.advance(11)
        before = await kit.client.job("g/work")
        new = "\n@g.job(every=7)\ndef fresh(): ...\n"
        put(tmp_path, {"jobs.py": JOBS.replace("every=10", "every=25") + new})
        await kit.engine.reload()
        job = await kit.client.job("g/work")
        assert (job.id, job.version, job.trigger["seconds"]) == (before.id, 2, 25)
        assert (await kit.client.job("g/fresh")).static
        events = {event.action: event for event in (await kit.client.audit(limit=3)).items}
        assert events["job.edit"].detail["before"]["trigger"]["seconds"] == 10
        await kit.clock.advance(20)
        assert [due_s(run) for run in await kit.rows(job.id)] == [10.0, 25.0]
        put(tmp_path, {"jobs.py": JOBS.replace("@g.job(every=10)", "@g.function()")})
        await kit.engine.reload()
        assert kit.running.core.jobs.named("g/work").state is JobState.ORPHANED
        rows = len(await kit.rows())
        await kit.clock.advance(60)
        assert len(await kit.rows()) == rows


async def test_an_override_outlasts_the_reload(tmp_path: Path) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path) as kit:
        await kit.client.edit_job("g/work", JobPatch(trigger={"type": "every", "seconds": 7}))
        put(tmp_path, {"jobs.py": JOBS.replace("every=10", "every=25")})
        await kit.engine.reload()
        job = await kit.client.job("g/work")
        assert job.overridden
        assert job.declared is not None
        assert (job.trigger["seconds"], job.declared["trigger"]["seconds"]) == (7, 25)


async def test_a_policy_of_a_group_that_changed_rules_its_jobs(tmp_path: Path) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path) as kit:
        put(tmp_path, {"jobs.py": JOBS.replace('Group("g")', 'Group("g", grace_s=5)')})
        await kit.engine.reload()
        assert kit.running.core.jobs.named("g/work").policies.grace_us == 5_000_000


GATED = """\
import asyncio
from schedtui import Group

VERSION = 1
g = Group("g")
gate = asyncio.Event()

@g.job(every=10)
async def work():
    await gate.wait()
    return VERSION
"""


async def test_a_running_run_ends_with_the_code_it_began_with(tmp_path: Path) -> None:
    put(tmp_path, {"jobs.py": GATED})
    async with following(tmp_path) as kit:
        await kit.clock.advance(11)
        old = sys.modules["jobs"]
        put(tmp_path, {"jobs.py": GATED.replace("VERSION = 1", "VERSION = 2")})
        await kit.engine.reload()
        old.gate.set()
        sys.modules["jobs"].gate.set()
        await kit.clock.settle()
        await kit.clock.advance(10)
        assert await results(kit) == ["1", "2"]


@pytest.mark.parametrize("first", ["async def", "def"])
async def test_a_run_that_waited_for_a_slot_may_find_a_function_of_another_kind(
    tmp_path: Path, first: str
) -> None:
    """Its slot is of the old kind; its function neither blocks the loop nor goes unawaited."""
    second = "def" if first == "async def" else "async def"
    code = 'from schedtui import Group\ng = Group("g")\n@g.job(every=10)\n{} work(): return 5\n'
    put(tmp_path, {"jobs.py": code.format(first)})
    async with following(tmp_path) as kit:
        core = kit.running.core
        for pool in core.pools.values():
            pool.free = 0
        await kit.clock.advance(11)
        put(tmp_path, {"jobs.py": code.format(second)})
        await kit.engine.reload()
        for pool in core.pools.values():
            pool.free = pool.executor.slots
        kit.running.admission.sweep()
        await kit.until(lambda: not core.jobs.named("g/work").active)
        (run,) = await kit.rows()
        assert (run.state, run.result) == (RunState.SUCCEEDED, "5")


OWN = """\
from schedtui import Engine, Group

g = Group("g")

@g.job(every=10)
async def work():
    return [engine.is_running, 1]

engine = Engine(groups=[g], store="memory://")
"""


async def test_a_target_with_an_engine_of_its_own_keeps_that_one(tmp_path: Path) -> None:
    target = load_target(None, cwd=put(tmp_path, {"jobs.py": OWN}))
    engine = target.engine
    assert isinstance(engine, Engine)
    engine.follow_code(Code(target), watch=False)
    async with engine:
        put(tmp_path, {"jobs.py": OWN.replace("1]", "2]")})
        assert (await engine.reload()).ok
        run = await engine.trigger_job("g/work")
        async for _ in LocalClient(engine).follow(run.id):
            pass
        assert (await engine.reads.run(run.id)).result == "[true, 2]"


async def test_a_job_that_has_had_all_its_runs_is_left_alone(tmp_path: Path) -> None:
    code = JOBS.replace("every=10", "every=10, max_runs=1")
    put(tmp_path, {"jobs.py": code, "helpers.py": HELPERS})
    async with following(tmp_path) as kit:
        await kit.clock.advance(11)
        before = await kit.client.job("g/work")
        await kit.engine.reload()
        assert await kit.client.job("g/work") == before
        assert kit.running.core.jobs.named("g/work").state is JobState.FINISHED


async def test_a_limit_of_a_group_that_changed_holds_at_once(tmp_path: Path) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path) as kit:
        live = kit.running.core.jobs.named("g/work")
        assert not live.limits
        put(tmp_path, {"jobs.py": JOBS.replace('Group("g")', 'Group("g", limit=3)')})
        await kit.engine.reload()
        assert kit.engine.registry.groups["g"].limit == 3
        (held,) = live.limits
        assert held.capacity == 3


async def test_a_store_that_is_away_is_asked_again(tmp_path: Path) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path) as kit:
        put(tmp_path, {"jobs.py": JOBS.replace("every=10", "every=25")})
        kit.faults.once("update_job", StoreUnavailableError("full"))
        assert (await kit.engine.reload()).ok
        assert "not brought in line yet" in " ".join(kit.running.info().problems)
        await kit.clock.advance(1.5)
        await kit.until(lambda: not kit.running.core.problems)
        assert (await kit.client.job("g/work")).trigger["seconds"] == 25


async def test_an_engine_that_is_part_of_a_program_reloads_nothing() -> None:
    kit = Kit()
    await kit.start()
    with pytest.raises(RefusedError, match="cannot load its code again"):
        await kit.engine.reload()
    await kit.stop()


async def test_a_saved_file_is_noticed_and_loaded(tmp_path: Path) -> None:
    put(tmp_path, {"jobs.py": JOBS, "helpers.py": HELPERS})
    async with following(tmp_path, watch=True) as kit:
        async with asyncio.timeout(30):
            for number in range(1_000):  # the watch may not have begun when the first is saved
                put(tmp_path, {"helpers.py": f"def word():\n    return {number}\n"})
                if kit.running.reloading.generation:
                    break
                await asyncio.sleep(0.05)
        assert kit.running.reloading.generation
