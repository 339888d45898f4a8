"""Static jobs follow their declarations; edits and pauses from outside stay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import pytest
from engine_kit import Kit, KitClock, World, at, check, due_s, running

from schedtui import Cron, Every, Group
from schedtui.clock import from_us
from schedtui.engine.code import reconcile
from schedtui.engine.jobs.writes import JobWrites
from schedtui.errors import ConflictError
from schedtui.models import Health, Job, JobPatch, JobState, Policies, RunState
from schedtui.models.policy import CatchUp
from schedtui.registry.function import Function
from schedtui.triggers import Trigger


async def work(n: int = 1) -> None: ...


def code(*, name: str = "work", trigger: Trigger | None = None, **settings: Any) -> Group:
    """A program's only group, with one static job."""
    group = Group("g")
    group.job(trigger=trigger or Every(10), name=name, **settings)(work)
    return group


def nothing() -> Group:
    group = Group("g")
    group.function("work")(work)
    return group


class Program:
    """Starts engines one after the other on one store, each later than the one before."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = KitClock()

    def run(self, group: Group, **settings: Any) -> AbstractAsyncContextManager[Kit]:
        self.clock = KitClock(self.now)
        return running(group, world=self.world, clock=self.clock, **settings)

    @property
    def now(self) -> datetime:
        return from_us(self.clock.now_us())


@pytest.fixture
def program(world: World) -> Program:
    return Program(world)


async def test_a_new_declaration_is_a_new_job(program: Program) -> None:
    async with program.run(code(tags=["t"], description="d", kwargs={"n": 3})) as kit:
        job = await kit.client.job("g/work")
        assert job.static
        assert (job.tags, job.description, job.kwargs) == (("t",), "d", {"n": 3})
        assert (job.next_due, job.version) == (at(10), 1)


async def test_the_same_declaration_changes_nothing(program: Program) -> None:
    async with program.run(code()) as kit:
        await kit.clock.advance(11)
        before = await kit.client.job("g/work")
    async with program.run(code()) as kit:
        assert await kit.client.job("g/work") == before


async def test_a_changed_declaration_updates_the_job_in_place(program: Program) -> None:
    async with program.run(code()) as kit:
        await kit.clock.advance(11)
        before = await kit.client.job("g/work")
    program.clock.step(20)
    async with program.run(code(trigger=Every(25), catch_up="latest")) as kit:
        job = await kit.client.job("g/work")
        assert job.id == before.id
        assert job.version == 2
        assert job.policies == Policies(catch_up=CatchUp.LATEST)
        assert job.next_due == at(50)
        assert job.created_at == before.created_at
        rows = await kit.rows()
        assert [(due_s(run), run.state) for run in rows] == [
            (10.0, RunState.SUCCEEDED),
            (20.0, RunState.MISSED),
            (30.0, RunState.MISSED),
        ]
        await kit.clock.advance(21)
        assert due_s((await kit.rows())[-1]) == 50.0


async def test_an_edit_from_outside_rules_until_it_is_gone(program: Program) -> None:
    async with program.run(code()) as kit:
        trigger = {"type": "every", "seconds": 7}
        await kit.client.edit_job("g/work", JobPatch(trigger=trigger))
    async with program.run(code(trigger=Every(99))) as kit:
        job = await kit.client.job("g/work")
        assert job.overridden
        assert job.trigger["seconds"] == 7
        assert job.declared is not None
        assert job.declared["trigger"]["seconds"] == 99
        summary = kit.running.core.jobs.named("g/work").summary()
        assert summary.overridden


async def test_a_pause_from_outside_survives_a_restart_and_a_change(program: Program) -> None:
    async with program.run(code()) as kit:
        await kit.client.pause_job("g/work", reason="why")
    program.clock.step(100)
    async with program.run(code(trigger=Every(20))) as kit:
        job = await kit.client.job("g/work")
        assert (job.paused, job.pause_reason, job.trigger["seconds"]) == (True, "why", 20)
        await kit.clock.advance(50)
        await kit.client.resume_job("g/work")
        assert {run.state for run in await kit.rows()} == {RunState.SKIPPED}
        await check(kit, after=at(100))


async def test_a_resume_from_outside_of_a_job_declared_paused_survives(program: Program) -> None:
    async with program.run(code(paused=True)) as kit:
        assert (await kit.client.job("g/work")).paused
        await kit.client.resume_job("g/work")
    async with program.run(code(paused=True)) as kit:
        assert not (await kit.client.job("g/work")).paused


async def test_a_job_that_is_declared_paused_no_longer_fires_again(program: Program) -> None:
    async with program.run(code(paused=True)) as kit:
        await kit.clock.advance(25)
    async with program.run(code(trigger=Every(10))) as kit:
        assert kit.running.core.jobs.named("g/work").state is JobState.SCHEDULED
        await kit.clock.advance(6)
        rows = await kit.rows()
        assert [(due_s(run), run.state) for run in rows] == [
            (10.0, RunState.SKIPPED),
            (20.0, RunState.SKIPPED),
            (30.0, RunState.SUCCEEDED),
        ]
        assert rows[0].reason == "paused by its declaration"
        await check(kit)


async def test_a_pause_that_is_added_to_a_declaration_is_followed_once(program: Program) -> None:
    async with program.run(code()) as kit:
        assert not (await kit.client.job("g/work")).paused
    async with program.run(code(paused=True)) as kit:
        assert (await kit.client.job("g/work")).paused
        await kit.client.resume_job("g/work")
    async with program.run(code(paused=True, description="new")) as kit:
        assert not (await kit.client.job("g/work")).paused


async def test_a_pause_of_a_person_outlasts_a_declared_one(program: Program) -> None:
    async with program.run(code()) as kit:
        await kit.client.pause_job("g/work", reason="why")
    async with program.run(code(paused=True)) as kit:
        assert (await kit.client.job("g/work")).pause_reason == "why"
    async with program.run(code()) as kit:
        assert (await kit.client.job("g/work")).paused


async def test_new_jobs_are_written_in_hundreds_and_checked_off_the_loop(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = Group("g")
    number = 2 * reconcile.CHUNK + 1
    for one in range(number):
        group.job(every=3_600, name=f"j{one}")(work)
    threads: set[str] = set()
    plain = Function.validate

    def noted(function: Function, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        threads.add(threading.current_thread().name)
        return plain(function, kwargs)

    monkeypatch.setattr(Function, "validate", noted)
    commits: list[int] = []
    inner = JobWrites.insert

    async def insert(writes: JobWrites, jobs: Sequence[Job], actor: str) -> list[Job]:
        commits.append(len(jobs))
        return await inner(writes, jobs, actor)

    monkeypatch.setattr(JobWrites, "insert", insert)
    async with program.run(group) as kit:
        assert commits == [reconcile.CHUNK, reconcile.CHUNK, 1]
        assert threads
        assert threading.current_thread().name not in threads
        jobs = (await kit.client.jobs(limit=1_000)).items
        assert [job.name for job in jobs] == [f"j{one}" for one in range(1_000)]
        (created,) = (await kit.client.audit(limit=1)).items
        assert (created.actor, created.action) == ("code", "job.create")
        assert created.object == f"g/j{number - 1}"


async def test_a_job_whose_declaration_is_gone_is_orphaned(program: Program) -> None:
    async with program.run(code()) as kit:
        await kit.clock.advance(11)
    async with program.run(nothing()) as kit:
        await kit.clock.advance(60)
        assert kit.running.core.jobs.named("g/work").state is JobState.ORPHANED
        assert len(await kit.rows()) == 1
        await kit.client.delete_job("g/work")
        assert len(kit.running.core.jobs) == 0
        rows = await kit.rows()
        assert {run.state for run in rows[1:]} == {RunState.SKIPPED}
        assert rows[1].reason.startswith("orphaned")
    async with program.run(code()) as kit:
        job = await kit.client.job("g/work")
        assert job.version == 1
        assert await kit.rows(job.id) == []


@pytest.mark.parametrize("edited", [False, True])
async def test_a_declaration_that_is_back_goes_on(program: Program, edited: bool) -> None:
    """Its time as an orphan is accounted for as that, whoever rules its schedule."""
    async with program.run(code()) as kit:
        if edited:
            await kit.client.edit_job("g/work", JobPatch(description="mine"))
        await kit.clock.advance(11)
        before = await kit.client.job("g/work")
    async with program.run(nothing()) as kit:
        await kit.clock.advance(34)
    async with program.run(code()) as kit:
        await kit.clock.advance(10)
        job = await kit.client.job("g/work")
        assert job.id == before.id
        assert not job.orphaned
        assert job.overridden is edited
        rows = await kit.rows()
        told = [(due_s(run), run.state) for run in rows]
        assert told == [
            (10.0, RunState.SUCCEEDED),
            (20.0, RunState.SKIPPED),
            (30.0, RunState.SKIPPED),
            (40.0, RunState.SKIPPED),
            (50.0, RunState.SUCCEEDED),
        ]
        assert all(run.reason.startswith("orphaned") for run in rows[1:4])


async def test_a_name_clash_with_a_dynamic_job_is_told_and_harms_neither(program: Program) -> None:
    async with program.run(nothing()) as kit:
        await kit.engine.create_job(function="g/work", trigger=Every(10))
    async with program.run(code(trigger=Every(99))) as kit:
        job = await kit.client.job("g/work")
        assert not job.static
        assert job.trigger["seconds"] == 10
        info = kit.running.info()
        assert info.health is Health.DEGRADED
        assert "g/work is declared in code, and a job created at run time" in info.problems[0]
        await kit.clock.advance(11)
        assert len(await kit.rows()) == 1


async def test_a_static_job_that_was_renamed_from_outside_is_the_same_job(program: Program) -> None:
    async with program.run(code()) as kit:
        await kit.clock.advance(11)
        renamed = await kit.client.edit_job("g/work", JobPatch(name="better"))
    async with program.run(code()) as kit:
        (live,) = kit.running.core.jobs
        assert (live.full_name, live.id, live.state) == (
            "g/better",
            renamed.id,
            JobState.SCHEDULED,
        )
    async with program.run(nothing()) as kit:
        assert kit.running.core.jobs.named("g/better").state is JobState.ORPHANED


async def test_a_renamed_static_job_does_not_take_over_the_declaration_of_its_new_name(
    program: Program,
) -> None:
    ran: list[str] = []

    def declared(*names: str) -> Group:
        group = Group("g")
        for name in names:

            async def work(name: str = name) -> None:
                ran.append(name)

            work.__name__ = name
            group.job(every=3_600, name=name)(work)
        return group

    async with program.run(declared("a")) as kit:
        await kit.client.edit_job("g/a", JobPatch(name="b"))
    for _ in range(2):
        async with program.run(declared("a", "b")) as kit:
            (live,) = kit.running.core.jobs
            assert (live.full_name, live.job.function, live.version) == ("g/b", "g/a", 2)
            (problem,) = kit.running.info().problems
            assert "the job that the code declares as g/a was renamed to that" in problem
            await kit.client.trigger_job("g/b")
            await kit.clock.settle()
            assert set(ran) == {"a"}
    async with program.run(declared("a", "b")) as kit:
        await kit.client.revert_job("g/b")
        assert (await kit.client.job("g/b")).function == "g/b"
    async with program.run(declared("a", "b")) as kit:
        functions = {live.full_name: live.job.function for live in kit.running.core.jobs}
        assert functions == {"g/a": "g/a", "g/b": "g/b"}
        assert kit.running.info().health is Health.OK


async def test_the_zone_is_the_jobs_the_groups_or_the_engines_also_when_it_changes(
    program: Program,
) -> None:
    async with program.run(code(trigger=Cron("0 9 * * *"))) as kit:
        job = await kit.client.job("g/work")
        assert (job.timezone, f"{job.next_due:%H:%M}") == ("UTC", "09:00")
    async with program.run(code(trigger=Cron("0 9 * * *")), timezone="Europe/Berlin") as kit:
        job = await kit.client.job("g/work")
        assert (job.timezone, f"{job.next_due:%H:%M}") == ("Europe/Berlin", "08:00")


async def test_a_policy_of_the_group_rules_a_job_that_has_none(program: Program) -> None:
    group = Group("g", grace_s=5)
    group.job(every=100)(work)
    async with program.run(group, catch_up="latest") as kit:
        live = kit.running.core.jobs.named("g/work")
        assert live.policies.grace_us == 5_000_000
        assert live.policies.catch_up is CatchUp.LATEST


async def test_a_duplicate_group_is_refused_before_anything_starts() -> None:
    from schedtui import Engine

    with pytest.raises(ConflictError, match="two groups are called 'g'"):
        Engine(groups=[code(), code()], store="memory://")


class Fussy(Every):
    """An interval whose arithmetic fails while `broken`."""

    broken = False

    def next_after_us(self, us: int) -> int | None:
        if Fussy.broken:
            raise ZeroDivisionError("division by zero")
        return super().next_after_us(us)


@pytest.fixture
def fussy() -> Callable[[bool], None]:
    def set_broken(broken: bool) -> None:
        Fussy.broken = broken

    Fussy.broken = False
    return set_broken


async def test_a_job_whose_trigger_failed_fires_again_after_a_restart(
    program: Program, fussy: Callable[[bool], None]
) -> None:
    async with program.run(code()) as kit:
        live = kit.running.core.jobs.named("g/work")
        live.trigger = Fussy(10)
        await kit.clock.advance(11)
        fussy(True)
        await kit.clock.advance(10)
        fussy(False)
        rows = await kit.rows()
        assert (due_s(rows[-1]), rows[-1].state) == (20.0, RunState.MISSED)
        assert rows[-1].reason == "its trigger failed: ZeroDivisionError: division by zero"
        assert any("its trigger failed" in text for text in kit.running.info().problems)
        await kit.clock.advance(20)
        assert len(await kit.rows()) == 2
    async with program.run(code()) as kit:
        assert kit.running.info().health is Health.OK
        await kit.clock.advance(10)
        assert (await kit.rows())[-1].state is RunState.SUCCEEDED
