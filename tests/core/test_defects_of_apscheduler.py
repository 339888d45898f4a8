"""Each defect of APScheduler 3.11.3 that was measured, and the tests that show ours has it not.

::

    a commit for each job and each firing; the loop is frozen while a store is slow
        test_all_that_is_due_in_a_tick_is_one_transaction
        test_the_loop_goes_on_while_the_store_is_slow test_readers_do_not_wait_for_the_writer
    an unknown executor, or a function that cannot be resolved, deletes the job
        test_a_function_that_vanished_fails_the_runs_of_its_jobs_and_the_jobs_stay
    jobs that cannot be restored are deleted when they are read
        test_an_unreadable_trigger_is_broken_and_not_paused
        test_a_damaged_run_does_not_stop_the_start
    what a store in memory gives out is its own object
        test_what_is_read_does_not_change_the_job
        test_what_a_run_does_to_its_arguments_the_next_one_does_not_see
    runs are counted in memory only, by process
        test_a_queued_run_counts_as_active_for_overlap test_active_runs_count_after_a_restart
    one-off jobs leave entries behind
        test_one_off_jobs_leave_nothing_behind
    the grace is one second, and is judged again where a run waited for a worker
        test_the_manual_says_the_defaults_that_hold
        test_a_queued_run_is_not_judged_again_when_it_gets_its_slot
    what is coalesced is not told
        test_a_long_outage_is_misfire_and_range test_catch_up_latest_runs_only_the_newest
    every missed due time is listed: 2.6 million of them after a month
        test_a_month_without_an_engine_costs_a_hundred_rows
        test_a_month_of_seconds_is_counted_and_its_newest_are_listed
    a crash runs a due time again, or loses it without a trace
        test_a_kill_during_a_firing test_a_kill_in_each_window_around_a_commit
        test_a_kill_inside_of_the_function
    one exception ends the thread that fires
        test_a_trigger_that_raises_is_a_row_and_a_problem_and_not_the_end
        test_whatever_the_tick_raises_it_goes_on
        test_a_claim_that_fails_is_tried_again_with_the_same_due_time
    a step of the clock is slept through, or stalls intervals
        test_forward_finds_what_was_jumped_over_late
        test_back_intervals_and_wildcards_follow_and_fixed_times_do_not_repeat
        test_the_sleep_is_capped_at_a_second
    crontabs are read in the machine's zone, with other weekdays, and lose nights of a clock change
        test_the_zone_of_the_machine_plays_no_part test_weekdays_are_numbered_as_in_a_crontab
        test_the_midnight_after_the_clock_is_set_forward_is_not_lost
        test_no_instant_twice_and_none_that_does_not_exist
    jitter adds up, and a run by hand shifts the interval
        test_jitter_moves_the_start_and_not_the_due_time
        test_a_manual_run_has_no_due_time_and_does_not_move_the_schedule
    a pause is a missing time without a reason; a job that is resumed fires for the past
        test_pause_and_resume_are_idempotent_and_say_why
        test_a_resumed_job_does_not_fire_for_the_past
    events have no run and come in no order
        test_nothing_is_told_twice_and_nothing_is_left_out
        test_run_ids_grow_and_are_not_used_again_after_a_restart
        test_the_row_says_running_before_the_function_starts
    a shutdown deadlocks with a job that calls the scheduler
        test_a_stop_does_not_wait_for_a_job_that_asks_the_engine test_a_job_may_stop_its_own_engine
        test_closing_from_its_own_loop_is_refused_and_not_a_deadlock
    an object whose call is a coroutine is said to have run, and has not
        test_an_object_whose_call_is_a_coroutine_really_runs
    a shutdown that is to wait cancels; cancelling looks like an error
        test_the_grace_lets_runs_finish
        test_after_the_grace_async_runs_are_cancelled_with_the_reason
    a combination that never meets loops for ever
        test_all_of_what_never_meets_ends_and_is_refused
        test_an_and_trigger_ends_because_it_becomes_an_all_of
    a trigger that is slow or hangs holds the loop, and with it every job
        test_others_fire_while_it_is_asked_and_its_due_times_stay_exact
        test_one_that_never_answers_is_left_behind
    whoever writes to the store, or to the API, has code executed
        test_nothing_is_unpickled test_no_function_is_imported_by_its_name
    no timeout and no cancel; a run that hangs blocks its job
        test_a_timeout_ends_an_async_function test_cancelled_in_the_queue_and_while_it_ran
        test_a_forced_end_does_not_wait
    the pause of the whole scheduler is forgotten with the process
        test_it_outlives_a_crash
    each wake-up is a pass over the store
        test_many_wakeups_before_a_turn_are_one_tick
    without coalescing, all due times run inside of one submission
        test_catching_up_with_all_runs_the_newest_ones_in_turn
    functions share the default pool of the loop with everything else
        test_functions_that_sit_in_to_thread_take_nothing_from_the_engine
    an interval of a day moves with the clocks of its zone
        test_an_interval_knows_no_daylight_saving
    a pool that is broken tells nobody
        test_a_worker_that_dies_is_a_failed_run_that_says_how
    two edits at once: the first is lost
        test_an_edit_from_an_old_version_is_refused_and_changes_nothing
    a shared store runs everything twice
        test_a_second_engine_on_the_store_is_refused
        test_the_unique_key_stops_a_second_row_of_one_due_time
"""

