"""The same policies for functions on the loop, in threads and in processes of their own."""

from __future__ import annotations

import pytest
from engine_kit import KitClock, at, due_s
from policy_stage import Stage, begun

from schedtui.errors import ConflictError
from schedtui.models import JobState, RunState, Source, WaitReason

OK, FAILED, SKIPPED, MISSED = (
    RunState.SUCCEEDED,
    RunState.FAILED,
    RunState.SKIPPED,
    RunState.MISSED,
)
QUEUED, RUNNING, CANCELLED = RunState.QUEUED, RunState.RUNNING, RunState.CANCELLED
TIMED_OUT, LOST = RunState.TIMED_OUT, RunState.LOST


# --- overlap and concurrency ----------------------------------------------------------------------


async def test_skip(stage: Stage) -> None:
    async with begun(stage.job(overlap="skip")) as kit:
        await kit.clock.advance(11)
        await stage.at_work(kit, 1)
        await kit.clock.advance(10)
        rows = await stage.become(kit, RUNNING, SKIPPED)
        assert rows[1].reason == f"overlap: run {rows[0].id} is still active"
        stage.let("open")
        await stage.become(kit, OK, SKIPPED)
        assert len(stage.began) == 1


async def test_queue_one(stage: Stage) -> None:
    async with begun(stage.job(overlap="queue_one")) as kit:
        await kit.clock.advance(41)
        first, second, *_ = await stage.become(kit, RUNNING, QUEUED, SKIPPED, SKIPPED)
        assert second.wait_reason is WaitReason.OVERLAP
        stage.let(f"go-{first.id}")
        await stage.become(kit, OK, RUNNING, SKIPPED, SKIPPED)
        stage.let(f"go-{second.id}")
        await stage.become(kit, OK, OK, SKIPPED, SKIPPED)
        assert stage.most == 1


async def test_queue_all(stage: Stage) -> None:
    async with begun(stage.job(overlap="queue_all")) as kit:
        await kit.clock.advance(41)
        rows = await stage.become(kit, RUNNING, QUEUED, QUEUED, QUEUED)
        stage.let("open")
        await stage.become(kit, OK, OK, OK, OK)
        assert [run_id for _, run_id, _ in stage.began] == [run.id for run in rows]
        assert stage.most == 1


async def test_cancel_running(stage: Stage) -> None:
    async with begun(stage.job(overlap="cancel_running")) as kit:
        await kit.clock.advance(11)
        await stage.at_work(kit, 1)
        await kit.clock.advance(10)
        first, second = await stage.become(kit, CANCELLED, RUNNING)
        assert first.reason == f"run {second.id} takes its place"
        stage.let("open")
        await stage.become(kit, CANCELLED, OK)
        assert stage.most == 1


async def test_allow(stage: Stage) -> None:
    async with begun(stage.job(overlap="allow")) as kit:
        await kit.clock.advance(31)
        await stage.at_work(kit, 3)
        assert stage.most == 3
        await kit.clock.advance(10)
        *_, last = await stage.become(kit, RUNNING, RUNNING, RUNNING, QUEUED)
        assert last.wait_reason is WaitReason.SLOT  # only the executor is full
        stage.let("open")
        await stage.become(kit, OK, OK, OK, OK)


@pytest.mark.parametrize("overlap", ["skip", "queue_all"])
async def test_concurrency(stage: Stage, overlap: str) -> None:
    async with begun(stage.job(overlap=overlap, concurrency=2)) as kit:
        await kit.clock.advance(31)
        third = SKIPPED if overlap == "skip" else QUEUED
        await stage.become(kit, RUNNING, RUNNING, third)
        await stage.at_work(kit, 2)
        stage.let("open")
        await stage.become(kit, OK, OK, SKIPPED if overlap == "skip" else OK)
        assert stage.most == 2


# --- attempts -------------------------------------------------------------------------------------


