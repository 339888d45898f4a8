"""Damaged rows in the file: the engine starts, says which they are, and runs the rest."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from engine_commands import EVERY_10, Editable, dynamic
from engine_kit import START, Kit, KitClock, World, at, check, running

from schedtui import Every, Group
from schedtui.errors import ConflictError, InvalidError, StoreDataError
from schedtui.models import Health, JobPatch, JobState, RunState, Source
from schedtui.models.wire import to_wire


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def file(tmp_path: Path) -> World:
    return World("sqlite", tmp_path)


def damage(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount


class Static:
    """Two jobs that the code declares."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.group = Group("g")
        self.group.job(every=10, tags=["money"], kwargs={"n": 3})(self.work)
        self.group.job(every=10)(self.fine)

    async def work(self, n: int = 1) -> None:
        self.done.append(f"work {n}")

    async def fine(self) -> None:
        self.done.append("fine")


STATIC = [
    "UPDATE jobs SET tags = '{' WHERE name = 'work'",
    "UPDATE jobs SET trigger = '{{{' WHERE name = 'work'",
    "UPDATE jobs SET policies = '7' WHERE name = 'work'",
    "UPDATE jobs SET declared = '7' WHERE name = 'work'",
    "UPDATE jobs SET name = x'ff00fe' WHERE name = 'work'",
    "UPDATE jobs SET description = x'ff00fe' WHERE name = 'work'",
    "UPDATE jobs SET timezone = x'00' WHERE name = 'work'",
    "UPDATE job_due SET next_due = 9223372036854775807 WHERE job_id = 1",
    "UPDATE job_due SET version = 'abc', fired = 'x' WHERE job_id = 1",
]