from __future__ import annotations

import ast
import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from defect_table import known_tests, lines_without_a_test, named_tests
from engine_kit import KitClock, World, at, running

import schedtui
from schedtui import Engine, Group
from schedtui.errors import EngineStoppedError, FunctionNotFoundError, InvalidError
from schedtui.models import JobSpec, RunState
from schedtui.protocols import StoreTx


def test_every_test_that_the_table_names_is_there() -> None:
    assert set(named_tests(__doc__)) - known_tests() == set()
    assert lines_without_a_test(__doc__) == []


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World("sqlite", tmp_path)


def once(after_s: float, **changed: Any) -> JobSpec:
    trigger = {"type": "once", "at": at(after_s).isoformat()}
    return JobSpec(**{"function": "g/work", "trigger": trigger, **changed})


def worker(**declared: Any) -> tuple[Group, asyncio.Event, list[object]]:
    """A group with a function ``work`` that waits for the event, and the arguments of its calls."""
    group, gate, calls = Group("g"), asyncio.Event(), list[object]()
    gate.set()

    async def work(value: object = None) -> None:
        calls.append(value)
        await gate.wait()

    (group.job(**declared) if declared else group.function())(work)
    return group, gate, calls


async def test_the_loop_goes_on_while_the_store_is_slow(world: World) -> None:
    group, _, calls = worker(every=10)
    began, let_go = threading.Event(), threading.Event()

    def slow(_: StoreTx) -> bool:
        began.set()
        return let_go.wait(5)

    async with running(group, world=world) as kit:
        kit.hung = True
        writing = asyncio.create_task(kit.running.writes.write(slow))
        await kit.until(began.is_set)
        await kit.clock.advance(11)
        assert [job.name for job in (await kit.client.snapshot()).jobs] == ["work"]
        assert (await kit.client.runs()).items == ()
        let_go.set()
        assert await writing
        kit.hung = False
        await kit.clock.settle()
        assert len(calls) == 1


async def test_what_is_read_does_not_change_the_job() -> None:
    group, _, calls = worker()
    async with running(group) as kit:
        made = await kit.engine.submit_spec(once(10, kwargs={"value": {"a": 1}}))
        for job in (made, await kit.client.job("g/work")):
            assert isinstance(job.kwargs, dict)
            job.kwargs["value"]["a"] = 2
        await kit.clock.advance(11)
    assert calls == [{"a": 1}]


async def test_what_a_run_does_to_its_arguments_the_next_one_does_not_see() -> None:
    group, seen = Group("g"), list[object]()

    @group.job(every=10, kwargs={"value": {"list": [1]}}, retries=1, retry_delay_s=1)
    async def work(value: Any) -> None:
        seen.append([*value["list"]])
        value["list"].append(2)
        raise ValueError("again")

    async with running(group) as kit:
        await kit.clock.advance(25)
        rows = await kit.rows()
    assert seen == [[1]] * 4
    assert [run.kwargs for run in rows] == [{"value": {"list": [1]}}] * 2