async def test_retries(stage: Stage) -> None:
    given = {"fails": 2, "gate": False}
    stage.job(every=3_600, kwargs=given, retries=3, retry_delay_s=10, retry_jitter=0)
    async with begun(stage) as kit:
        run = await kit.client.trigger_job("g/work")
        (row,) = await stage.become(kit, QUEUED)
        assert (row.wait_reason, row.attempt, row.error_type) == (
            WaitReason.RETRY,
            1,
            "ValueError",
        )
        await kit.clock.advance(8)
        assert len(stage.began) == 1
        await kit.clock.advance(3)
        await stage.at_work(kit, 2)
        await stage.become(kit, QUEUED)
        await kit.clock.advance(21)
        (row,) = await stage.become(kit, OK)
        assert stage.began == [("g/work", run.id, number) for number in (1, 2, 3)]
        ended = await kit.client.attempts(run.id)
        assert [one.state for one in ended] == [FAILED, FAILED, OK]


@pytest.mark.parametrize(("error", "attempts"), [("reset", 2), ("value", 1)])
async def test_retry_on(stage: Stage, error: str, attempts: int) -> None:
    given = {"fails": 1, "error": error, "gate": False}
    stage.job(every=3_600, kwargs=given, retries=1, retry_delay_s=0, retry_on=[ConnectionError])
    async with begun(stage) as kit:
        await kit.client.trigger_job("g/work")
        await stage.become(kit, OK if attempts == 2 else FAILED)
        assert [attempt for *_, attempt in stage.began] == list(range(1, attempts + 1))


async def test_timeout_of_each_attempt(stage: Stage) -> None:
    stage.job(every=3_600, timeout_s=5, retries=1, retry_delay_s=1, retry_on=[TimeoutError])
    async with begun(stage) as kit:
        run = await kit.client.trigger_job("g/work")
        await stage.at_work(kit, 1)
        await kit.clock.advance(4)
        await stage.become(kit, RUNNING)
        await kit.clock.advance(1.5)
        await stage.become(kit, QUEUED)
        await kit.clock.advance(2)
        await stage.at_work(kit, 2)
        await kit.clock.advance(5)
        (row,) = await stage.become(kit, TIMED_OUT)
        assert row.reason.startswith("ran longer than its timeout of 5 s")
        # A thread need not look whether it is asked to end, so that nobody waits for that.
        assert row.reason.endswith("may still be at work") == (stage.kind == "thread")
        ended = await kit.client.attempts(run.id)
        assert [one.state for one in ended] == [TIMED_OUT, TIMED_OUT]


async def test_a_queued_run_that_is_cancelled_never_executes(stage: Stage) -> None:
    async with begun(stage.job(overlap="queue_all")) as kit:
        await kit.clock.advance(21)
        first, second = await stage.become(kit, RUNNING, QUEUED)
        await kit.engine.cancel_run(second.id, reason="enough")
        rows = await stage.become(kit, RUNNING, CANCELLED)
        assert rows[1].reason == "cancelled by python: enough"
        stage.let("open")
        await stage.become(kit, OK, CANCELLED)
        assert {run_id for _, run_id, _ in stage.began} == {first.id}


@pytest.mark.parametrize("force", [False, True])
async def test_a_running_one_is_asked_to_end(stage: Stage, force: bool) -> None:
    async with begun(stage.job(every=3_600, retries=5)) as kit:
        run = await kit.client.trigger_job("g/work")
        await stage.at_work(kit, 1)
        await kit.engine.cancel_run(run.id, force=force)
        (row,) = await stage.become(kit, CANCELLED)
        assert row.attempt == 1
        with pytest.raises(ConflictError, match="has ended already"):
            await kit.engine.cancel_run(run.id)
        # Another one finds its slot, and its job idle.
        again = await kit.client.trigger_job("g/work")
        await kit.until(lambda: ("g/work", again.id, 1) in stage.began)


@pytest.mark.parametrize("on_lost", ["ignore", "rerun"])
async def test_on_lost(stage: Stage, on_lost: str) -> None:
    stage.job(every=3_600, on_lost=on_lost)
    async with begun(stage) as kit:
        run = await kit.client.trigger_job("g/work")
        await stage.at_work(kit, 1)
        moment = await kit.crash()
        stage.let(f"go-{run.id}-1")  # what a thread is left with
    stage.hold("open")
    async with begun(stage, KitClock(moment)) as kit:
        if on_lost == "ignore":
            await stage.become(kit, LOST)
            assert len(stage.began) == 1
        else:
            await stage.become(kit, RUNNING)
            await stage.at_work(kit, 2)
            stage.let("open")
            (row,) = await stage.become(kit, OK)
            assert (row.id, row.attempt) == (run.id, 2)


