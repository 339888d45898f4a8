"""Backfills while the engine or the job is paused: nothing runs that the schedule runs too."""

from __future__ import annotations

import pytest
from engine_kit import Kit, KitClock, Worker, World, at, check, due_s

from schedtui.models import JobPatch, RunState, Source

ALL = {"catch_up": "all", "overlap": "queue_all"}


async def halted(world: World, worker: Worker) -> Kit:
    """An engine that was killed at 15 and is paused from 75 on, before it decides anything."""
    kit = await Kit([worker.group], world=world).start()
    await kit.clock.advance(15)
    clock = KitClock(await kit.crash())
    clock.step(60)
    after = Kit([worker.group], world=world, clock=clock)
    after.engine.start_paused = True
    await after.start()
    return after


async def test_what_the_end_of_the_pause_runs_is_active(world: World) -> None:
    worker = Worker(**ALL)
    kit = await halted(world, worker)
    answer = await kit.engine.backfill_job("g/work", at(5), at(60))
    assert (answer.queued, answer.succeeded, answer.active) == (0, 1, 4)
    await kit.clock.advance(5)
    await kit.engine.resume_engine()
    await kit.clock.advance(11)
    assert worker.done == [10, 20, 30, 40, 50, 60, 70, 90]
    await check(kit, effects=worker.done)
    await kit.stop()


async def test_what_was_due_in_the_pause_is_backfilled_and_not_run_again(world: World) -> None:
    worker = Worker(**ALL)
    kit = await halted(world, worker)
    await kit.clock.advance(20)
    answer = await kit.engine.backfill_job("g/work", at(65), at(95))
    assert (answer.queued, answer.active) == (2, 1)
    await kit.clock.advance(1)
    assert worker.done == [10, 80, 90]
    await kit.engine.resume_engine()
    await kit.clock.advance(1)
    assert sorted(worker.done) == list(range(10, 100, 10))
    await check(kit, effects=worker.done)
    await kit.stop()


async def test_a_paused_job_runs_none_of_them_later(world: World) -> None:
    worker = Worker(**ALL)
    kit = await halted(world, worker)
    await kit.client.pause_job("g/work", reason="look")
    await kit.clock.advance(10)
    answer = await kit.engine.backfill_job("g/work", at(15), at(85))
    assert (answer.queued, answer.active) == (7, 0)
    await kit.engine.resume_engine()
    await kit.client.resume_job("g/work")
    await kit.clock.advance(6)
    assert sorted(worker.done) == list(range(10, 100, 10))
    own = [run for run in await kit.rows() if run.source is not Source.BACKFILL]
    ran = [due_s(run) for run in own if run.state is RunState.SUCCEEDED]
    assert ran == [10, 90]
    await check(kit, effects=worker.done)
    await kit.stop()


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("whole", [False, True], ids=["job", "engine"])
async def test_rows_that_come_later_name_the_backfill_too(
    world: World, whole: bool, restarted: bool
) -> None:
    worker = Worker()
    kit = await Kit([worker.group], world=world).start()
    await kit.clock.advance(15)
    if whole:
        await kit.engine.pause_engine(reason="move")
    else:
        await kit.client.pause_job("g/work", reason="move")
    await kit.clock.advance(30)
    answer = await kit.engine.backfill_job("g/work", at(15), at(35))
    await kit.clock.advance(1)
    if restarted:
        await kit.client.edit_job("g/work", JobPatch(name="other"))
        kit = await Kit([worker.group], world=world, clock=KitClock(await kit.crash())).start()
    if whole:
        await kit.engine.resume_engine()
    else:
        await kit.client.resume_job("g/other" if restarted else "g/work")
    await kit.clock.advance(1)
    own = [run for run in await kit.rows() if run.source is Source.SCHEDULE]
    by = "engine paused by python: move" if whole else "paused by local: move"
    first, last = answer.runs
    assert [(due_s(run), run.reason) for run in own[1:]] == [
        (20, f"{by}; backfilled by run {first}"),
        (30, f"{by}; backfilled by run {last}"),
        (40, by),
    ]
    await check(kit, effects=worker.done)
    await kit.stop()


async def test_a_row_of_a_stretch_names_all_of_them(world: World) -> None:
    worker = Worker()
    kit = await Kit([worker.group], world=world).start()
    await kit.clock.advance(15)
    await kit.client.pause_job("g/work", reason="move")
    await kit.clock.advance(1_200)
    answer = await kit.engine.backfill_job("g/work", at(15), at(45))
    await kit.client.resume_job("g/work")
    first = next(run for run in await kit.rows() if run.range_count)
    assert first.reason.endswith(f"; backfilled by runs {answer.runs[0]} to {answer.runs[-1]}")
    await kit.stop()
