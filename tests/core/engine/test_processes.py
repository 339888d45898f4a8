"""Jobs in processes of their own, in a real engine."""

from __future__ import annotations

import asyncio

import process_jobs as jobs
import pytest
from engine_kit import Kit, running

from schedtui import Engine, Group, log
from schedtui.errors import InvalidError, RefusedError
from schedtui.models import Run, RunFilter, RunState, Source
from schedtui.testing import FakeClock


def of(function: object, **options: object) -> Group:
    group = Group("g")
    group.job(every=10, name="j", executor="process", **options)(function)  # type: ignore[arg-type, type-var]  # as given
    return group


async def ended(kit: Kit) -> Run:
    """The newest run, once it has ended."""
    async with asyncio.timeout(20):
        while True:
            rows = await kit.rows()
            if rows and rows[-1].state not in (RunState.QUEUED, RunState.RUNNING):
                return rows[-1]
            await asyncio.sleep(0.005)


async def left(kit: Kit) -> Run:
    """The one run that a stopped engine left."""
    store = kit.store.inner
    store.open(None)
    try:
        (row,) = store.runs(RunFilter(), limit=100, before=None)
        return row
    finally:
        store.close()


async def test_a_scheduled_run_is_made_and_heard() -> None:
    async with running(of(jobs.speak), processes=1) as kit:
        await kit.clock.advance(10)
        run = await ended(kit)
        page = await kit.engine.reads.logs(run.id, 0, 100)
    assert (run.state, run.source) == (RunState.SUCCEEDED, Source.SCHEDULE)
    assert [line.text for line in page.lines][:3] == ["printed", "a warning", "logged n=1"]
    assert run.started_at == run.finished_at == run.scheduled_for  # the engine's clock counts


async def test_arguments_and_results_are_json() -> None:
    async with running(of(jobs.typed, kwargs={"day": "2026-01-01"}), processes=1) as kit:
        await kit.engine.trigger_job("g/j")
        assert (await ended(kit)).result == '"date"'


async def test_what_its_process_dies_of_is_in_its_row() -> None:
    async with running(of(jobs.die, kwargs={"how": "kill"}), processes=1) as kit:
        await kit.engine.trigger_job("g/j")
        run = await ended(kit)
        assert (run.state, run.error_type) == (RunState.FAILED, "WorkerDied")
        assert "SIGKILL" in (run.error or "")
        assert {pool.free for pool in kit.running.core.pools.values()} == {1, 32, 1_000}


async def test_more_memory_than_allowed_is_in_its_row() -> None:
    async with running(of(jobs.grow, kwargs={"mib": 300}, memory_limit_mb=150)) as kit:
        await kit.engine.trigger_job("g/j")
        assert (await ended(kit)).error_type == "MemoryError"


async def test_what_still_runs_at_a_stop_is_cancelled_in_order() -> None:
    kit = Kit([of(jobs.nap)], processes=1)
    await kit.start()
    run = await kit.engine.trigger_job("g/j")
    await kit.until(lambda: bool(kit.running.logs.sink(run.id)))
    await kit.stop()
    row = await left(kit)
    assert row.state is RunState.CANCELLED
    assert "the engine stopped" in (row.reason or "")


async def test_a_function_says_where_it_runs() -> None:
    async with running(of(jobs.nap, memory_limit_mb=99)) as kit:
        (info,) = await kit.client.functions()
    assert (info.executor, info.memory_limit_mb) == ("process", 99)


async def test_in_a_thread_a_run_can_see_that_it_is_to_end() -> None:
    group = Group("g")

    @group.job(every=10, name="j")
    def look() -> str:
        log("looking")
        return jobs.look()

    kit = Kit([group])
    await kit.start()
    run = await kit.engine.trigger_job("g/j")
    await kit.until(lambda: bool(kit.running.logs.sink(run.id)))
    await kit.stop()
    row = await left(kit)
    assert (row.state, row.result) == (RunState.SUCCEEDED, '"looked"')


async def test_no_engine_is_started_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedtui.execution.process.inside._inside", [True])
    engine = Engine(groups=[of(jobs.pid)], store="memory://", clock=FakeClock())
    with pytest.raises(RefusedError, match="started in a worker process"):
        await engine.start()
    assert not engine.is_running


def test_a_number_of_processes_that_cannot_be() -> None:
    with pytest.raises(InvalidError, match="processes: got 0"):
        Engine(processes=0, store="memory://")
