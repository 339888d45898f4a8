"""Rule 4: what edits, pauses and deletes do to a job, its runs and its history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from engine_commands import EVERY_10, Command, Editable, dynamic
from engine_kit import World, at, check, due_s, running

from schedtui import Group
from schedtui.clock import to_us
from schedtui.errors import (
    ConflictError,
    FunctionNotFoundError,
    InvalidError,
    JobNotFoundError,
    SchedtuiError,
    StaticJobError,
)
from schedtui.models import JobPatch, JobSpec, JobState, Overlap, Policies, RunState


async def test_create_edit_and_resume_go_on_after_now_and_after_the_last_claim() -> None:
    worker = Editable()
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


async def test_a_run_keeps_the_arguments_and_the_version_of_its_claim(world: World) -> None:
    worker = Editable()
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
    worker = Editable()
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
        assert await kit.client.pause_job("g/work", reason="maintenance") == paused
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
    worker = Editable()
    async with running(worker.group, world=world) as kit:
        await dynamic(kit, paused=True)
        run = await kit.client.trigger_job("g/work", kwargs={"n": 7})
        await kit.clock.settle()
        assert (await kit.client.run(run.id)).state is RunState.SUCCEEDED
        assert worker.kwargs == [7]
        assert (await kit.client.job("g/work")).kwargs == {}


async def test_a_deleted_job_leaves_its_history_and_a_new_one_starts_empty(world: World) -> None:
    worker = Editable()
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


async def test_wrong_input_changes_nothing(world: World) -> None:
    worker = Editable()
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
        kept = [replace(job, effective=None) for job in before]
        assert list(kit.store.inner.jobs()) == kept


async def test_every_wrong_field_is_told_at_once() -> None:
    worker = Editable()
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
    worker = Editable()
    worker.group.job(every=10, name="static")(worker.other)
    async with running(worker.group, world=world) as kit:
        with pytest.raises(StaticJobError, match="declared in code"):
            await kit.client.delete_job("g/static")
        edited = await kit.client.edit_job("g/static", JobPatch(description="d"))
        assert edited.overridden
        assert (await kit.client.pause_job("g/static")).paused


async def test_the_audit_trail_says_what_changed(world: World) -> None:
    worker = Editable()
    async with running(worker.group, world=world) as kit:
        await dynamic(kit)
        await kit.client.edit_job("g/work", JobPatch(kwargs={"n": 4}))
        (event, created) = (await kit.client.audit(limit=2)).items
        assert (event.action, event.object, event.actor) == ("job.edit", "g/work", "local")
        assert event.detail == {"before": {"kwargs": {}}, "after": {"kwargs": {"n": 4}}}
        assert (created.action, created.actor) == ("job.create", "python")
        assert to_us(event.at) >= to_us(created.at)


@pytest.mark.parametrize(
    "patch",
    [
        JobPatch(),
        JobPatch(description="", tags=(), kwargs={}, timezone="UTC"),
        JobPatch(trigger={"type": "every", "typed": "1h"}, name="static"),
    ],
    ids=["empty", "what it is", "its own trigger"],
)
async def test_a_patch_that_changes_nothing_does_nothing(world: World, patch: JobPatch) -> None:
    worker = Editable()
    worker.group.job(every=3_600, name="static")(worker.work)
    async with running(worker.group, world=world) as kit:
        before = await kit.client.job("g/static")
        trail = await kit.client.audit()
        await kit.clock.advance(5)
        assert await kit.client.edit_job("g/static", patch) == before
        assert await kit.client.job("g/static") == before
        assert not before.overridden
        assert await kit.client.audit() == trail


async def test_a_number_that_becomes_a_truth_is_a_change(world: World) -> None:
    group = Group("g")

    @group.function()
    async def free(n: object = None) -> None: ...

    async with running(group, world=world) as kit:
        await kit.engine.create_job(function="g/free", trigger=EVERY_10, kwargs={"n": 1})
        job = await kit.client.edit_job("g/free", JobPatch(kwargs={"n": True}))
        assert (job.version, job.kwargs["n"] is True) == (2, True)


WRONG: list[tuple[str, Any]] = [
    ("overlap", "nonsense"),
    ("retry_on", "ValueError"),
    ("retries", "many"),
    ("retries", 1.5),
    ("grace_s", "5"),
    ("run_on_startup", 1),
    ("pool", 7),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
async def test_policies_of_the_wrong_kind_are_refused_at_run_time(field: str, value: Any) -> None:
    group = Group("g")
    group.job(every=10, name="a")(Editable().work)
    wrong = Policies(**{field: value})
    async with running(group) as kit:
        with pytest.raises(InvalidError, match=field):
            await kit.client.edit_job("g/a", JobPatch(policies=wrong))
        spec = JobSpec(function="g/work", name="b", trigger=EVERY_10, policies=wrong)
        with pytest.raises(InvalidError, match=field):
            await kit.engine.submit_spec(spec)
        assert (await kit.client.job("g/a")).version == 1


async def test_policies_as_code_writes_them_mean_the_same_at_run_time(world: World) -> None:
    group = Group("g")
    group.job(every=10, name="a")(Editable().work)
    said: dict[str, Any] = {
        "overlap": "allow",
        "retry_on": [ValueError, "OSError"],
        "grace_s": timedelta(minutes=1),
    }
    meant = Policies(overlap=Overlap.ALLOW, retry_on=("ValueError", "OSError"), grace_s=60.0)
    async with running(group, world=world) as kit:
        edited = await kit.client.edit_job("g/a", JobPatch(policies=Policies(**said)))
        assert edited.policies == meant
        assert edited.policies.overlap is Overlap.ALLOW
        live = kit.running.core.jobs.named("g/a")
        assert live.policies.concurrency == 0
        with pytest.raises(InvalidError, match="policies"):
            await kit.client.edit_job("g/a", JobPatch(policies=cast("Policies", said)))
