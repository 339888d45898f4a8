"""`run_once_key`: for one period a job succeeds at most once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from engine_kit import Kit, KitClock, World, at, check, running
from once_kit import Guarded, restart, said

from schedtui import Group, current_run
from schedtui.errors import StoreDataError, StoreUnavailableError
from schedtui.models import JobPatch, Policies, Run, RunState, Source

YEARLY = {"type": "cron", "expression": "0 0 1 1 *"}


async def test_the_first_due_time_of_a_period_runs_and_the_others_say_why_not() -> None:
    jobs = Guarded()
    async with running(jobs.group) as kit:
        await kit.clock.advance(85)
        rows = await kit.rows()
        first, sixth = (run for run in rows if run.state is RunState.SUCCEEDED)
        assert (first.scheduled_for, sixth.scheduled_for) == (at(10), at(60))
        assert {said(run) for run in rows[1:5]} == {
            (RunState.SKIPPED, f"once per 12:00: run {first.id} succeeded")
        }
        assert {said(run) for run in rows[6:]} == {
            (RunState.SKIPPED, f"once per 12:01: run {sixth.id} succeeded")
        }
        assert jobs.done == [first.id, sixth.id]
        await check(kit)


async def test_the_day_is_that_of_the_jobs_zone() -> None:
    jobs = Guarded("%Y-%m-%d")
    before = KitClock(datetime(2026, 3, 2, 14, 59, 35, tzinfo=UTC))  # in Tokyo almost midnight
    async with running(jobs.group, timezone="Asia/Tokyo", clock=before) as kit:
        await kit.clock.advance(55)
        rows = await kit.rows()
        first, second = (run for run in rows if run.state is RunState.SUCCEEDED)
        assert first is rows[0]
        assert second.scheduled_for
        assert second.scheduled_for - datetime(2026, 3, 2, 15, tzinfo=UTC) < timedelta(seconds=10)
        assert rows[-1].reason == f"once per 2026-03-03: run {second.id} succeeded"


@pytest.mark.parametrize("ending", ["fails", "cancelled", "timed out"])
async def test_a_run_that_does_not_succeed_gives_its_period_back(ending: str) -> None:
    jobs = Guarded(timeout_s=3 if ending == "timed out" else None)
    jobs.fails = ending == "fails"
    if ending != "fails":
        jobs.gate.clear()
    async with running(jobs.group) as kit:
        await kit.clock.advance(11)
        if ending == "cancelled":
            (run,) = await kit.rows()
            await kit.client.cancel_run(run.id)
        await kit.clock.advance(6)
        jobs.fails = False
        jobs.gate.set()
        await kit.clock.advance(16)
        first, second, third = await kit.rows()
        assert first.state not in (RunState.SUCCEEDED, RunState.SKIPPED)
        assert second.state is RunState.SUCCEEDED
        assert third.reason == f"once per 12:00: run {second.id} succeeded"


async def test_an_active_run_takes_its_period_also_while_it_waits_for_a_retry() -> None:
    jobs = Guarded(overlap="allow", retries=1, retry_delay_s=15, retry_jitter=0)
    jobs.fails = True
    jobs.gate.clear()
    async with running(jobs.group) as kit:
        await kit.clock.advance(11)
        now = await kit.client.trigger_job("g/clean")
        (first, *_) = await kit.rows()
        assert said(now) == (RunState.SKIPPED, f"once per 12:00: run {first.id} is running")
        jobs.gate.set()
        await kit.clock.advance(5)
        jobs.fails = False
        await kit.clock.advance(6)
        assert (await kit.rows())[-1].reason == f"once per 12:00: run {first.id} is queued"
        await kit.clock.advance(10)
        assert jobs.done == [first.id]


async def test_a_trigger_by_hand_obeys_it_and_says_so() -> None:
    jobs = Guarded()
    async with running(jobs.group) as kit:
        by_hand = await kit.client.trigger_job("g/clean")
        await kit.clock.advance(11)
        (_, due) = await kit.rows()
        expected = (RunState.SKIPPED, f"once per 12:00: run {by_hand.id} succeeded")
        assert said(due) == expected
        again = await kit.client.trigger_job("g/clean")
        assert said(again) == expected
        repeat = await kit.client.rerun(by_hand.id)
        assert said(repeat) == expected
        assert jobs.done == [by_hand.id]


async def test_triggers_that_race_run_once() -> None:
    jobs = Guarded(overlap="allow")
    async with running(jobs.group) as kit:
        runs = await asyncio.gather(*(kit.client.trigger_job("g/clean") for _ in range(4)))
        assert [run.state for run in runs].count(RunState.SKIPPED) == 3
        assert all(run.reason.startswith("once per 12:00: run ") for run in runs[1:])
        await kit.clock.settle()
        assert jobs.done == [runs[0].id]


async def failed_a_minute_ago(jobs: Guarded, world: World) -> tuple[Kit, Run]:
    """An engine with a failed run of 12:01, at 12:02."""
    jobs.fails = True
    kit = await Kit([jobs.group], world=world).start()
    await kit.clock.advance(61)
    (failed,) = await kit.rows()
    jobs.fails = False
    jobs.gate.clear()
    await kit.clock.advance(64)
    return kit, failed


async def test_a_rerun_counts_for_the_period_of_what_it_repeats(world: World) -> None:
    jobs = Guarded(every=60, overlap="allow")
    kit, failed = await failed_a_minute_ago(jobs, world)
    first = await kit.client.rerun(failed.id)
    kit = await restart(kit, jobs, world)
    try:
        jobs.gate.set()
        assert (await kit.client.run(first.id)).state is RunState.LOST
        repeat = await kit.client.rerun(first.id)
        await kit.clock.settle()
        third = await kit.client.rerun(failed.id)
        assert third.reason == f"once per 12:01: run {repeat.id} succeeded"
        now = await kit.client.trigger_job("g/clean")
        await kit.clock.settle()
        assert jobs.done == [repeat.id, now.id]
    finally:
        await kit.stop()


async def test_a_rerun_keeps_that_period_over_a_restart(world: World) -> None:
    jobs = Guarded(every=60, overlap="allow", on_lost="rerun")
    kit, failed = await failed_a_minute_ago(jobs, world)
    first = await kit.client.rerun(failed.id)
    kit = await restart(kit, jobs, world)
    try:
        await kit.clock.settle()
        other = await kit.client.rerun(failed.id)
        assert other.reason == f"once per 12:01: run {first.id} is running"
        jobs.gate.set()
        await kit.clock.settle()
        assert first.id in jobs.done
    finally:
        await kit.stop()


async def test_due_times_that_are_caught_up_with_run_once_each_period(world: World) -> None:
    jobs = Guarded(catch_up="all", overlap="queue_all", grace_s=1)
    kit = await Kit([jobs.group], world=world).start()
    await kit.clock.advance(11)
    kit = await restart(kit, jobs, world, 120)
    try:
        await kit.clock.advance(5)
        rows = await kit.rows()
        ran = [run.scheduled_for for run in rows if run.state is RunState.SUCCEEDED]
        assert ran == [at(10), at(60), at(120)]
        found = [run.reason for run in rows if "found together" in run.reason]
        assert found.count("once per 12:01: the due time 12:01:00Z, found together, runs") == 5
        await check(kit)
    finally:
        await kit.stop()


@pytest.mark.parametrize("when", ["before", "after", "commit", "committed"])
@pytest.mark.parametrize("method", ["finish", "keep_successes"])
async def test_a_kill_around_the_outcome(world: World, method: str, when: str) -> None:
    """Either the run has succeeded and its period is taken, or it is lost and that is free."""
    jobs = Guarded()
    kit = await Kit([jobs.group], world=world).start()
    kit.faults.crash(method, when)
    moving = asyncio.ensure_future(kit.clock.advance(11))
    await kit.until(lambda: kit.store.dead)
    await moving
    kit = await restart(kit, jobs, world)
    try:
        (first,) = await kit.rows()
        assert first.state is (RunState.SUCCEEDED if when == "committed" else RunState.LOST)
        again = await kit.client.trigger_job("g/clean")
        if when == "committed":
            assert again.reason == f"once per 12:00: run {first.id} succeeded"
        else:
            assert again.state is not RunState.SKIPPED
        await kit.clock.settle()
        third = await kit.client.trigger_job("g/clean")
        assert third.state is RunState.SKIPPED
        assert [run.state for run in await kit.rows()].count(RunState.SUCCEEDED) == 1
    finally:
        await kit.stop()


async def test_a_queued_run_keeps_its_period_over_a_restart(world: World) -> None:
    jobs = Guarded(jitter_s=40)
    kit = await Kit([jobs.group], world=world).start()
    await kit.clock.advance(11)
    (queued,) = await kit.rows()
    assert queued.state is RunState.QUEUED
    kit = await restart(kit, jobs, world)
    try:
        run = await kit.client.trigger_job("g/clean")
        assert run.reason == f"once per 12:00: run {queued.id} is queued"
        await kit.clock.advance(40)
        assert jobs.done == [queued.id]
    finally:
        await kit.stop()


async def test_max_runs_counts_what_runs_only() -> None:
    jobs = Guarded(max_runs=2)
    async with running(jobs.group) as kit:
        await kit.clock.advance(200)
        assert len(jobs.done) == 2
        assert (await kit.client.job("g/clean")).fired == 2


async def edit(kit: Kit, key: str) -> None:
    policies = Policies(run_once_key=key)
    await kit.client.edit_job("g/clean", JobPatch(policies=policies))


async def test_it_is_changed_on_a_living_job_and_what_has_succeeded_counts(world: World) -> None:
    jobs = Guarded("")
    kit = await Kit([jobs.group], world=world).start()
    await kit.clock.advance(21)
    first, second = await kit.rows()
    await edit(kit, "%Y-%m-%d")
    taken = await kit.client.trigger_job("g/clean")
    assert taken.reason == f"once per 2026-03-02: run {second.id} succeeded"
    await edit(kit, "%G-W%V")
    taken = await kit.client.trigger_job("g/clean")
    assert taken.reason == f"once per 2026-W10: run {second.id} succeeded"
    await edit(kit, "")
    free = await kit.client.trigger_job("g/clean")
    await kit.clock.settle()
    await edit(kit, "%Y-%m")
    kit = await restart(kit, jobs, world)
    try:
        taken = await kit.client.trigger_job("g/clean")
        assert taken.reason == f"once per 2026-03: run {free.id} succeeded"
        assert jobs.done == [first.id, second.id, free.id]
        job = await kit.client.job("g/clean")
        assert job.last_due == second.scheduled_for
        await kit.clock.advance(10)
        assert (await kit.rows())[-1].scheduled_for == at(30)
    finally:
        await kit.stop()


async def test_an_edit_is_made_where_its_history_cannot_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Guarded("")
    kit = await Kit([jobs.group], world=world).start()
    await kit.clock.advance(11)

    def down(*_: Any, **__: Any) -> list[Run]:
        raise StoreUnavailableError("no answer")

    with monkeypatch.context() as broken:
        broken.setattr(kit.store, "runs", down, raising=False)
        await edit(kit, "%H:%M")
    kit = await restart(kit, jobs, world)
    try:
        (first,) = await kit.rows()
        taken = await kit.client.trigger_job("g/clean")
        assert taken.reason == f"once per 12:00: run {first.id} succeeded"
    finally:
        await kit.stop()


async def test_the_code_may_say_it_later(world: World) -> None:
    jobs = Guarded("")
    kit = await Kit([jobs.group], world=world).start()
    await kit.clock.advance(11)
    (first,) = await kit.rows()
    jobs = Guarded("%Y-%m-%d")
    kit = await restart(kit, jobs, world)
    try:
        taken = await kit.client.trigger_job("g/clean")
        assert taken.reason == f"once per 2026-03-02: run {first.id} succeeded"
    finally:
        await kit.stop()


async def test_the_group_and_the_engine_may_say_it() -> None:
    group = Group("g", run_once_key="%Y-%m-%d")
    done: list[str] = []

    @group.function()
    async def work() -> None:
        done.append(current_run().job)

    other = Group("o")
    other.function("work")(work)
    async with running(group, other, run_once_key="%Y-%m") as kit:
        for function in ("g/work", "o/work"):
            await kit.engine.create_job(function=function, trigger=YEARLY)
            first = await kit.client.trigger_job(function)
            await kit.clock.settle()
            second = await kit.client.trigger_job(function)
            period = "2026-03-02" if function == "g/work" else "2026-03"
            assert second.reason == f"once per {period}: run {first.id} succeeded"
            direct = [await kit.engine.run_function(function) for _ in range(2)]
            assert RunState.SKIPPED not in [run.state for run in direct]
            await kit.clock.settle()
        assert len(done) == 6


async def test_a_startup_run_obeys_it(world: World) -> None:
    jobs = Guarded(run_on_startup=True)
    kit = await Kit([jobs.group], world=world).start()
    await kit.clock.settle()
    kit = await restart(kit, jobs, world)
    try:
        await kit.clock.settle()
        first, second = await kit.rows()
        assert (first.source, second.source) == (Source.STARTUP, Source.STARTUP)
        assert second.reason == f"once per 12:00: run {first.id} succeeded"
    finally:
        await kit.stop()


async def test_an_outcome_that_is_not_written_keeps_the_period_until_it_is() -> None:
    jobs = Guarded()
    async with running(jobs.group) as kit:
        kit.faults.down = True
        await kit.clock.advance(1)
        kit.faults.down = False
        kit.faults.once("finish", StoreDataError("no"))
        await kit.clock.advance(11)
        await kit.until(lambda: kit.idle)
        await kit.clock.settle()
        (first,) = await kit.rows()
        assert first.state is RunState.SUCCEEDED
        taken = await kit.client.trigger_job("g/clean")
        assert taken.reason == f"once per 12:00: run {first.id} succeeded"


async def test_explain_says_so() -> None:
    jobs = Guarded()
    async with running(jobs.group) as kit:
        await kit.clock.advance(21)
        first, _ = await kit.rows()
        told = await kit.client.explain("g/clean")
        assert told.facts[0].kind == "once"
        assert told.facts[0].text == f"once per 12:00: run {first.id} succeeded"


async def test_a_deleted_job_takes_its_periods_along() -> None:
    group = Group("g")
    group.function("work")(lambda: None)
    settings: dict[str, Any] = {
        "function": "g/work",
        "trigger": YEARLY,
        "run_once_key": "%Y",
    }
    async with running(group) as kit:
        await kit.engine.create_job(**settings)
        await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        await kit.engine.remove_job("g/work")
        await kit.engine.create_job(**settings)
        assert (await kit.client.trigger_job("g/work")).state is not RunState.SKIPPED
        await kit.clock.settle()
