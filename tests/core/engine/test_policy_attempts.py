"""Retries, timeouts, lost runs, cancelling and running again, on a real engine."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import Any

import pytest
from engine_kit import KitClock, World, check, running

from schedtui import Group, current_run, log
from schedtui.errors import ConflictError
from schedtui.models import RunState, Source, WaitReason

OK, FAILED, QUEUED, RUNNING = (
    RunState.SUCCEEDED,
    RunState.FAILED,
    RunState.QUEUED,
    RunState.RUNNING,
)


class Shaky:
    """A job that fails so many times."""

    def __init__(self, fails: int, error: type[Exception] = ValueError, **policies: Any) -> None:
        self.group = Group("g")
        self.left = fails
        self.error = error
        self.attempts: list[int] = []
        self.group.job(every=3_600, **policies)(self.work)

    async def work(self) -> str:
        self.attempts.append(current_run().attempt)
        log(f"attempt {current_run().attempt}")
        if self.left:
            self.left -= 1
            raise self.error("not yet")
        return "done"


async def test_an_attempt_that_failed_is_followed_by_another_one_of_the_same_run(
    world: World,
) -> None:
    shaky = Shaky(2, retries=3, retry_delay_s=10, retry_jitter=0)
    async with running(shaky.group, world=world) as kit:
        await kit.clock.advance(3_601)
        (run,) = await kit.rows()
        assert (run.state, run.wait_reason, run.attempt) == (QUEUED, WaitReason.RETRY, 1)
        assert run.error == "not yet"
        assert run.not_before is not None
        assert 9 < (run.not_before - run.claimed_at).total_seconds() < 11
        await kit.clock.advance(8)
        assert shaky.attempts == [1]
        await kit.clock.advance(3)
        assert shaky.attempts == [1, 2]
        await kit.clock.advance(17)
        assert shaky.attempts == [1, 2]
        await kit.clock.advance(3)
        (run,) = await kit.rows()
        assert (run.state, run.attempt, run.result) == (OK, 3, '"done"')
        assert (run.error, run.traceback, run.not_before) == (None, None, None)
        ended = await kit.client.attempts(run.id)
        assert [(one.number, one.state) for one in ended] == [(1, FAILED), (2, FAILED), (3, OK)]
        page = await kit.client.logs(run.id)
        assert [(line.seq, line.attempt, line.text) for line in page.lines] == [
            (n, n, f"attempt {n}") for n in (1, 2, 3)
        ]
        await check(kit, effects=shaky.attempts)


async def test_the_last_attempt_that_fails_is_the_end(world: World) -> None:
    shaky = Shaky(9, retries=2, retry_delay_s=1)
    async with running(shaky.group, world=world) as kit:
        await kit.clock.advance(3_700)
        (run,) = await kit.rows()
        assert (run.state, run.attempt, run.error_type) == (FAILED, 3, "ValueError")
        assert shaky.attempts == [1, 2, 3]


async def test_only_what_is_named_is_worth_a_retry(world: World) -> None:
    named = Shaky(1, ConnectionResetError, retries=2, retry_on=[ConnectionError, "KeyError"])
    async with running(named.group, world=world) as kit:
        await kit.clock.advance(3_610)
        assert named.attempts == [1, 2]  # a base class counts
        named.left, named.error = 1, ValueError
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(100)
        assert named.attempts == [1, 2, 1]


async def test_a_delay_alone_means_three_retries(world: World) -> None:
    shaky = Shaky(9, retry_delay_s=1)
    async with running(shaky.group, world=world) as kit:
        await kit.clock.advance(3_700)
        assert shaky.attempts == [1, 2, 3, 4]


async def test_a_run_that_waits_for_a_retry_is_active(world: World) -> None:
    shaky = Shaky(9, retries=1, retry_delay_s=100)
    async with running(shaky.group, world=world) as kit:
        first = await kit.client.trigger_job("g/work")
        await kit.clock.advance(1)
        second = await kit.client.trigger_job("g/work")
        assert second.reason == f"overlap: run {first.id} is still active"


async def test_a_retry_is_due_after_a_crash_when_it_was_before(world: World) -> None:
    shaky = Shaky(1, retries=1, retry_delay_s=50, retry_jitter=0)
    async with running(shaky.group, world=world) as kit:
        await kit.clock.advance(3_601)
        moment = await kit.crash()
    async with running(shaky.group, world=world, clock=KitClock(moment)) as kit:
        await kit.clock.advance(40)
        assert shaky.attempts == [1]
        await kit.clock.advance(10)
        (run,) = await kit.rows()
        assert (run.state, run.attempt) == (OK, 2)
        page = await kit.client.logs(run.id)
        assert [line.text for line in page.lines][-1] == "attempt 2"


async def test_a_step_of_the_clock_does_not_move_a_retry(world: World) -> None:
    shaky = Shaky(1, retries=1, retry_delay_s=50, retry_jitter=0)
    async with running(shaky.group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(1)
        kit.clock.step(-7_200)
        await kit.clock.advance(45)
        assert shaky.attempts == [1]
        await kit.clock.advance(6)
        assert shaky.attempts == [1, 2]


async def test_a_timeout_ends_an_async_function(world: World) -> None:
    group = Group("g")
    seen: list[str] = []

    @group.job(every=3_600, timeout_s=5)
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(4)
        assert [run.state for run in await kit.rows()] == [RUNNING]
        await kit.clock.advance(2)
        (run,) = await kit.rows()
        assert (run.state, run.reason) == (
            RunState.TIMED_OUT,
            "ran longer than its timeout of 5 s",
        )
        assert seen == ["cancelled"]


async def test_a_timeout_is_for_each_attempt_and_worth_a_retry(world: World) -> None:
    group = Group("g")
    tries: list[int] = []

    @group.job(every=3_600, timeout_s=5, retries=1, retry_delay_s=1, retry_on=[TimeoutError])
    async def work() -> None:
        tries.append(current_run().attempt)
        if current_run().attempt == 1:
            await asyncio.Event().wait()

    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(20)
        (run,) = await kit.rows()
        assert (run.state, tries) == (OK, [1, 2])
        ended = await kit.client.attempts(run.id)
        assert [one.state for one in ended] == [RunState.TIMED_OUT, OK]


async def test_a_coroutine_that_does_not_end_when_asked_is_given_up(world: World) -> None:
    group = Group("g")
    stubborn = asyncio.Event()

    @group.job(every=3_600, timeout_s=5)
    async def work() -> None:
        while not stubborn.is_set():
            try:
                await stubborn.wait()
            except asyncio.CancelledError:
                continue

    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.advance(8)
        (run,) = await kit.rows()
        assert run.state is RunState.TIMED_OUT
        assert "may still be at work" in run.reason
        pool = kit.running.core.pools["async"]
        assert pool.free == pool.executor.slots
        stubborn.set()
        await kit.clock.settle()
        assert [run.state for run in await kit.rows()] == [RunState.TIMED_OUT]


@pytest.mark.parametrize("kind", ["async", "thread"])
async def test_an_attempt_that_was_given_up_does_not_touch_the_next_one(
    world: World, kind: str
) -> None:
    group = Group("g")
    stubborn = threading.Event()
    tries: list[int] = []

    async def coroutine() -> str:
        tries.append(current_run().attempt)
        while current_run().attempt == 1 and not stubborn.is_set():
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                continue
        return "done"

    def function() -> str:
        tries.append(current_run().attempt)
        if current_run().attempt == 1:
            stubborn.wait(20)
        return "done"

    work = coroutine if kind == "async" else function
    group.job(every=3_600, timeout_s=5, retries=1, retry_delay_s=1, name="work")(work)
    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.until(lambda: tries == [1])
        await kit.clock.advance(6)
        await kit.clock.advance(6)
        await kit.until(lambda: tries == [1, 2])
        await kit.clock.settle()
        (run,) = await kit.rows()
        assert (run.state, run.attempt) == (OK, 2)
        stubborn.set()
        await kit.clock.settle()
        assert (await kit.rows())[0] == run
        pool = kit.running.core.pools[kind]
        assert (pool.free, pool.claimed) == (pool.executor.slots, 0)
        await kit.client.trigger_job("g/work")
        await kit.until(lambda: len(tries) > 2)


@pytest.mark.parametrize("on_lost", ["ignore", "rerun"])
async def test_a_run_whose_engine_died(world: World, on_lost: str) -> None:
    group = Group("g")
    tries: list[int] = []
    gate = asyncio.Event()

    @group.job(every=3_600, on_lost=on_lost)
    async def work() -> None:
        tries.append(current_run().attempt)
        await gate.wait()

    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        moment = await kit.crash()
    for life in range(3):
        async with running(group, world=world, clock=KitClock(moment)) as kit:
            await kit.clock.settle()
            (run,) = await kit.rows()
            if on_lost == "ignore" or life == 2:
                assert run.state is RunState.LOST
                break
            assert (run.state, run.attempt) == (RUNNING, life + 2)
            moment = await kit.crash()
    assert tries == ([1] if on_lost == "ignore" else [1, 2, 3])


async def test_cancelling_a_run_that_waits_means_it_never_runs(world: World) -> None:
    shaky = Shaky(1, retries=1, retry_delay_s=50)
    async with running(shaky.group, world=world) as kit:
        run = await kit.client.trigger_job("g/work")
        await kit.clock.advance(1)
        await kit.engine.cancel_run(run.id, reason="enough")
        await kit.clock.advance(100)
        (row,) = await kit.rows()
        assert (row.state, row.reason) == (RunState.CANCELLED, "cancelled by python: enough")
        assert shaky.attempts == [1]
        with pytest.raises(ConflictError, match="has ended already"):
            await kit.engine.cancel_run(run.id)
        live = kit.running.core.jobs.named("g/work")
        assert (live.active, live.holders, kit.running.core.slots.waiting) == (0, 0, 0)


async def test_a_cancelled_run_is_not_retried(world: World) -> None:
    group = Group("g")

    @group.job(every=3_600, retries=5)
    async def work() -> None:
        await asyncio.Event().wait()

    async with running(group, world=world) as kit:
        run = await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        await kit.engine.cancel_run(run.id)
        await kit.clock.settle()
        (row,) = await kit.rows()
        assert (row.state, row.attempt) == (RunState.CANCELLED, 1)


async def test_running_again_is_a_run_of_its_own_with_the_same_arguments(world: World) -> None:
    group = Group("g")
    seen: list[int] = []

    @group.job(every=3_600, kwargs={"n": 1})
    async def work(n: int) -> None:
        seen.append(n)

    async with running(group, world=world) as kit:
        first = await kit.client.trigger_job("g/work", kwargs={"n": 7})
        await kit.clock.settle()
        again = await kit.engine.rerun(first.id)
        await kit.clock.settle()
        assert (again.source, again.parent_id, again.kwargs) == (Source.RERUN, first.id, {"n": 7})
        assert seen == [7, 7]


async def test_failures_in_a_row_pause_the_job_and_a_resume_forgives(world: World) -> None:
    shaky = Shaky(3, pause_after_failures=3)
    async with running(shaky.group, world=world) as kit:
        for _ in range(2):
            await kit.client.trigger_job("g/work")
            await kit.clock.settle()
        moment = await kit.crash()
    async with running(shaky.group, world=world, clock=KitClock(moment)) as kit:
        assert (await kit.client.job("g/work")).failures == 2
        run = await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        job = await kit.client.job("g/work")
        assert (job.paused, job.paused_by) == (True, "engine")
        assert job.pause_reason == f"3 runs failed in a row; the last one, run {run.id}, failed"
        await kit.client.resume_job("g/work")
        assert (await kit.client.job("g/work")).failures == 0


async def test_success_begins_the_count_anew(world: World) -> None:
    shaky = Shaky(2, pause_after_failures=3)
    async with running(shaky.group, world=world) as kit:
        for _ in range(3):
            await kit.client.trigger_job("g/work")
            await kit.clock.settle()
        job = await kit.client.job("g/work")
        assert (job.paused, job.failures) == (False, 0)


async def test_health_tells_of_functions_that_were_given_up(world: World) -> None:
    group = Group("g")
    end = threading.Event()

    @group.job(every=3_600, timeout_s=5)
    def work() -> None:
        end.wait(20)

    async with running(group, world=world) as kit:
        await kit.client.trigger_job("g/work")
        await kit.until(lambda: bool(kit.running.supervisor.running))
        await kit.clock.advance(6)
        info = await kit.client.info()
        assert info.problems == ("1 thread function that was given up is still at work",)
        assert info.given_up == {"thread": 1}
        end.set()
        await kit.until(lambda: not kit.running.info().problems)
        assert kit.running.info().given_up == {}


async def test_no_delay_goes_over_its_cap_however_it_is_varied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _, high: high)
    shaky = Shaky(1, retries=1, retry_delay_s=50, retry_max_delay_s=50, retry_jitter=1)
    async with running(shaky.group) as kit:
        await kit.clock.advance(3_601)
        (run,) = await kit.rows()
        assert run.not_before is not None
        assert (run.not_before - run.claimed_at).total_seconds() == pytest.approx(50, abs=0.1)
        await kit.clock.advance(51)
        assert shaky.attempts == [1, 2]
