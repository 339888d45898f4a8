"""What follows the end of a run, over stops, kills and a store that refuses."""

from __future__ import annotations

from typing import Any

import process_jobs
import pytest
from chain_kit import ON_END, ON_FAILURE, Row, go, second_of
from engine_kit import Kit, KitClock, World, running

from schedtui import Group, Never
from schedtui.errors import StoreDataError, StoreUnavailableError
from schedtui.models import RunState
from schedtui.protocols import RecentRun


async def test_what_follows_a_lost_run_is_written_by_the_next_engine(world: World) -> None:
    row = Row([ON_FAILURE], overlap="queue_all")
    row.fates = ["hang"]
    kit = await Kit([row.group], world=world).start()
    (parent,) = await go(kit)
    clock = KitClock(await kit.crash())
    async with running(row.group, world=world, clock=clock) as after:
        await after.clock.settle()
        (child,) = await second_of(after)
        assert (child.state, child.parent_id) == (RunState.SUCCEEDED, parent)
        assert child.actor == f"after run {parent} of g/first (lost)"
        assert row.parents == [(child.id, parent)]


async def test_a_child_that_waits_keeps_its_parent_over_a_restart(world: World) -> None:
    row = Row(overlap="queue_all")
    row.gate.clear()
    kit = await Kit([row.group], world=world).start()
    first, again = await go(kit, 2)
    clock = KitClock(await kit.crash())
    row.gate.set()
    async with running(row.group, world=world, clock=clock) as after:
        await after.clock.settle()
        running_one, waited = await second_of(after)
        assert (running_one.state, running_one.parent_id) == (RunState.LOST, first)
        assert (waited.state, waited.parent_id) == (RunState.SUCCEEDED, again)
        assert row.parents[-1] == (waited.id, again)


async def test_what_follows_a_run_that_a_stop_ends_waits_for_the_next_start(world: World) -> None:
    row = Row([ON_END])
    row.fates = ["hang"]
    async with running(row.group, world=world) as kit:
        (parent,) = await go(kit)
    async with running(row.group, world=world) as kit:
        await kit.clock.settle()
        (child,) = await second_of(kit)
        assert (child.state, child.parent_id) == (RunState.SUCCEEDED, parent)
        assert child.actor == f"after run {parent} of g/first (cancelled)"


async def test_the_parent_is_known_in_a_process_and_to_a_run_that_is_run_again() -> None:
    group = Group("p")
    group.job(trigger=Never(), name="first")(process_jobs.echo)
    group.job(after=["p/first"], executor="process")(process_jobs.parent)
    async with running(group) as kit:
        run = await kit.client.trigger_job("p/first")
        await kit.until(lambda: any(one.state == "succeeded" for one in ended(kit, "p/parent")))
        (child,) = await kit.rows(kit.running.core.jobs.named("p/parent").id)
        assert child.result == str(run.id)
        again = await kit.engine.rerun(child.id)
        await kit.until(lambda: len(ended(kit, "p/parent")) == 2)
        assert (await kit.client.run(again.id)).result == str(child.id)


def ended(kit: Kit, job: str) -> list[RecentRun]:
    return list(kit.running.core.jobs.named(job).recent)


async def test_an_end_that_the_store_takes_later_has_its_one_child(world: World) -> None:
    row = Row()
    async with running(row.group, world=world) as kit:
        kit.faults.always("finish", StoreUnavailableError("away"))
        await go(kit)
        await kit.until(lambda: kit.faults.calls["finish"] > 3)
        assert await second_of(kit) == []
        kit.faults.hooks.clear()
        await kit.until(lambda: bool(row.parents))
        await kit.clock.settle()
        assert [run.state for run in await second_of(kit)] == [RunState.SUCCEEDED]


async def test_a_child_that_the_store_refuses_does_not_take_the_end_with_it(world: World) -> None:
    row = Row([ON_END])
    row.fates = ["hang"]
    async with running(row.group, world=world) as kit:
        (parent,) = await go(kit)
        # With what else is to be written and then alone; both once more without the parent's text.
        refusals = iter([True] * 4)

        def refuse() -> None:
            if next(refusals, False):
                raise StoreDataError("no such text")

        kit.faults.hooks["insert_runs"] = refuse
        await kit.client.cancel_run(parent)
        await kit.until(kit.running.supervisor.idle.is_set)
        assert (await kit.client.run(parent)).state is RunState.CANCELLED
        (child,) = await second_of(kit)
        assert (child.state, child.parent_id) == (RunState.MISSED, parent)
        assert child.reason == "the store refused its row: no such text"
        assert kit.running.core.jobs.named("g/second").active == 0


async def test_an_end_that_is_refused_for_its_text_keeps_its_child(world: World) -> None:
    row = Row()
    async with running(row.group, world=world) as kit:
        refusals = iter([True, True])  # with what else is to be written, and then alone

        def refuse() -> None:
            if next(refusals, False):
                raise StoreDataError("no such text")

        kit.faults.hooks["finish"] = refuse
        (parent,) = await go(kit)
        await kit.until(lambda: bool(row.parents))
        await kit.until(kit.running.supervisor.idle.is_set)
        assert "refused this run's outcome" in ((await kit.client.run(parent)).error or "")
        (child,) = await second_of(kit)
        assert (child.state, child.parent_id) == (RunState.SUCCEEDED, parent)


async def test_an_end_that_is_never_taken_leaves_no_child(world: World) -> None:
    row = Row()
    async with running(row.group, world=world) as kit:
        kit.faults.always("finish", StoreDataError("no such text"))
        await go(kit)
        await kit.until(kit.running.supervisor.idle.is_set)
        assert kit.faults.calls["finish"] == 6, "whole, without its text, without its child"
        assert await second_of(kit) == []
        assert [live.active for live in kit.running.core.jobs] == [0, 0]


async def test_a_child_whose_job_is_deleted_at_that_moment_never_starts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row()
    async with running(row.group, world=world) as kit:
        await kit.engine.create_job(function="g/second", name="last", after=["g/first"])
        live = kit.running.core.jobs.named("g/last")
        written = kit.running.chains.committed

        def deleted_meanwhile(children: Any) -> None:
            kit.running.core.jobs.remove(live)
            written(children)

        monkeypatch.setattr(kit.running.chains, "committed", deleted_meanwhile)
        await go(kit)
        (child,) = await kit.rows(live.id)
        assert (child.state, child.reason) == (
            RunState.CANCELLED,
            "its job was deleted meanwhile",
        )
        assert live.active == 0
