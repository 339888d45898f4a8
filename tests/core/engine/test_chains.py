"""Runs that follow the end of a run of another job."""

from __future__ import annotations

from typing import Any

import pytest
from chain_kit import ON_END, ON_FAILURE, Row, go, second_of
from engine_kit import World, running

from schedtui import After, Group, Never, current_run
from schedtui.models import JobPatch, JobSpec, RunState, Source


async def test_a_success_starts_the_next_job_with_its_parent_and_its_reason(world: World) -> None:
    row = Row()
    async with running(row.group, world=world) as kit:
        (parent,) = await go(kit)
        (child,) = await second_of(kit)
        assert (child.source, child.state, child.parent_id) == (
            Source.CHAIN,
            RunState.SUCCEEDED,
            parent,
        )
        assert child.scheduled_for is None
        assert child.actor == f"after run {parent} of g/first (succeeded)"
        assert row.parents == [(child.id, parent)]
        live = kit.running.core.jobs.named("g/second")
        assert (live.schedule, live.state) == ("after g/first", "scheduled")
        assert (live.active, live.holders) == (0, 0)


@pytest.mark.parametrize(
    ("on", "fates", "expected"),
    [
        ("success", ["ok", "fail"], ["succeeded"]),
        ("failure", ["ok", "fail"], ["failed"]),
        ("end", ["ok", "fail"], ["succeeded", "failed"]),
    ],
)
async def test_which_ends_count(on: Any, fates: list[str], expected: list[str]) -> None:
    row = Row([After(job="g/first", on=on)])
    row.fates = list(fates)
    async with running(row.group) as kit:
        ids = await go(kit, 2)
        ends = dict(zip(ids, ("succeeded", "failed"), strict=True))
        assert [ends[run.parent_id or 0] for run in await second_of(kit)] == expected


async def test_a_timeout_is_a_failure_and_a_cancelled_run_an_end() -> None:
    row = Row([ON_FAILURE], first={"timeout_s": 5})
    third: list[int | None] = []

    @row.group.job(after=[ON_END])
    async def third_job() -> None:
        third.append(current_run().parent_id)

    row.fates = ["hang", "hang"]
    async with running(row.group) as kit:
        (timed_out,) = await go(kit)
        await kit.clock.advance(6)
        (cancelled,) = await go(kit)
        await kit.client.cancel_run(cancelled)
        await kit.clock.settle()
        states = {run.id: run.state for run in await kit.rows()}
        assert states[timed_out] is RunState.TIMED_OUT
        assert states[cancelled] is RunState.CANCELLED
        assert [run.parent_id for run in await second_of(kit)] == [timed_out]
        assert third == [timed_out, cancelled]


async def test_the_whole_run_counts_and_not_its_attempts() -> None:
    row = Row([ON_END], first={"retries": 2, "retry_delay_s": 10, "retry_jitter": 0})
    row.fates = ["fail", "fail", "ok"]
    async with running(row.group) as kit:
        (parent,) = await go(kit)
        await kit.clock.advance(11)
        assert await second_of(kit) == []
        await kit.clock.advance(30)
        (child,) = await second_of(kit)
        assert child.actor == f"after run {parent} of g/first (succeeded)"


async def test_what_is_skipped_or_missed_never_began_and_starts_nothing() -> None:
    row = Row([ON_END], first={"overlap": "queue_all", "start_within_s": 5})
    row.fates = ["hang"]
    async with running(row.group) as kit:
        hangs, missed = await go(kit, 2)
        await kit.clock.advance(8)
        assert (await kit.client.run(missed)).state is RunState.MISSED
        assert await second_of(kit) == []
        waits = (await kit.client.trigger_job("g/first")).id
        await kit.client.cancel_run(waits)
        await kit.clock.settle()
        assert (await kit.client.run(hangs)).state is RunState.RUNNING
        assert [run.parent_id for run in await second_of(kit)] == [waits]


async def test_a_job_may_have_a_schedule_besides() -> None:
    row = Row()
    row.group.job(every=10, after=["g/second"], name="third")(row.first)
    async with running(row.group) as kit:
        await go(kit)
        await kit.clock.advance(11)
        third = kit.running.core.jobs.named("g/third")
        told = await kit.told(third.id)
        assert told == [
            (Source.CHAIN, RunState.SUCCEEDED, None),
            (Source.SCHEDULE, RunState.SUCCEEDED, 10.0),
        ]
        assert third.schedule == "every 10 s"


async def test_a_chain_of_three_and_a_fork(world: World) -> None:
    row = Row()
    row.group.job(after=["g/second"], name="third")(row.second)
    row.group.job(after=["g/first", "g/second"], name="both", overlap="queue_all")(row.second)
    async with running(row.group, world=world) as kit:
        (first,) = await go(kit)
        parents = {run.id: run.parent_id for run in await kit.rows()}
        names = {run.id: run.job for run in await kit.rows()}
        assert sorted((names[one], names[parent]) for one, parent in parents.items() if parent) == [
            ("g/both", "g/first"),
            ("g/both", "g/second"),
            ("g/second", "g/first"),
            ("g/third", "g/second"),
        ]
        assert parents[first] is None


