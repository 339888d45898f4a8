"""Rule 6: data that the store refuses cost one job, or one outcome, and never the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from engine_kit import Kit, Worker, World, at, back, check, due_s, running

from schedtui import Group, current_run
from schedtui.clock import to_us
from schedtui.engine.tick.decide import Verdict
from schedtui.engine.tick.newruns import decided_row
from schedtui.errors import StoreDataError
from schedtui.models import Health, RunState, Source
from schedtui.protocols import Claim, NewRun, StoreTx


def refuse_job(kit: Kit, job_id: int, error: Exception) -> None:
    """Let the store refuse the rows of one job that has something to run."""
    inner = kit.store.inner.transaction

    class Refusing:
        def __init__(self, tx: StoreTx) -> None:
            self.tx = tx

        def __getattr__(self, name: str) -> object:
            return getattr(self.tx, name)

        def claim(self, claims: list[Claim]) -> object:
            for claim in claims:
                if claim.job_id == job_id and any(run.token for run in claim.runs):
                    raise error
            return self.tx.claim(claims)

        def insert_runs(self, runs: list[NewRun]) -> None:
            if any(run.job_id == job_id and run.token for run in runs):
                raise error
            self.tx.insert_runs(runs)

    @contextmanager
    def transaction() -> Iterator[Any]:
        with inner() as tx:
            yield Refusing(tx)

    setattr(kit.store.inner, "transaction", transaction)  # noqa: B010 - a method, says mypy


@pytest.mark.parametrize("error", [StoreDataError("no such text"), RuntimeError("a bug")])
async def test_one_bad_job_among_many_is_found_and_accounted_for(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    group = Group("g")
    done: list[str] = []

    async def work() -> None:
        done.append(current_run().job)

    for number in range(500):
        group.job(every=60, name=f"j{number}")(work)
    async with running(group) as kit:
        bad = kit.running.core.jobs.named("g/j77")
        refuse_job(kit, bad.id, error)
        await kit.clock.advance(60)
        await kit.until(lambda: not bad.busy and bad.last_due_us is not None)
        await kit.clock.settle()
        assert len(done) == len(set(done)) == 499
        (row,) = await kit.rows(bad.id)
        assert row.state is RunState.MISSED
        assert str(error) in row.reason
        assert bad.active == 0
        assert kit.running.core.pools["async"].free == 1_000
        await kit.clock.advance(60)
        assert len(done) == 998


async def test_refused_rows_of_a_stretch_are_all_kept_in_plainer_form(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        kit.faults.down = True
        await kit.clock.advance(45)
        kit.faults.down = False
        live = kit.running.core.jobs.named("g/work")
        refuse_job(kit, live.id, StoreDataError("no such text"))
        await kit.until(lambda: not kit.running.core.problems)
        await kit.clock.advance(3)
        await check(kit)
        assert [due_s(run) for run in await kit.rows()] == [10.0, 20.0, 30.0, 40.0]


async def test_one_row_of_several_that_is_refused_again_and_again_costs_no_other(
    world: World,
) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        await kit.clock.advance(1)
        live = kit.running.core.jobs.named("g/work")
        core = kit.running.core
        verdict = Verdict(to_us(at(20)), RunState.SKIPPED, Source.SCHEDULE, "there already")
        row = decided_row(next(core.run_ids), live, verdict, core.epoch, to_us(at(1)))
        await kit.running.writes.write(lambda tx: tx.insert_runs([row]))
        kit.faults.down = True
        await kit.clock.advance(44)
        await back(kit)
        await kit.clock.advance(10)
        found = sorted((due_s(run), run.state) for run in await kit.rows())
        assert live.problem == ""
    assert found == [
        (10, RunState.SKIPPED),
        (20, RunState.SKIPPED),
        (30, RunState.SKIPPED),
        (40, RunState.SUCCEEDED),
        (50, RunState.SUCCEEDED),
    ]


@pytest.mark.parametrize("overlap", ["allow", "queue_all"])
async def test_a_due_time_that_has_its_row_takes_no_other_of_its_claim_with_it(
    world: World, overlap: str
) -> None:
    worker = Worker(overlap=overlap, catch_up="all")
    async with running(worker.group, world=world) as kit:
        await kit.clock.advance(15)
        live = kit.running.core.jobs.named("g/work")
        core = kit.running.core
        verdict = Verdict(to_us(at(20)), RunState.SKIPPED, Source.SCHEDULE, "there already")
        row = decided_row(next(core.run_ids), live, verdict, core.epoch, to_us(at(1)))
        await kit.running.writes.write(lambda tx: tx.insert_runs([row]))
        kit.faults.down = True
        await kit.clock.advance(30)
        await back(kit)
        await kit.clock.advance(4)
        found = sorted((due_s(run), run.state, run.reason) for run in await kit.rows())
        assert live.problem == ""
        assert live.active == 0
        assert live.fired == 3
        assert core.pools["async"].free == 1_000
        await check(kit)
    assert found == [
        (10, RunState.SUCCEEDED, ""),
        (20, RunState.SKIPPED, "there already"),
        (30, RunState.SUCCEEDED, ""),
        (40, RunState.SUCCEEDED, ""),
    ]


async def test_rows_that_are_refused_again_and_again_stop_the_job_and_say_so() -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        kit.faults.always("claim", StoreDataError("never"))
        await kit.clock.advance(15)
        await kit.until(lambda: bool(kit.running.core.problems))
        info = kit.running.info()
        assert info.health is Health.DEGRADED
        assert "g/work: the store refuses its rows: never" in info.problems
        assert worker.done == []
        kit.faults.hooks.clear()


async def test_an_outcome_that_is_refused_is_written_bare(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> str:
        return "poison"

    async with running(group, world=world) as kit:
        kit.faults.once("finish", StoreDataError("first, within the batch"))
        kit.faults.hooks["finish:after"] = lambda: None
        hits = 0

        def refuse_twice() -> None:
            nonlocal hits
            hits += 1
            if hits <= 2:
                raise StoreDataError(f"no such text, {hits}")

        kit.faults.hooks["finish"] = refuse_twice
        await kit.clock.advance(12)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        (run,) = await kit.rows()
        assert run.state is RunState.SUCCEEDED
        assert run.result is None
        assert run.error is not None
        assert "the store refused this run's outcome" in run.error
        await kit.clock.advance(10)
        assert len(await kit.rows()) == 2


async def test_an_outcome_that_is_never_taken_is_given_up_and_the_job_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        count = 0

        def refuse() -> None:
            nonlocal count
            count += 1
            raise StoreDataError(f"refused for the {count}. time")

        kit.faults.hooks["finish"] = refuse
        await kit.clock.advance(12)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        assert count < 10
        assert "could not be written" in caplog.text
        kit.faults.hooks.clear()
        await kit.clock.advance(10)
        assert worker.done == [10.0, 20.0]


async def test_one_start_that_is_refused_does_not_hold_up_the_queue() -> None:
    worker = Worker()
    group = worker.group
    worker.gate.clear()
    group.job(every=3_600, name="a", paused=True)(worker.work)
    async with running(group, async_slots=1) as kit:
        await kit.client.trigger_job("g/work")
        await kit.client.trigger_job("g/a")
        refusals = iter([True, True])

        def refuse() -> None:
            if next(refusals, False):
                raise StoreDataError("no")

        kit.faults.hooks["start"] = refuse
        worker.gate.set()
        await kit.clock.advance(5)
        states = [run.state for run in await kit.rows()]
        assert states == [RunState.SUCCEEDED, RunState.SUCCEEDED]