async def test_pause_after_failures(stage: Stage) -> None:
    stage.job(kwargs={"fails": 9, "gate": False}, pause_after_failures=2)
    async with begun(stage) as kit:
        await kit.clock.advance(11)
        await stage.become(kit, FAILED)
        await kit.clock.advance(10)
        await stage.become(kit, FAILED, FAILED)
        await kit.until(lambda: kit.running.core.jobs.named("g/work").job.paused)
        await kit.clock.advance(30)
        await stage.become(kit, FAILED, FAILED)
        job = await kit.client.job("g/work")
        assert (job.paused_by, job.failures) == ("engine", 2)
        assert job.pause_reason.startswith("2 runs failed in a row")


# --- the schedule ---------------------------------------------------------------------------------


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
async def test_catch_up(stage: Stage, catch_up: str) -> None:
    stage.job(every=100, kwargs={"gate": False}, catch_up=catch_up, catch_up_limit=2)
    async with begun(stage) as kit:
        await kit.clock.advance(5)
        await kit.crash()
    async with begun(stage, KitClock(at(480))) as kit:
        runs = {"skip": 0, "latest": 1, "all": 2}[catch_up]
        rows = await stage.become(kit, *[MISSED] * (4 - runs), *[OK] * runs)
        assert [due_s(run) for run in rows] == [100, 200, 300, 400]
        assert {run.source for run in rows if run.state is OK} <= {Source.CATCHUP}
        assert [run_id for _, run_id, _ in stage.began] == [run.id for run in rows[4 - runs :]]
        assert stage.most == min(runs, 1)


async def test_what_waits_for_a_pool_goes_by_priority(stage: Stage) -> None:
    stage.job("first", every=50, pool="db")
    for name, priority in (("low", -5), ("plain", 0), ("high", 5)):
        stage.job(name, every=60, pool="db", priority=priority)
    async with begun(stage, pools={"db": 1}) as kit:
        await kit.clock.advance(61)
        rows = await stage.become(kit, RUNNING, QUEUED, QUEUED, QUEUED)
        assert {run.wait_reason for run in rows[1:]} == {WaitReason.POOL}
        stage.let("open")
        await stage.become(kit, OK, OK, OK, OK)
        assert [job for job, _, _ in stage.began] == ["g/first", "g/high", "g/plain", "g/low"]
        assert stage.most == 1


async def test_what_waits_for_a_slot_goes_by_priority(stage: Stage) -> None:
    stage.job("first", every=50)
    for name, priority in (("low", -5), ("high", 5)):
        stage.job(name, every=60, priority=priority)
    async with begun(stage, async_slots=1, threads=1, processes=1) as kit:
        await kit.clock.advance(61)
        rows = await stage.become(kit, RUNNING, QUEUED, QUEUED)
        assert {run.wait_reason for run in rows[1:]} == {WaitReason.SLOT}
        stage.let("open")
        await stage.become(kit, OK, OK, OK)
        assert [job for job, _, _ in stage.began] == ["g/first", "g/high", "g/low"]


async def test_start_within(stage: Stage) -> None:
    stage.job(every=3_600, start_within_s=30, overlap="queue_all")
    async with begun(stage) as kit:
        first = await kit.client.trigger_job("g/work")
        await kit.client.trigger_job("g/work")
        await stage.at_work(kit, 1)
        await kit.clock.advance(29)
        await stage.become(kit, RUNNING, QUEUED)
        await kit.clock.advance(3)
        rows = await stage.become(kit, RUNNING, MISSED)
        assert rows[1].reason == "waited past start_within_s=30 for its start"
        stage.let("open")
        await stage.become(kit, OK, MISSED)
        assert [run_id for _, run_id, _ in stage.began] == [first.id]


async def test_max_runs(stage: Stage) -> None:
    stage.job(kwargs={"gate": False}, max_runs=2)
    async with begun(stage) as kit:
        await kit.clock.advance(11)
        await stage.become(kit, OK)
        await kit.clock.advance(10)
        await stage.become(kit, OK, OK)
        await kit.clock.advance(40)
        await stage.become(kit, OK, OK)
        assert kit.running.core.jobs.named("g/work").state is JobState.FINISHED
        assert len(stage.began) == 2