@pytest.mark.parametrize("change", STATIC)
async def test_a_damaged_static_job_is_again_what_the_code_says(
    file: World, path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = Static()
    async with running(jobs.group, world=file) as kit:
        assert kit.running.core.jobs.named("g/work").id == 1
        await kit.clock.advance(11)
        clock = kit.clock
    damage(path, change)
    for _ in range(2):
        async with running(jobs.group, world=file, clock=clock) as kit:
            live = kit.running.core.jobs.named("g/work")
            assert live.id == 1
            assert live.state is JobState.SCHEDULED
            assert live.job.tags == ("money",)
            assert kit.running.info().health is Health.OK
            jobs.done.clear()
            await clock.advance(10)
            assert sorted(jobs.done) == ["fine", "work 3"]
            await check(kit)
            trail = kit.store.audit_trail(limit=50, before=None)
            assert [line.object for line in trail if line.action == "job.mend"] == ["g/work"]
    assert "it is what the code says again" in caplog.text


async def test_due_times_that_passed_before_the_mend_have_rows(file: World, path: Path) -> None:
    jobs = Static()
    async with running(jobs.group, world=file) as kit:
        await kit.clock.advance(11)
        clock = kit.clock
    damage(path, "UPDATE job_due SET next_due = 'abc' WHERE job_id = 1")
    await clock.advance(300)
    async with running(jobs.group, world=file, clock=clock) as kit:
        await clock.advance(20)
        await check(kit)


async def test_a_mended_job_that_was_overridden_follows_its_declaration(
    file: World, path: Path
) -> None:
    jobs = Static()
    async with running(jobs.group, world=file) as kit:
        await kit.client.edit_job("g/work", JobPatch(trigger=to_wire(Every(60).to_json())))
        clock = kit.clock
    damage(path, "UPDATE jobs SET tags = '{' WHERE name = 'work'")
    await clock.advance(100)
    async with running(jobs.group, world=file, clock=clock) as kit:
        live = kit.running.core.jobs.named("g/work")
        assert not live.job.overridden
        assert live.schedule == "every 10 s"
        told = [(state, due) for _, state, due in await kit.told(live.id)]
        assert told == [(RunState.SKIPPED, 60.0)]


async def test_a_damaged_static_job_that_the_code_lost_can_be_deleted(
    file: World, path: Path
) -> None:
    jobs = Static()
    async with running(jobs.group, world=file) as kit:
        assert len(kit.running.core.jobs) == 2
    damage(path, "UPDATE jobs SET tags = '{' WHERE name = 'work'")
    async with running(Group("g"), world=file) as kit:
        assert kit.running.core.jobs.named("g/work").state is JobState.BROKEN
        await kit.client.delete_job("g/work")
        assert [live.full_name for live in kit.running.core.jobs] == ["g/fine"]


DYNAMIC = [
    "UPDATE jobs SET tags = '{'",
    "UPDATE jobs SET trigger = '{{{'",
    "UPDATE jobs SET kwargs = '[1,2'",
    "UPDATE jobs SET function = x'ff'",
    "UPDATE job_due SET next_due = 'abc'",
    "UPDATE job_due SET version = 'abc'",
]


async def damaged(file: World, path: Path, change: str, group: Group) -> Kit:
    """An engine on a store whose one job, g/dyn, was damaged while a run of it was queued."""
    async with running(group, world=file) as kit:
        await dynamic(kit, name="dyn")
    damage(
        path,
        change,
        "INSERT INTO runs (id, job_id, state, source, claimed_at, clock_epoch, function, "
        "job_version, attempt) VALUES (99, 1, 'queued', 'manual', 1, 0, 'g/work', 1, 0)",
        "INSERT INTO runs (id, job_id, state, source, claimed_at, clock_epoch, function, "
        "job_version, attempt, token) VALUES (98, 1, 'running', 'manual', 1, 0, 'g/work', 1, 1, 5)",
    )
    kit = Kit([group], world=file, clock=kit.clock)
    return await kit.start()


async def states(kit: Kit) -> dict[int, RunState]:
    return {run.id: run.state for run in await kit.rows() if run.source is Source.MANUAL}


@pytest.mark.parametrize("change", DYNAMIC)
async def test_a_damaged_dynamic_job_is_broken_and_holds_still(
    file: World, path: Path, change: str
) -> None:
    worker = Editable()
    kit = await damaged(file, path, change, worker.group)
    (row,) = (live.summary() for live in kit.running.core.jobs)
    assert row.full_name == "g/dyn"
    assert row.state is JobState.BROKEN
    assert "its row in the store is damaged" in row.pause_reason
    info = kit.running.info()
    assert info.health is Health.DEGRADED
    assert any("g/dyn: its row in the store is damaged" in text for text in info.problems)
    assert any("2 runs of damaged jobs" in text for text in info.problems)
    await kit.clock.advance(60)
    assert worker.done == []
    left = {98: RunState.RUNNING, 99: RunState.QUEUED}
    assert await states(kit) == left
    for command in (
        kit.client.trigger_job("g/dyn"),
        kit.client.pause_job("g/dyn"),
        kit.client.resume_job("g/dyn"),
        dynamic(kit, name="dyn"),
        kit.engine.cancel_run(99),
    ):
        with pytest.raises(ConflictError, match="damaged"):
            await command
    await kit.stop()
    again = await Kit([worker.group], world=file, clock=kit.clock).start()
    assert await states(again) == left
    assert again.running.core.jobs.named("g/dyn").job.damage
    await again.stop()


@pytest.mark.parametrize("change", DYNAMIC)
async def test_a_damaged_job_can_be_deleted_and_made_again(
    file: World, path: Path, change: str
) -> None:
    worker = Editable()
    kit = await damaged(file, path, change, worker.group)
    await kit.client.delete_job("g/dyn")
    assert (await states(kit))[99] is RunState.CANCELLED
    assert not any("g/dyn" in text for text in kit.running.info().problems)
    assert await dynamic(kit, name="dyn") == 2
    await kit.stop()
    async with running(worker.group, world=file, clock=kit.clock) as again:
        assert (await states(again))[98] is RunState.LOST
        await again.clock.advance(11)
        assert worker.done


@pytest.mark.parametrize("change", DYNAMIC)
async def test_creating_with_replace_mends_a_damaged_job(
    file: World, path: Path, change: str
) -> None:
    worker = Editable()
    kit = await damaged(file, path, change, worker.group)
    job = await kit.engine.create_job(
        function="g/work", trigger=EVERY_10, name="dyn", kwargs={"n": 7}, replace=True
    )
    assert job.id == 1
    assert not job.damage
    await kit.clock.advance(10)
    assert worker.kwargs == [7]
    await kit.stop()
    async with running(worker.group, world=file, clock=kit.clock) as again:
        assert again.running.info().health is Health.OK
        await again.clock.advance(1)
        assert (await states(again))[99] is RunState.SUCCEEDED
        await check(again)


async def test_an_edit_has_to_give_what_is_damaged(file: World, path: Path) -> None:
    worker = Editable()
    both = "UPDATE jobs SET tags = '{', trigger = '{{'"
    kit = await damaged(file, path, both, worker.group)
    with pytest.raises(InvalidError) as caught:
        await kit.client.edit_job("g/dyn", JobPatch(tags=("new",)))
    assert [error.field for error in caught.value.errors] == ["trigger"]
    await kit.client.edit_job("g/dyn", JobPatch(tags=("new",), trigger=EVERY_10))
    await kit.clock.advance(11)
    assert worker.done
    await kit.stop()


async def test_due_times_of_a_damaged_job_have_rows_once_it_is_mended(
    file: World, path: Path
) -> None:
    worker = Editable()
    kit = await damaged(file, path, "UPDATE jobs SET tags = '{'", worker.group)
    await kit.clock.advance(35)
    await kit.client.edit_job("g/dyn", JobPatch(tags=()))
    await kit.clock.advance(10)
    await check(kit)
    skipped = [run for run in await kit.rows() if run.state is RunState.SKIPPED]
    assert [run.scheduled_for for run in skipped] == [at(10), at(20), at(30)]
    assert all("damaged" in run.reason for run in skipped)
    await kit.stop()


@pytest.mark.parametrize(
    "change", ["state = 'weird'", "source = 'zzz'", "started_at = 'abc'", "claimed_at = x'00'"]
)
async def test_a_damaged_run_does_not_stop_the_start(file: World, path: Path, change: str) -> None:
    jobs = Static()
    async with running(jobs.group, world=file) as kit:
        await kit.clock.advance(31)
        clock = kit.clock
    damage(path, f"UPDATE runs SET {change} WHERE id = 3")
    async with running(jobs.group, world=file, clock=clock) as kit:
        info = kit.running.info()
        if change != "source = 'zzz'":  # what is recent needs no source
            assert info.health is Health.DEGRADED
        page = await kit.client.runs(limit=5)
        assert [run.id for run in page.items] == [6, 5, 4, 2, 1]
        assert any("1 runs cannot be read" in text for text in kit.running.info().problems)
        with pytest.raises(StoreDataError, match="run 3 is damaged"):
            await kit.client.run(3)
        await clock.advance(10)
        assert jobs.done


async def test_a_damaged_open_run_does_not_stop_the_start(file: World, path: Path) -> None:
    worker = Editable()
    async with running(worker.group, world=file) as kit:
        await dynamic(kit, name="dyn")
    insert = (
        "INSERT INTO runs (id, job_id, state, source, claimed_at, clock_epoch, function, "
        "job_version, attempt, kwargs) VALUES (7, 1, 'queued', 'manual', 1, 0, 'g/work', 1, 0, '[')"
    )
    damage(path, insert)
    async with running(worker.group, world=file) as kit:
        assert "run 7" in kit.running.info().problems[0]
        await kit.clock.advance(11)
        assert worker.done


async def test_a_name_that_the_store_holds_unseen_costs_one_declaration(
    file: World, path: Path
) -> None:
    jobs = Static()
    async with running(jobs.group, world=file) as kit:
        assert len(kit.running.core.jobs) == 2
    damage(path, "DELETE FROM job_due WHERE job_id = 1")
    async with running(jobs.group, world=file) as kit:
        (problem,) = kit.running.info().problems
        assert problem.startswith("g/work is declared in code and cannot be made")
        await kit.clock.advance(11)
        assert jobs.done == ["fine"]


async def test_a_row_that_is_damaged_while_the_engine_runs_stops_its_job_alone(
    file: World, path: Path
) -> None:
    jobs = Static()
    async with running(jobs.group, world=file, clock=KitClock(START)) as kit:
        await asyncio.to_thread(
            damage,
            path,
            "UPDATE jobs SET tags = '{' WHERE id = 1",
            "UPDATE job_due SET version = 9 WHERE job_id = 1",
        )
        live = kit.running.core.jobs.named("g/work")
        await kit.clock.advance(11)
        await kit.until(lambda: live.state is JobState.BROKEN)
        await kit.clock.advance(10)
        assert set(jobs.done) == {"fine"}
        assert kit.running.info().health is Health.DEGRADED


async def test_a_queued_run_whose_job_is_gone_is_cancelled(file: World, path: Path) -> None:
    jobs = Static()
    async with running(jobs.group, world=file) as kit:
        assert await kit.rows() == []
    insert = (
        "INSERT INTO runs (id, job_id, state, source, claimed_at, clock_epoch, function, "
        "job_version, attempt) VALUES (7, 77, 'queued', 'manual', 1, 0, 'g/work', 1, 0)"
    )
    damage(path, insert)
    async with running(jobs.group, world=file) as kit:
        (run,) = await kit.rows()
        assert (run.state, run.reason) == (RunState.CANCELLED, "its job is gone from the store")


@pytest.mark.parametrize(
    "detail",
    ['{"before": 1, "after": "x"}', '{"step_us": []}', '{"after": {"policies": 7}}', "{", "5"],
)
async def test_a_damaged_trail_does_not_keep_a_job_from_being_explained(
    file: World, path: Path, detail: str
) -> None:
    jobs = Static()
    async with running(jobs.group, world=file) as kit:
        await kit.clock.advance(11)
        await asyncio.to_thread(damage, path, f"UPDATE audit SET detail = '{detail}'")
        step = "INSERT INTO audit VALUES (99, 1, 'engine', 'engine.clock', '', ?, 0, '')"
        await asyncio.to_thread(damage, path, step.replace("?", f"'{detail}'"))
        explained = await kit.client.explain("g/work")
        assert explained.due is not None
        assert explained.due.at == at(10)
