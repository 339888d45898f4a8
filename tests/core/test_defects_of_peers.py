"""The defects that were measured in fastapi-task-manager (m) and fastapi-taskflow (f), and tests.

::

    m1 a run that takes long is started again and again
        test_a_run_that_takes_long_is_started_once
    m2 a job is known to the process alone in which it was created
        test_a_client_on_another_loop_in_another_thread_sees_and_does_the_same
    m3 every new job fires at once
        test_a_new_job_waits_for_its_first_due_time
    m4 a retry only keeps later due times from firing, and a failed run leaves nothing
        test_an_attempt_that_failed_is_followed_by_another_one_of_the_same_run
        test_a_job_that_fails_misses_no_due_time
    m5 a low priority runs before a high one
        test_the_higher_priority_goes_first
        test_of_those_due_together_the_higher_priority_is_claimed_first
    m6 queued copies pile up, and run side by side
        test_queue_one_lets_one_wait_and_skips_the_others
        test_queue_all_runs_every_due_time_one_after_another
    m7 a pause ends by itself after five days
        test_a_pause_lasts
    m8 a tag that nothing has means everything
        test_a_filter_that_nothing_fits_finds_nothing
    m9 the tags of a job are lost where its group has some
        test_the_tags_of_a_job_and_of_its_group_add_up
    m10 what is deleted while it is due comes back
        test_deleting_while_everything_is_due_leaves_nothing
        test_a_trigger_that_races_with_a_delete_never_runs_after_it
    m11 f6 a kill at the wrong moment runs something twice, or loses it
        test_a_kill_during_a_firing test_a_kill_during_a_start
        test_20_kills_at_random_moments_with_200_jobs_due_each_second
    m12 several leaders, and none for a while
        test_a_second_engine_on_the_store_is_refused test_kill_9_frees_the_store
    m13 what waits is thrown away where much waits
        test_more_due_than_slots_are_queued_and_admitted_in_their_order
        test_a_great_many_due_at_once_all_run_once
    m14 a wrong schedule in the code is told by each tick
        test_a_wrong_schedule_is_refused_where_it_is_declared
    m15 f11 whoever can reach it may do everything
        test_without_any_token_the_answer_says_how_to_make_one test_roles
        test_too_many_wrong_tokens_are_sent_away test_a_request_cannot_claim_to_be_local
        test_anything_else_is_nobody
    m16 an outage of the store: survived there, and here
        test_a_claim_that_fails_is_tried_again_with_the_same_due_time
    f1 its own lock keeps a third of the due times from firing
        test_every_due_time_fires
    f2 any exception ends all schedules, silently
        test_whatever_the_tick_raises_it_goes_on test_a_long_outage_is_misfire_and_range
    f3 a one-off job never fires where there is no other schedule
        test_a_one_off_job_fires_where_nothing_else_is_scheduled
    f4 start-up hooks do not run in an application with a lifespan
        not ours: the engine is started by who embeds it, and has no hooks of a framework
    f5 a function that has another name than its own is not found
        test_a_function_is_found_by_the_name_it_was_given
    f7 a second shutdown throws away what the first one kept
        test_what_is_queued_at_a_stop_stays_queued
        test_what_was_queued_runs_after_the_restart_in_its_order
    f8 f9 arguments come back as their repr, or not at all
        test_arguments_come_back_as_they_were_after_a_restart
        test_a_date_and_a_set_come_back_as_what_they_were
        test_running_again_is_a_run_of_its_own_with_the_same_arguments
    f10 seven copies run at once
        test_the_manual_says_the_defaults_that_hold test_active_runs_count_after_a_restart
    f12 all history is kept in memory; a change sends the whole of it to every watcher
        test_a_start_does_not_read_the_history
        test_a_burst_of_changes_to_a_job_is_one_row_with_its_newest_state
        test_watchers_at_one_place_share_a_frame
    f13 what was cancelled in the queue runs, a thread is never let go, a bad PATCH half counts
        test_a_forced_end_does_not_wait
        test_a_thread_that_is_let_go_is_replaced_and_ends_with_its_function
        test_bad_input_is_refused_precisely
        test_cancelling_a_run_that_waits_means_it_never_runs
        test_cancelled_in_the_queue_and_while_it_ran
    f14 limits that are changed are exceeded
        test_a_limit_that_is_changed_is_kept
    f15 only its own function for logging is captured
        test_what_a_run_prints_is_its_own test_binary_output_of_a_run_is_decoded
    f16 a night that comes twice fires twice
        test_a_time_that_comes_twice_is_due_once
    f17 the manual speaks of what is not there
        test_what_the_manual_imports_is_there
        test_every_command_of_the_engine_that_the_manual_calls_is_there
        test_the_manual_lists_every_policy_and_no_other
    f18 two schedules of one function share everything
        test_two_jobs_of_one_function_do_not_know_each_other
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from defect_table import known_tests, lines_without_a_test, named_tests
from engine_kit import Kit, KitClock, World, at, due_s, running

from schedtui import Group, current_run
from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.models import (
    BulkAction,
    JobFilter,
    JobPatch,
    JobSpec,
    Overlap,
    Policies,
    Run,
    RunFilter,
    RunState,
)

YEARLY = {"type": "cron", "expression": "0 0 1 1 *"}


def test_every_test_that_the_table_names_is_there() -> None:
    assert set(named_tests(__doc__)) - known_tests() == set()
    assert lines_without_a_test(__doc__) == []


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World("sqlite", tmp_path)


class Counted:
    """A job that counts how many of its calls go on at once, and waits until it may end."""

    def __init__(self, **declared: Any) -> None:
        self.group = Group("g")
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls = 0
        self.now = 0
        self.most = 0
        if declared:
            self.group.job(**declared)(self.work)
        else:
            self.group.function()(self.work)

    async def work(self, value: object = None) -> object:
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.gate.wait()
        finally:
            self.now -= 1
        return value


async def test_a_run_that_takes_long_is_started_once() -> None:
    job = Counted(cron="1 12 * * *")
    async with running(job.group) as kit:
        job.gate.clear()
        await kit.clock.advance(60 + 400)
        assert (job.calls, job.now) == (1, 1)
        job.gate.set()
        await kit.clock.settle()
        (row,) = await kit.rows()
    assert (row.state, row.attempt, row.duration_s) == (RunState.SUCCEEDED, 1, 400)


async def test_a_new_job_waits_for_its_first_due_time(world: World) -> None:
    job = Counted()
    async with running(job.group, world=world) as kit:
        for number in range(50):
            spec = JobSpec(function="g/work", name=f"job-{number}", trigger=YEARLY)
            await kit.engine.submit_spec(spec)
        await kit.clock.advance(5)
        moment = await kit.crash()
    async with running(job.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(5)
        assert (await kit.rows(), job.calls) == ([], 0)


async def test_a_job_that_fails_misses_no_due_time() -> None:
    group = Group("g")

    @group.job(every=20, retry_delay_s=1, retry_backoff=1, retry_jitter=0, retries=1)
    async def work() -> None:
        raise ValueError("no luck")

    async with running(group) as kit:
        await kit.clock.advance(125)
        rows = await kit.rows()
    assert [due_s(run) for run in rows] == [20, 40, 60, 80, 100, 120]
    assert {(run.state, run.error, run.attempt) for run in rows} == {
        (RunState.FAILED, "no luck", 2)
    }


async def test_a_pause_lasts(world: World) -> None:
    job = Counted(every=10)
    async with running(job.group, world=world) as kit:
        await kit.engine.pause_job("g/work", reason="holidays")
        await kit.crash()
    later = KitClock(at(timedelta(days=400).total_seconds()))
    async with running(job.group, world=world, clock=later) as kit:
        await kit.clock.advance(30)
        found = await kit.client.job("g/work")
        assert (found.paused, found.pause_reason, job.calls) == (True, "holidays", 0)


async def test_a_filter_that_nothing_fits_finds_nothing() -> None:
    job = Counted(every=10)
    async with running(job.group) as kit:
        await kit.clock.advance(15)
        for where in (RunFilter(group="none"), RunFilter(job_id=99), RunFilter(group="")):
            assert (await kit.client.runs(where)).items == ()
        assert await kit.client.bulk(BulkAction.PAUSE, JobFilter(tag="nobody-has-it")) == ()
        with pytest.raises(InvalidError):
            await kit.client.bulk(BulkAction.PAUSE, JobFilter())
        assert not (await kit.client.job("g/work")).paused


async def test_the_tags_of_a_job_and_of_its_group_add_up() -> None:
    group = Group("g", tags=["grp"])

    @group.job(every=10, tags=["own"])
    async def work() -> None: ...

    async with running(group) as kit:
        assert (await kit.client.job("g/work")).tags == ("grp", "own")


async def test_deleting_while_everything_is_due_leaves_nothing() -> None:
    job = Counted()
    trigger = {"type": "every", "seconds": 1}
    async with running(job.group, async_slots=20) as kit:
        for number in range(60):
            spec = JobSpec(function="g/work", name=f"job-{number}", trigger=trigger)
            await kit.engine.submit_spec(spec)
        job.gate.clear()
        await kit.clock.advance(2.5)
        names = [f"g/job-{number}" for number in range(60)]
        await asyncio.gather(*(kit.engine.remove_job(name) for name in names))
        job.gate.set()
        await kit.clock.settle()
        calls = job.calls
        await kit.clock.advance(5)
        core = kit.running.core
        assert (job.calls, list(core.jobs), core.heap.next_us()) == (calls, [], None)
        assert core.slots.waiting == 0
        assert {run.state for run in await kit.rows()} <= {
            RunState.SUCCEEDED,
            RunState.CANCELLED,
            RunState.SKIPPED,
        }


def test_a_wrong_schedule_is_refused_where_it_is_declared() -> None:
    group = Group("g")

    async def work() -> None: ...

    for wrong in ("61 * * * *", "0 0 30 2 *", "every day", ""):
        with pytest.raises(InvalidTriggerError):
            group.job(cron=wrong)(work)


async def test_every_due_time_fires() -> None:
    job, fast = Counted(cron="* * * * *"), Counted()
    other = Group("other")
    other.job(every=1)(fast.work)
    async with running(job.group, other) as kit:
        await kit.clock.advance(600.5)
        rows = await kit.rows()
    assert (job.calls, fast.calls, len(rows)) == (10, 600, 610)
    assert {run.state for run in rows} == {RunState.SUCCEEDED}


async def test_a_one_off_job_fires_where_nothing_else_is_scheduled() -> None:
    job = Counted()
    async with running(job.group) as kit:
        await kit.clock.advance(30)
        once = {"type": "once", "at": at(60).isoformat()}
        await kit.engine.submit_spec(JobSpec(function="g/work", trigger=once))
        await kit.clock.advance(31)
    assert job.calls == 1


async def test_a_function_is_found_by_the_name_it_was_given() -> None:
    group, done = Group("g"), list[str]()

    @group.function(name="mail")
    async def send() -> None:
        done.append(current_run().job)

    async with running(group) as kit:
        await kit.engine.submit_spec(JobSpec(function="g/mail", trigger=YEARLY))
        run = await kit.engine.trigger_job("g/mail")
        await kit.clock.settle()
        await kit.engine.rerun(run.id)
        await kit.clock.settle()
    assert done == ["g/mail"] * 2


async def test_arguments_come_back_as_they_were_after_a_restart(world: World) -> None:
    job = Counted()
    value = {"text": "é\u202f日", "list": [1, 2.5, None, True], "deep": {"a": {"b": []}}}
    async with running(job.group, world=world, async_slots=1) as kit:
        spec = JobSpec(function="g/work", trigger=YEARLY, kwargs={"value": value}, tags=("x",))
        await kit.engine.submit_spec(spec)
        policies = Policies(overlap=Overlap.QUEUE_ALL)
        await kit.engine.edit_job("g/work", JobPatch(policies=policies))
        job.gate.clear()
        await kit.engine.trigger_job("g/work")
        queued = await kit.engine.trigger_job("g/work")
        assert queued.state is RunState.QUEUED
        moment = await kit.crash()
    job.gate.set()
    async with running(job.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.settle()
        run = await kit.client.run(queued.id)
        assert (run.state, run.kwargs) == (RunState.SUCCEEDED, {"value": value})
        assert (await kit.client.job("g/work")).tags == ("x",)


async def test_a_date_and_a_set_come_back_as_what_they_were(world: World) -> None:
    group, seen = Group("g"), list[object]()

    @group.function()
    async def work(day: datetime, names: set[str]) -> set[str]:
        seen.append((day, names))
        return names

    moment = at(3600)
    async with running(group, world=world, async_slots=1) as kit:
        kwargs = {"day": moment.isoformat(), "names": ["a", "b"]}
        await kit.engine.submit_spec(JobSpec(function="g/work", trigger=YEARLY, kwargs=kwargs))
        stopped = await kit.crash()
    async with running(group, world=world, clock=KitClock(stopped)) as kit:
        first = await kit.engine.trigger_job("g/work")
        await kit.clock.settle()
        await kit.engine.rerun(first.id)
        await kit.clock.settle()
        rows = await kit.rows()
    assert seen == [(moment, {"a", "b"})] * 2
    assert {run.state for run in rows} == {RunState.SUCCEEDED}


async def test_a_start_does_not_read_the_history(world: World) -> None:
    job = Counted(every=1)
    async with running(job.group, world=world) as kit:
        await kit.clock.advance(60)
        moment = await kit.crash()
    kit = Kit([job.group], world=world, clock=KitClock(moment))

    def refuse(*_: object, **__: object) -> list[Run]:
        raise AssertionError("the whole history was asked for")

    setattr(kit.store, "runs", refuse)  # noqa: B010 - a method, says mypy
    await kit.start()
    try:
        (live,) = kit.running.core.jobs
        assert (len(live.recent), live.running) == (10, {})
    finally:
        await kit.stop()


async def test_a_limit_that_is_changed_is_kept() -> None:
    job = Counted(every=1, overlap="queue_all", concurrency=3)
    async with running(job.group) as kit:
        job.gate.clear()
        await kit.clock.advance(6)
        assert (job.now, job.most) == (3, 3)
        for limit in (1, 2):
            policies = Policies(overlap=Overlap.QUEUE_ALL, concurrency=limit)
            await kit.engine.edit_job("g/work", JobPatch(policies=policies))
        job.gate.set()
        await kit.clock.settle()
        assert job.now == 0
        job.gate.clear()
        job.most = 0
        await kit.clock.advance(6)
        assert (job.now, job.most) == (2, 2)
        job.gate.set()
        await kit.clock.settle()


async def test_two_jobs_of_one_function_do_not_know_each_other() -> None:
    job = Counted()
    async with running(job.group) as kit:
        for name, seconds in (("slow", 15), ("quick", 10)):
            trigger = {"type": "every", "seconds": seconds}
            spec = JobSpec(function="g/work", name=name, trigger=trigger)
            await kit.engine.submit_spec(spec)
        await kit.engine.pause_job("g/slow")
        await kit.clock.advance(31)
        rows = await kit.rows()
        states = {row.name: row.last_state for row in (await kit.client.snapshot()).jobs}
    assert [(run.job, due_s(run)) for run in rows] == [("g/quick", n) for n in (10, 20, 30)]
    assert states == {"slow": None, "quick": RunState.SUCCEEDED}
