"""When a job runs and when not: the same for functions on the loop, in threads and in processes."""

from __future__ import annotations

import pytest
from engine_kit import KitClock, at, due_s
from policy_stage import Stage, begun

from schedtui.models import RunState, Source, WaitReason

OK, SKIPPED, MISSED = RunState.SUCCEEDED, RunState.SKIPPED, RunState.MISSED
QUEUED, RUNNING = RunState.QUEUED, RunState.RUNNING

QUICK = {"gate": False}


async def test_jitter(stage: Stage) -> None:
    async with begun(stage.job(every=100, kwargs=QUICK, jitter_s=30)) as kit:
        await kit.clock.advance(100)
        (row,) = await stage.become(kit, QUEUED)
        assert (row.wait_reason, due_s(row)) == (WaitReason.JITTER, 100)
        assert row.not_before is not None
        spread_s = (row.not_before - at(100)).total_seconds()
        assert 0 < spread_s <= 30
        await kit.clock.advance(spread_s - 0.01)
        await stage.become(kit, QUEUED)
        assert stage.began == []
        await kit.clock.advance(0.02)
        (row,) = await stage.become(kit, OK)
        assert (len(stage.began), due_s(row)) == (1, 100)


async def test_run_on_startup(stage: Stage) -> None:
    stage.job("yes", every=3_600, kwargs=QUICK, run_on_startup=True)
    stage.job("paused", every=3_600, kwargs=QUICK, run_on_startup=True, paused=True)
    stage.job("no", every=3_600, kwargs=QUICK)
    async with begun(stage) as kit:
        (row,) = await stage.become(kit, OK)
        assert (row.job, row.source, row.scheduled_for) == ("g/yes", Source.STARTUP, None)
        moment = await kit.crash()
    async with begun(stage, KitClock(moment)) as kit:
        rows = await stage.become(kit, OK, OK)
        assert [run_id for _, run_id, _ in stage.began] == [run.id for run in rows]


async def test_what_is_found_within_the_grace_runs_as_if_on_time(stage: Stage) -> None:
    stage.job("soon", every=100, kwargs=QUICK, grace_s=10)
    stage.job("strict", every=100, kwargs=QUICK, grace_s=4)
    async with begun(stage) as kit:
        await kit.clock.advance(5)
        await kit.crash()
    async with begun(stage, KitClock(at(105))) as kit:
        await kit.until(lambda: len(stage.began) == 1)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        found = {run.job: (run.state, run.source, due_s(run)) for run in await kit.rows()}
        assert found == {
            "g/soon": (OK, Source.SCHEDULE, 100),
            "g/strict": (MISSED, Source.SCHEDULE, 100),
        }
        assert [job for job, _, _ in stage.began] == ["g/soon"]


async def test_a_pause_with_an_end(stage: Stage) -> None:
    async with begun(stage.job()) as kit:
        await kit.clock.advance(11)
        await stage.at_work(kit, 1)
        await kit.engine.pause_job("g/work", reason="a move", until=at(35))
        stage.let("open")
        await stage.become(kit, OK)  # what was at work is not disturbed
        await kit.clock.advance(20)
        await stage.become(kit, OK)
        await kit.clock.advance(10)
        rows = await stage.become(kit, OK, SKIPPED, SKIPPED, OK)
        assert {run.reason for run in rows[1:3]} == {"paused by python: a move"}
        assert [run_id for _, run_id, _ in stage.began] == [rows[0].id, rows[3].id]


async def test_the_whole_engine_paused(stage: Stage) -> None:
    async with begun(stage.job(overlap="queue_all")) as kit:
        await kit.clock.advance(21)
        await stage.become(kit, RUNNING, QUEUED)
        await kit.engine.pause_engine(reason="a move", actor="ann")
        stage.let("open")
        await stage.become(kit, OK, OK)  # what was claimed goes on
        await kit.client.trigger_job("g/work")
        await stage.become(kit, OK, OK, OK)  # and so does what is asked for
        await kit.clock.advance(20)
        await stage.become(kit, OK, OK, OK)
        await kit.engine.resume_engine()
        await kit.clock.advance(10)
        rows = await stage.become(kit, OK, OK, OK, SKIPPED, SKIPPED, OK)
        assert [due_s(run) for run in rows] == [10, 20, None, 30, 40, 50]
        assert {run.reason for run in rows[3:5]} == {"engine paused by ann: a move"}
        assert len(stage.began) == 4


@pytest.mark.parametrize("ending", ["succeeds", "cancelled"])
async def test_run_once_key(stage: Stage, ending: str) -> None:
    async with begun(stage.job(overlap="allow", run_once_key="%H:%M")) as kit:
        await kit.clock.advance(11)
        await stage.at_work(kit, 1)
        await kit.clock.advance(10)
        first, second = await stage.become(kit, RUNNING, SKIPPED)
        assert second.reason == f"once per 12:00: run {first.id} is running"
        if ending == "cancelled":
            await kit.engine.cancel_run(first.id)
            await stage.become(kit, RunState.CANCELLED, SKIPPED)
            await kit.clock.advance(10)  # the period was given back
            *_, third = await stage.become(kit, RunState.CANCELLED, SKIPPED, RUNNING)
            stage.let("open")
            await stage.become(kit, RunState.CANCELLED, SKIPPED, OK)
            assert {run_id for _, run_id, _ in stage.began} == {first.id, third.id}
            return
        stage.let("open")
        await stage.become(kit, OK, SKIPPED)
        now = await kit.client.trigger_job("g/work")
        assert (now.state, now.reason) == (SKIPPED, f"once per 12:00: run {first.id} succeeded")
        await kit.clock.advance(40)
        *_, last = await stage.become(kit, OK, *[SKIPPED] * 5, OK)
        assert due_s(last) == 60
        assert [run_id for _, run_id, _ in stage.began] == [first.id, last.id]