async def test_overlap_decides_as_for_a_manual_run() -> None:
    row = Row(overlap="skip")
    row.gate.clear()
    async with running(row.group) as kit:
        first, again = await go(kit, 2)
        one, two = await second_of(kit)
        assert (one.state, one.parent_id) == (RunState.RUNNING, first)
        assert (two.state, two.parent_id) == (RunState.SKIPPED, again)
        assert two.reason == f"overlap: run {one.id} is still active"
        assert two.scheduled_for is None
        row.gate.set()
        await kit.clock.settle()
        await go(kit)
        assert [run.state for run in await second_of(kit)] == ["succeeded", "skipped", "succeeded"]


@pytest.mark.parametrize("overlap", ["queue_one", "queue_all", "cancel_running", "allow"])
async def test_every_overlap_ends_with_the_counts_at_zero(overlap: str) -> None:
    row = Row(overlap=overlap)
    row.gate.clear()
    async with running(row.group, async_slots=4) as kit:
        await go(kit, 3)
        states = [str(run.state) for run in await second_of(kit)]
        assert (
            states
            == {
                "queue_one": ["running", "queued", "skipped"],
                "queue_all": ["running", "queued", "queued"],
                "cancel_running": ["cancelled", "cancelled", "running"],
                "allow": ["running"] * 3,
            }[overlap]
        )
        if overlap.startswith("queue"):
            assert (await second_of(kit))[1].wait_reason == "overlap"
        row.gate.set()
        core = kit.running.core
        live = core.jobs.named("g/second")
        await kit.until(lambda: not live.active)
        assert (live.active, live.holders, core.slots.waiting) == (0, 0, 0)
        assert core.pools["async"].free == 4


async def test_a_place_and_the_time_for_it_count_as_for_a_manual_run() -> None:
    row = Row(pool="db", start_within_s=5)
    row.group.job(trigger=Never(), name="holds", pool="db")(row.second)
    row.gate.clear()
    async with running(row.group, pools={"db": 1}) as kit:
        await kit.client.trigger_job("g/holds")
        await go(kit)
        (child,) = await second_of(kit)
        assert (child.state, child.wait_reason) == (RunState.QUEUED, "pool")
        await kit.clock.advance(6)
        (child,) = await second_of(kit)
        assert child.state is RunState.MISSED
        assert child.reason == "waited past start_within_s=5 for its start"
        row.gate.set()


async def test_a_paused_job_says_so_and_keeps_the_parent(world: World) -> None:
    row = Row()
    async with running(row.group, world=world) as kit:
        await kit.client.pause_job("g/second", reason="a look")
        (parent,) = await go(kit)
        (child,) = await second_of(kit)
        assert (child.state, child.parent_id) == (RunState.SKIPPED, parent)
        assert child.reason == "paused by local: a look"
        await kit.client.resume_job("g/second")
        await kit.engine.pause_engine(reason="move", actor="ann")
        await go(kit)
        assert (await second_of(kit))[-1].reason == "engine paused by ann: move"
        await kit.engine.resume_engine()
        await go(kit)
        assert (await second_of(kit))[-1].state is RunState.SUCCEEDED


async def test_a_job_whose_schedule_is_over_still_follows() -> None:
    row = Row(every=5, max_runs=1)
    async with running(row.group) as kit:
        await kit.clock.advance(11)
        assert kit.running.core.jobs.named("g/second").state == "finished"
        await go(kit)
        assert [run.source for run in await second_of(kit)] == [Source.SCHEDULE, Source.CHAIN]


async def test_an_orphaned_job_says_so_and_a_deleted_one_nothing(world: World) -> None:
    row, alone = Row(), Group("g")
    alone.job(trigger=Never(), name="first")(row.first)
    async with running(row.group, world=world) as kit:
        await kit.clock.settle()
    async with running(alone, world=world) as kit:
        await go(kit)
        (child,) = await second_of(kit)
        assert child.reason == "orphaned: its declaration is gone from the code"
        await kit.client.delete_job("g/second")
        await go(kit)
        assert len(await kit.rows()) == 3


async def test_a_run_without_a_job_and_one_of_a_deleted_job_start_nothing() -> None:
    row = Row()
    row.group.function("other")(row.first)
    row.fates = ["ok", "hang"]
    async with running(row.group) as kit:
        spec = JobSpec(function="g/other", trigger={"type": "never"}, name="other")
        job = await kit.engine.submit_spec(spec)  # called as its function is
        await kit.engine.create_job(function="g/other", name="last", after=["g/other"])
        await kit.engine.run_function("g/other")
        await kit.clock.settle()
        await kit.client.trigger_job("g/other")
        await kit.clock.settle()
        await kit.client.delete_job("g/other", expect_id=job.id)
        await kit.engine.submit_spec(spec)
        for run in await kit.rows():
            if run.finished_at is None:
                await kit.engine.cancel_run(run.id)
        await kit.clock.settle()
        assert Source.CHAIN not in [run.source for run in await kit.rows()]


async def test_the_job_of_the_name_at_the_moment_of_the_end_is_followed() -> None:
    row = Row()
    async with running(row.group) as kit:
        await kit.client.edit_job("g/first", JobPatch(name="moved"))
        assert "g/second runs after g/first, and there is no such job" in str(
            kit.running.info().problems
        )
        await kit.client.trigger_job("g/moved")
        await kit.clock.settle()
        assert await second_of(kit) == []
        await kit.client.edit_job("g/moved", JobPatch(name="first"))
        assert kit.running.info().problems == ()
        await go(kit)
        assert len(await second_of(kit)) == 1
