"""Rule 1: one transaction per tick; only won rows are dispatched; a unique key is the backstop."""

from __future__ import annotations

import pytest
from engine_kit import World, check, due_s, running

from schedtui import Group, current_run
from schedtui.errors import ConflictError
from schedtui.models import JobPatch, RunState, Source


async def test_all_that_is_due_in_a_tick_is_one_transaction(world: World) -> None:
    group = Group("g")
    ran: list[str] = []

    async def work() -> None:
        ran.append(current_run().job)

    for number in range(40):
        group.job(every=60, name=f"j{number}")(work)

    async with running(group, world=world) as kit:
        before = kit.faults.calls["claim"]
        await kit.clock.advance(60)
        assert kit.faults.calls["claim"] == before + 1
        assert len(ran) == len(set(ran)) == 40
        await check(kit)


async def test_the_row_says_running_before_the_function_starts(world: World) -> None:
    group = Group("g")
    seen: list[object] = []

    @group.job(every=10)
    async def work() -> None:
        run = kit.store.inner.run(current_run().id)
        assert run is not None
        seen.append((run.state, run.attempt, due_s(run), run.started_at is not None))

    async with running(group, world=world) as kit:
        await kit.clock.advance(10)
        assert seen == [(RunState.RUNNING, 1, 10.0, True)]


async def test_a_job_that_changed_behind_the_engine_loses_its_claim_and_is_read_again(
    world: World,
) -> None:
    group = Group("g")
    ran: list[float] = []

    @group.job(every=10)
    async def work() -> None:
        moment = current_run().scheduled_for
        assert moment is not None
        ran.append((moment.timestamp()) % 60)

    async with running(group, world=world) as kit:
        live = kit.running.core.jobs.named("g/work")
        # The row moves on by one due time, as if somebody else had claimed it.
        from schedtui.clock import to_us
        from schedtui.protocols import Claim

        due_us = live.next_due_us
        assert due_us is not None
        claim = Claim(due_us + 10_000_000, due_us, live.id, live.version, due_us, (), 0)
        with kit.store.inner.transaction() as tx:
            assert tx.claim([claim]) == set()
        await kit.clock.advance(10)
        assert ran == []
        await kit.until(lambda: not live.busy and live.next_due_us == due_us + 10_000_000)
        await kit.clock.advance(20)
        assert ran == [20.0, 30.0]
        assert live.active == 0
        assert kit.running.core.pools["async"].free == 1_000
        assert to_us(kit.running.info().now) == due_us + 20_000_000


async def test_a_job_deleted_behind_the_engine_stops_and_is_told_removed(world: World) -> None:
    group = Group("g")

    @group.function()
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        job = await kit.engine.create_job(
            function="g/work", trigger={"type": "every", "seconds": 10}
        )
        with kit.store.inner.transaction() as tx:
            assert tx.delete_job(job.id, version=job.version, now_us=0)
        await kit.clock.advance(10)
        await kit.until(lambda: len(kit.running.core.jobs) == 0)
        await kit.clock.advance(30)
        assert await kit.rows() == []
        assert kit.running.info().health == "ok"


async def test_the_unique_key_stops_a_second_row_of_one_due_time(world: World) -> None:
    """A job that was moved back by a mistake outside: its old due time keeps its one row."""
    group = Group("g")
    ran: list[object] = []

    @group.job(every=10)
    async def work() -> None:
        ran.append(current_run().scheduled_for)

    async with running(group, world=world) as kit:
        await kit.clock.advance(10)
        live = kit.running.core.jobs.named("g/work")
        first = live.current()
        with kit.store.inner.transaction() as tx:
            from dataclasses import replace

            assert tx.update_job(replace(first, next_due=first.last_due), version=first.version)
        kit.running.core.heap.drop(live)
        assert live.last_due_us is not None
        live.next_due_us = live.last_due_us
        kit.running.core.heap.push(live)
        kit.running.core.wakeup()
        await kit.clock.settle()
        await kit.clock.advance(10)
        assert len(ran) == len(set(ran)) == 2
        await check(kit)
        assert live.next_due_us == live.last_due_us + 10_000_000


async def test_a_manual_run_has_no_due_time_and_does_not_move_the_schedule(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        before = (await kit.client.job("g/work")).next_due
        await kit.clock.advance(4)
        run = await kit.client.trigger_job("g/work")
        assert (run.source, run.scheduled_for, run.actor) == (Source.MANUAL, None, "local")
        assert (await kit.client.job("g/work")).next_due == before
        await kit.clock.advance(6)
        assert await kit.told() == [
            (Source.MANUAL, RunState.SUCCEEDED, None),
            (Source.SCHEDULE, RunState.SUCCEEDED, 10.0),
        ]


async def test_run_ids_grow_and_are_not_used_again_after_a_restart(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None: ...

    ids: list[int] = []
    for _ in range(3):
        async with running(group, world=world) as kit:
            await kit.clock.advance(20)
            ids = [run.id for run in await kit.rows()]
    assert ids == sorted(set(ids))


async def test_an_edit_from_an_old_version_is_refused_and_changes_nothing(world: World) -> None:
    group = Group("g")

    @group.function()
    async def work() -> None: ...

    async with running(group, world=world) as kit:
        job = await kit.engine.create_job(
            function="g/work", trigger={"type": "every", "seconds": 10}
        )
        await kit.client.edit_job("g/work", JobPatch(description="a"), version=job.version)
        with pytest.raises(ConflictError, match="version 2, not 1"):
            await kit.client.edit_job("g/work", JobPatch(description="b"), version=job.version)
        assert (await kit.client.job("g/work")).description == "a"