async def test_active_runs_count_after_a_restart(world: World) -> None:
    group, gate, calls = worker(every=10, overlap="queue_one")
    async with running(group, world=world) as kit:
        gate.clear()
        await kit.clock.advance(21)
        moment = await kit.crash()
    async with running(group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(40)
        states = [run.state for run in await kit.rows()]
    # The one that was queued runs now, so that one more may wait and the others are skipped.
    lost, running_now, queued, *skipped = states
    assert (lost, running_now, queued) == (RunState.LOST, RunState.RUNNING, RunState.QUEUED)
    assert set(skipped) == {RunState.SKIPPED}
    assert len(calls) == 2


async def test_one_off_jobs_leave_nothing_behind() -> None:
    group, _, calls = worker()
    async with running(group) as kit:
        for number in range(100):
            await kit.engine.submit_spec(once(5, name=f"job-{number}"))
        await kit.clock.advance(10)
        core = kit.running.core
        left = [(job.active, job.holders, job.running, job.waiting.size) for job in core.jobs]
        assert all(pool.free == pool.executor.slots for pool in core.pools.values())
        assert core.heap.next_us() is None
    assert left == [(0, 0, {}, 0)] * 100
    assert len(calls) == 100


async def test_a_month_without_an_engine_costs_a_hundred_rows(world: World) -> None:
    group, _, _ = worker(every=1)
    async with running(group, world=world) as kit:
        await kit.crash()
    month_s = timedelta(days=30).total_seconds()
    async with running(group, world=world, clock=KitClock(at(month_s))) as kit:
        await kit.clock.settle()
        rows = await kit.rows()
    (stretch,) = [run for run in rows if run.range_count]
    assert len(rows) == 101
    assert stretch.range_count == month_s - 100


async def test_a_resumed_job_does_not_fire_for_the_past(world: World) -> None:
    group, _, calls = worker()
    async with running(group, world=world) as kit:
        await kit.engine.submit_spec(once(10))
        await kit.engine.pause_job("g/work", reason="holidays", actor="ann")
        await kit.clock.advance(30)
        await kit.engine.resume_job("g/work")
        await kit.clock.advance(30)
        (row,) = await kit.rows()
    assert (row.state, row.reason) == (RunState.SKIPPED, "paused by ann: holidays")
    assert calls == []


def test_a_stop_does_not_wait_for_a_job_that_asks_the_engine() -> None:
    group, begun, stopping = Group("g"), threading.Event(), threading.Event()
    told: list[str] = []

    @group.function()
    def work() -> None:
        begun.set()
        stopping.wait(10)
        try:
            engine.sync.trigger_job("g/work")
        except EngineStoppedError as error:
            told.append(str(error))

    engine = Engine(groups=[group], store="memory://").run_in_thread()
    engine.sync.create_job(function="g/work", trigger={"type": "never"})
    engine.sync.trigger_job("g/work")
    assert begun.wait(10)
    watching = engine.running
    closing = threading.Thread(target=engine.close)
    closing.start()
    while not watching.stopping:
        begun.wait(0.001)
    stopping.set()
    closing.join(10)
    assert not closing.is_alive()
    assert told == ["the engine is stopping; nothing was done"]


async def test_an_object_whose_call_is_a_coroutine_really_runs() -> None:
    group, done = Group("g"), list[str]()

    class Work:
        __name__ = "work"

        async def __call__(self) -> str:
            await asyncio.sleep(0)
            done.append("ran")
            return "ran"

    group.function(name="work")(Work())
    async with running(group) as kit:
        await kit.engine.submit_spec(once(5))
        await kit.clock.advance(6)
        (row,) = await kit.rows()
    assert (row.state, row.result, done) == (RunState.SUCCEEDED, '"ran"', ["ran"])


@pytest.mark.parametrize(
    "name", ["os:getcwd", "os/getcwd", "os.getcwd", "g/os.getcwd", "g/__init__"]
)
async def test_no_function_is_imported_by_its_name(name: str) -> None:
    group, _, _ = worker()
    async with running(group) as kit:
        with pytest.raises((FunctionNotFoundError, InvalidError)):
            await kit.engine.submit_spec(once(5, function=name))
        assert list(kit.running.core.jobs) == []


def test_nothing_is_unpickled() -> None:
    root = Path(schedtui.__file__).parent
    forbidden = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle"}
    found = set()
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found |= {(file.name, name) for name in names if name.split(".")[0] in forbidden}
    assert found == set()
