"""Rule 4: edits, pauses and deletes that race with the firing; each due time keeps its one row."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from engine_kit import Kit, KitClock, World, at, check, due_s, running

from schedtui import Group, current_run
from schedtui.clock import to_us
from schedtui.errors import (
    ConflictError,
    FunctionNotFoundError,
    InvalidError,
    JobNotFoundError,
    SchedtuiError,
    StaticJobError,
)
from schedtui.models import JobPatch, JobSpec, JobState, RunState, Source

EVERY_10 = {"type": "every", "seconds": 10}


class Worker:
    def __init__(self) -> None:
        self.group = Group("g")
        self.done: list[object] = []
        self.kwargs: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.group.function("work")(self.work)
        self.group.function("other")(self.other)

    async def work(self, n: int = 1) -> None:
        run = current_run()
        self.done.append((run.job, run.scheduled_for or run.id))
        self.kwargs.append(n)
        await self.gate.wait()

    async def other(self, n: int = 1) -> None:
        self.done.append("other")


async def dynamic(kit: Kit, **settings: Any) -> int:
    job = await kit.engine.create_job(
        function="g/work", trigger=settings.pop("trigger", EVERY_10), **settings
    )
    return job.id


async def test_create_edit_and_resume_go_on_after_now_and_after_the_last_claim() -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        await kit.clock.advance(3)
        job = await kit.client.create_job(JobSpec(function="g/work", trigger=EVERY_10))
        assert job.next_due == at(10)
        await kit.clock.advance(20)
        trigger = {"type": "every", "seconds": 15}
        edited = await kit.client.edit_job("g/work", JobPatch(trigger=trigger))
        assert (edited.next_due, edited.version) == (at(30), 2)
        await kit.client.pause_job("g/work")
        await kit.clock.advance(40)
        resumed = await kit.client.resume_job("g/work")
        assert (resumed.next_due, resumed.version) == (at(75), 4)


async def test_an_edit_at_the_due_moment_claims_it_under_the_old_schedule(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        job_id = await dynamic(kit)
        kit.clock._move(kit.clock._monotonic_us + 10_000_000)  # due, and no tick has run yet
        await kit.client.edit_job("g/work", JobPatch(trigger={"type": "every", "seconds": 25}))
        await kit.clock.advance(16)
        assert [due_s(run) for run in await kit.rows(job_id)] == [10.0, 25.0]
        assert worker.done == [("g/work", at(10)), ("g/work", at(25))]


Command = Callable[[Kit], Coroutine[Any, Any, object]]
RACES: dict[str, Command] = {
    "pause": lambda kit: kit.client.pause_job("g/work", reason="r"),
    "edit": lambda kit: kit.client.edit_job("g/work", JobPatch(kwargs={"n": 2})),
    "move": lambda kit: kit.client.edit_job(
        "g/work", JobPatch(trigger={"type": "every", "seconds": 20})
    ),
    "delete": lambda kit: kit.client.delete_job("g/work"),
    "trigger": lambda kit: kit.client.trigger_job("g/work"),
    "rename": lambda kit: kit.client.edit_job("g/work", JobPatch(name="renamed")),
}


@pytest.mark.parametrize("first", ["command", "tick", "both"])
@pytest.mark.parametrize("name", RACES)
async def test_a_command_at_the_very_due_moment(world: World, name: str, first: str) -> None:
    """Whoever comes first, the due time has one row, and runs at most once."""
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        job_id = await dynamic(kit)
        await kit.clock.advance(9.5)
        kit.clock._move(kit.clock._monotonic_us + 500_000)
        if first == "tick":
            kit.running.core.wakeup()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        elif first == "both":
            kit.running.core.wakeup()
        await RACES[name](kit)
        await kit.clock.advance(0.01)
        rows = [run for run in await kit.rows(job_id) if run.source is Source.SCHEDULE]
        assert [due_s(run) for run in rows] == [10.0]
        allowed = {RunState.SUCCEEDED}
        if name == "trigger":
            allowed.add(RunState.SKIPPED)
        assert {run.state for run in rows} <= allowed
        await kit.clock.advance(31)
        await check(kit, after=at(10), effects=worker.done)
        assert not any(live.busy or live.active for live in kit.running.core.jobs)


@pytest.mark.parametrize("pair", list(itertools.permutations(RACES, 2)), ids="-".join)
async def test_two_commands_at_once_on_one_due_job(pair: tuple[str, str]) -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        await dynamic(kit)
        await kit.clock.advance(9.5)
        kit.clock._move(kit.clock._monotonic_us + 500_000)
        kit.running.core.wakeup()
        results = await asyncio.gather(*(RACES[name](kit) for name in pair), return_exceptions=True)
        for name, result in zip(pair, results, strict=True):
            if isinstance(result, BaseException):
                assert isinstance(result, JobNotFoundError), (name, result)
                assert "delete" in pair or "rename" in pair
        await kit.clock.advance(31)
        await check(kit, after=at(10), effects=worker.done)
        assert not any(live.busy or live.active for live in kit.running.core.jobs)
        pools = kit.running.core.pools.values()
        assert [(pool.free, pool.claimed, len(pool.queue)) for pool in pools] == [
            (1_000, 0, 0),
            (32, 0, 0),
        ]


async def test_a_job_due_every_millisecond_does_not_starve_a_command(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        await dynamic(kit, trigger={"type": "every", "seconds": 0.001})
        moving = asyncio.ensure_future(kit.clock.advance(0.5))
        await asyncio.sleep(0)
        for n in range(3):
            await kit.client.edit_job("g/work", JobPatch(kwargs={"n": n}))
            await kit.client.trigger_job("g/work")
        await kit.client.pause_job("g/work")
        await moving
        job = await kit.client.job("g/work")
        assert job.paused
        assert job.version == 5
        await kit.client.resume_job("g/work")
        await kit.client.pause_job("g/work")
        await check(kit, effects=worker.done)


class Restless(KitClock):
    """A clock that moves with every look at it, as a real one does."""

    def __init__(self) -> None:
        super().__init__()
        self.step_us = 0

    def now_us(self) -> int:
        if self.step_us:
            self._move(self._monotonic_us + self.step_us)
        return super().now_us()


@pytest.mark.parametrize("step_us", [400, 1_700])
async def test_no_due_time_slips_between_two_looks_at_the_clock(step_us: int) -> None:
    """Pause, resume, edit and delete while a job is due at every few looks at the clock."""
    worker = Worker()
    clock = Restless()
    async with running(worker.group, clock=clock) as kit:
        job_id = await dynamic(kit, trigger={"type": "every", "seconds": 0.001})
        clock.step_us = step_us
        for seconds in (0.002, 0.001, 0.003, 0.001):
            await kit.client.pause_job("g/work")
            await kit.client.resume_job("g/work")
            trigger = {"type": "every", "seconds": seconds}
            await kit.client.edit_job("g/work", JobPatch(trigger=trigger))
            for _ in range(3):
                kit.running.core.wakeup()
                await asyncio.sleep(0.001)
        await kit.client.edit_job("g/work", JobPatch(trigger={"type": "every", "seconds": 0.001}))
        mark = (await kit.client.job("g/work")).last_due
        for _ in range(10):
            await kit.client.pause_job("g/work")
            await kit.client.resume_job("g/work")
        clock.step_us = 0
        await kit.client.pause_job("g/work")
        await kit.clock.settle()
        assert mark is not None
        await check(kit, after=mark, effects=worker.done)
        singles = [run.scheduled_for for run in await kit.rows(job_id) if run.range_count is None]
        assert len(singles) == len(set(singles))


async def test_a_run_keeps_the_arguments_and_the_version_of_its_claim(world: World) -> None:
    worker = Worker()
    worker.gate.clear()
    async with running(worker.group, world=world, async_slots=1) as kit:
        await dynamic(kit, name="blocks")
        job_id = await dynamic(kit, name="work", kwargs={"n": 1})
        await kit.client.trigger_job("g/blocks")
        await kit.clock.advance(11)
        await kit.client.edit_job("g/work", JobPatch(kwargs={"n": 2}))
        worker.gate.set()
        await kit.clock.advance(10)
        rows = await kit.rows(job_id)
        assert [(run.kwargs, run.job_version) for run in rows] == [({"n": 1}, 1), ({"n": 2}, 2)]
        assert worker.kwargs[1:] in ([1, 1, 2], [1, 2, 1])


async def test_pause_stops_claims_only(world: World) -> None:
    worker = Worker()
    worker.gate.clear()
    async with running(worker.group, world=world) as kit:
        job_id = await dynamic(kit)
        await kit.clock.advance(10)
        paused = await kit.client.pause_job("g/work", reason="maintenance")
        assert (paused.paused, paused.pause_reason, paused.paused_by) == (
            True,
            "maintenance",
            "local",
        )
        assert await kit.client.pause_job("g/work") == paused
        await kit.clock.advance(25)
        worker.gate.set()
        await kit.clock.settle()
        (run,) = await kit.rows(job_id)
        assert run.state is RunState.SUCCEEDED
        summary = kit.running.core.jobs.named("g/work").summary()
        assert (summary.state, summary.next_due_us) == (JobState.PAUSED, None)
        resumed = await kit.client.resume_job("g/work")
        assert resumed.next_due == at(40)
        assert await kit.client.resume_job("g/work") == resumed
        rows = await kit.rows(job_id)
        assert [(due_s(run), run.state) for run in rows[1:]] == [
            (20.0, RunState.SKIPPED),
            (30.0, RunState.SKIPPED),
        ]
        assert rows[1].reason == "paused by local: maintenance"
        await kit.clock.advance(6)
        await check(kit, effects=worker.done)


async def test_a_paused_job_can_be_triggered(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        await dynamic(kit, paused=True)
        run = await kit.client.trigger_job("g/work", kwargs={"n": 7})
        await kit.clock.settle()
        assert (await kit.client.run(run.id)).state is RunState.SUCCEEDED
        assert worker.kwargs == [7]
        assert (await kit.client.job("g/work")).kwargs == {}


async def test_a_deleted_job_leaves_its_history_and_a_new_one_starts_empty(world: World) -> None:
    worker = Worker()
    worker.gate.clear()
    async with running(worker.group, world=world, async_slots=1) as kit:
        old = await dynamic(kit, name="work")
        await dynamic(kit, name="other")
        await kit.clock.advance(11)
        states = {run.job: run.state for run in await kit.rows()}
        assert states == {"g/work": RunState.RUNNING, "g/other": RunState.QUEUED}
        await kit.client.delete_job("g/work")
        await kit.client.delete_job("g/other")
        new = await dynamic(kit, name="work")
        worker.gate.set()
        await kit.clock.advance(2)
        rows = {run.job: run for run in await kit.rows()}
        assert rows["g/work"].state is RunState.SUCCEEDED
        assert rows["g/other"].state is RunState.CANCELLED
        assert rows["g/other"].reason == "its job was deleted by local"
        assert rows["g/other"].started_at is None
        assert worker.done == [("g/work", at(10))]
        assert new > old
        assert await kit.rows(new) == []
        assert kit.running.core.jobs.named("g/work").summary().recent == ()
        assert kit.running.core.pools["async"].free == 1
        with pytest.raises(ConflictError, match="was deleted and this one"):
            await kit.client.trigger_job("g/work", expect_id=old)


@pytest.mark.parametrize("slots", [1, 1_000])
async def test_a_trigger_that_races_with_a_delete_never_runs_after_it(slots: int) -> None:
    worker = Worker()
    worker.gate.clear()
    async with running(worker.group, async_slots=slots) as kit:
        await dynamic(kit, name="blocks")
        await kit.client.trigger_job("g/blocks")
        await kit.clock.settle()
        job_id = await dynamic(kit, name="work")
        deleting = asyncio.ensure_future(kit.client.delete_job("g/work"))
        await asyncio.sleep(0)
        triggering = asyncio.ensure_future(kit.client.trigger_job("g/work"))
        await asyncio.wait([deleting, triggering])
        worker.gate.set()
        await kit.clock.advance(2)
        assert deleting.exception() is None
        assert isinstance(triggering.exception(), JobNotFoundError)
        assert await kit.rows(job_id) == []
        assert len(worker.done) == 1


async def test_a_delete_that_races_with_a_trigger_lets_it_run_or_cancels_it() -> None:
    worker = Worker()
    worker.gate.clear()
    async with running(worker.group, async_slots=1) as kit:
        await dynamic(kit, name="blocks")
        await kit.client.trigger_job("g/blocks")
        await kit.clock.settle()
        await dynamic(kit, name="work")
        run, _ = await asyncio.gather(
            kit.client.trigger_job("g/work"), kit.client.delete_job("g/work")
        )
        worker.gate.set()
        await kit.clock.advance(2)
        assert (await kit.client.run(run.id)).state is RunState.CANCELLED
        assert len(worker.done) == 1
        assert len(kit.running.core.pools["async"].queue) == 0


async def test_two_creates_at_once_without_a_name_get_one_each(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        spec = JobSpec(function="g/work", trigger=EVERY_10)
        jobs = await asyncio.gather(*(kit.client.create_job(spec) for _ in range(4)))
        assert sorted(job.name for job in jobs) == ["work", "work-2", "work-3", "work-4"]


async def test_two_creates_at_once_of_one_name_make_one_job(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        spec = JobSpec(function="g/work", trigger=EVERY_10, name="x")
        results = await asyncio.gather(
            *(kit.client.create_job(spec) for _ in range(3)), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in results) == [
            "ConflictError",
            "ConflictError",
            "Job",
        ]
        assert len(kit.running.core.jobs) == 1


@pytest.mark.parametrize("name", [*RACES, "create"])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_a_caller_that_goes_away_leaves_no_half_command(name: str, turns: int) -> None:
    """A cancelled request: its command is done whole, or not at all."""
    worker = Worker()
    async with running(worker.group) as kit:
        await dynamic(kit)
        commands: dict[str, Command] = {
            **RACES,
            "create": lambda kit: kit.engine.create_job(
                function="g/work", trigger=EVERY_10, name="new"
            ),
        }
        task = asyncio.ensure_future(commands[name](kit))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await kit.clock.settle()
        await kit.clock.advance(21)
        stored = {job.full_name: job.version for job in kit.store.inner.jobs()}
        living = {live.full_name: live.version for live in kit.running.core.jobs}
        assert stored == living
        assert all(run.finished_at for run in await kit.rows())
        assert not any(live.busy or live.active for live in kit.running.core.jobs)
        pools = kit.running.core.pools
        assert (pools["async"].free, pools["async"].claimed) == (1_000, 0)
        await check(kit, effects=worker.done)


async def test_wrong_input_changes_nothing(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        await dynamic(kit, name="a")
        await dynamic(kit, name="b")
        before = [live.current() for live in kit.running.core.jobs]
        wrong: list[tuple[Command, type[SchedtuiError]]] = [
            (lambda kit: kit.client.edit_job("g/a", JobPatch(name="b")), ConflictError),
            (lambda kit: kit.client.edit_job("g/a", JobPatch(name="x/y")), InvalidError),
            (lambda kit: kit.client.edit_job("g/a", JobPatch(kwargs={"m": 1})), InvalidError),
            (lambda kit: kit.client.edit_job("g/a", JobPatch(timezone="Mars")), InvalidError),
            (
                lambda kit: kit.client.edit_job("g/a", JobPatch(function="g/no")),
                FunctionNotFoundError,
            ),
            (lambda kit: kit.client.edit_job("g/no", JobPatch()), JobNotFoundError),
            (lambda kit: kit.client.trigger_job("g/a", kwargs={"m": 1}), InvalidError),
            (lambda kit: kit.client.delete_job("g/a", expect_id=99), ConflictError),
            (lambda kit: kit.client.pause_job("g/a", expect_id=99), ConflictError),
            (
                lambda kit: kit.engine.create_job(function="g/work", trigger={"type": "cron"}),
                InvalidError,
            ),
        ]
        for command, error in wrong:
            with pytest.raises(error):
                await command(kit)
        assert [live.current() for live in kit.running.core.jobs] == before
        assert list(kit.store.inner.jobs()) == before


async def test_every_wrong_field_is_told_at_once() -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        spec = JobSpec(
            function="g/work",
            trigger={"type": "cron", "expression": "61 * * * *"},
            kwargs={"m": 1},
            name="a/b",
            timezone="Mars",
            tags=("",),
        )
        with pytest.raises(InvalidError) as caught:
            await kit.client.create_job(spec)
        fields = {error.field.split(".")[0] for error in caught.value.errors}
        assert fields == {"trigger", "kwargs", "name", "timezone", "tags"}


async def test_a_static_job_can_be_paused_and_edited_but_not_deleted(world: World) -> None:
    worker = Worker()
    worker.group.job(every=10, name="static")(worker.other)
    async with running(worker.group, world=world) as kit:
        with pytest.raises(StaticJobError, match="declared in code"):
            await kit.client.delete_job("g/static")
        edited = await kit.client.edit_job("g/static", JobPatch(description="d"))
        assert edited.overridden
        assert (await kit.client.pause_job("g/static")).paused


async def test_the_audit_trail_says_what_changed(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        await dynamic(kit)
        await kit.client.edit_job("g/work", JobPatch(kwargs={"n": 4}))
        (event, created) = (await kit.client.audit(limit=2)).items
        assert (event.action, event.object, event.actor) == ("job.edit", "g/work", "local")
        assert event.detail == {"before": {"kwargs": {}}, "after": {"kwargs": {"n": 4}}}
        assert (created.action, created.actor) == ("job.create", "python")
        assert to_us(event.at) >= to_us(created.at)
