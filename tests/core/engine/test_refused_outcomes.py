"""Outcomes that a store refuses for no fault of theirs are tried until they go through."""

from __future__ import annotations

import asyncio
import logging

import pytest
from engine_kit import Kit, Worker, World, running

from schedtui import Group
from schedtui.errors import StoreDataError, StoreError
from schedtui.models import Health, RunFilter, RunState

DAMAGED = StoreError("state.db is damaged")


async def test_an_outcome_that_the_store_cannot_take_is_tried_until_it_can(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        kit.faults.always("finish", DAMAGED)
        await kit.clock.advance(10)
        await kit.clock.advance(9)
        assert kit.faults.calls["finish"] > 3
        (run,) = await kit.rows()
        assert run.state is RunState.RUNNING
        info = kit.running.info()
        assert info.health is Health.DEGRADED
        assert info.problems == ("the outcome of run 1 cannot be written: state.db is damaged",)
        kit.faults.hooks.clear()
        await kit.clock.advance(10)
        first, *_ = await kit.rows()
        assert first.state is RunState.SUCCEEDED
        assert first.error is not None
        assert "the store refused this run's outcome: state.db is damaged" in first.error
        assert kit.running.info().health is Health.OK
        assert kit.running.supervisor.idle.is_set()


async def test_a_function_may_say_what_the_engine_says_of_a_refused_outcome(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None:
        raise ValueError("the store refused this run's outcome: said by the function")

    async with running(group, world=world) as kit:
        refusals = iter([True, True])  # with what else was to be written, and then alone

        def refuse() -> None:
            if next(refusals, False):
                raise StoreDataError("no such text")

        kit.faults.hooks["finish"] = refuse
        await kit.clock.advance(10)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        (run,) = await kit.rows()
        assert run.state is RunState.FAILED
        live = kit.running.core.jobs.named("g/work")
        assert (live.active, live.failures) == (0, 1)


async def test_one_outcome_that_goes_through_does_not_hide_another_that_does_not() -> None:
    worker = Worker()
    worker.group.job(every=10, name="other")(worker.work)
    async with running(worker.group) as kit:
        kit.faults.always("finish", DAMAGED)
        await kit.clock.advance(10)
        refusals = iter([True, True])  # of the first one, with the other and then alone

        def refuse() -> None:
            if next(refusals, False):
                raise DAMAGED

        kit.faults.hooks["finish"] = refuse
        await kit.clock.advance(0.5)
        states = [run.state for run in await kit.rows()]
        assert states == [RunState.RUNNING, RunState.SUCCEEDED]
        assert kit.running.info().health is Health.DEGRADED
        await kit.clock.advance(2)
        assert {run.state for run in await kit.rows()} == {RunState.SUCCEEDED}
        assert kit.running.info().health is Health.OK


async def test_a_stop_tries_once_more_and_then_ends(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    worker = Worker()
    kit = await Kit([worker.group], world=world).start()
    kit.faults.always("finish", DAMAGED)
    await kit.clock.advance(10)
    before = kit.faults.calls["finish"]
    await asyncio.wait_for(kit.stop(0.01), 10)
    assert kit.faults.calls["finish"] > before
    assert kit.clock.pending_timers() == 0
    store = world.store()
    store.open(None)
    (run,) = store.inner.runs(RunFilter(), limit=9, before=None)
    assert run.state is RunState.RUNNING
    store.inner.close()
