"""Which periods of a job are remembered, and by whom: in memory, in the store, after a start."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from chain_kit import Row, go, second_of
from engine_kit import Kit, World, at, running
from once_kit import Guarded, restart

from schedtui import Group, Never, current_run
from schedtui.engine.backfill.backfill import MAX_LIMIT
from schedtui.engine.live import once
from schedtui.engine.live.once import Once
from schedtui.engine.runs.chains import Child
from schedtui.models import JobPatch, Run, RunFilter, RunState
from schedtui.policies import make
from schedtui.protocols import KEPT_SUCCESSES
from schedtui.store import memory_once
from schedtui.store.sql import once as sql_once


def test_a_whole_backfill_is_remembered() -> None:
    assert KEPT_SUCCESSES >= MAX_LIMIT


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three periods are remembered."""
    for module in (once, memory_once, sql_once):
        monkeypatch.setattr(module, "KEPT_SUCCESSES", 3)


@pytest.mark.usefixtures("few")
async def test_a_backfill_does_not_have_the_newest_period_forgotten(world: World) -> None:
    jobs = Guarded(every=60)
    kit = await Kit([jobs.group], world=world).start()
    first = await kit.client.trigger_job("g/clean")
    await kit.clock.settle()
    for hours in (1, 2):  # the older ones come last
        await kit.engine.backfill_job("g/clean", at(-3600 * hours), at(-3600 * hours + 300))
        await kit.clock.advance(1)
    assert len(jobs.done) == 11
    expected = f"once per 12:00: run {first.id} succeeded"
    assert (await kit.client.trigger_job("g/clean")).reason == expected
    kit = await restart(kit, jobs, world)
    try:
        assert (await kit.client.trigger_job("g/clean")).reason == expected
    finally:
        await kit.stop()


@pytest.mark.usefixtures("few")
def test_a_period_is_taken_while_one_of_its_moments_is_remembered() -> None:
    periods = Once({})
    periods.rule("%Y", "UTC")
    periods.remember([(9, 40), (8, 30), (7, 20), (6, 10), (9, 40)])
    assert periods.taken(50) == "once per 1970: run 9 succeeded"
    periods.rule("%S", "UTC")
    periods.rule("%Y", "UTC")
    assert periods.taken(50) == "once per 1970: run 9 succeeded"


def daily() -> tuple[Group, list[int]]:
    """``g/second``, each day at noon and after ``g/first``, once a day; and its runs."""
    group = Group("g")
    done: list[int] = []
    group.job(trigger=Never(), name="first", overlap="allow")(lambda: None)

    async def second() -> None:
        done.append(current_run().id)

    policies: dict[str, Any] = {"run_once_key": "%Y-%m-%d", "overlap": "allow", "timezone": "UTC"}
    group.job(cron="0 12 * * *", name="second", after=["g/first"], **policies)(second)
    return group, done


async def test_a_backfill_takes_its_periods_before_another_run_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group, done = daily()
    async with running(group) as kit:
        core = kit.running.core
        chains = kit.running.chains
        backfills = kit.running.commands._backfills
        make_runs = backfills._made
        children: list[Child] = []

        async def made(*given: Any) -> Any:
            making = asyncio.ensure_future(make_runs(*given))
            await asyncio.sleep(0)
            assert not making.done()
            children.extend(chains.children(core.jobs.named("g/first"), 1, RunState.SUCCEEDED))
            return await making

        monkeypatch.setattr("schedtui.engine.backfill.backfill.SLICE", 1)
        monkeypatch.setattr(backfills, "_made", made)
        answer = await kit.engine.backfill_job("g/second", at(-86400), at(1))
        (child,) = children
        chains.dropped(children)
        assert (child.run, child.row.reason) == (
            None,
            f"once per 2026-03-02: run {answer.runs[-1]} is about to start",
        )
        await kit.clock.settle()
        assert done == list(answer.runs)


async def test_what_has_succeeded_is_known_before_an_edit_is_written(world: World) -> None:
    row = Row(overlap="allow")
    async with running(row.group, world=world) as kit:
        await go(kit)
        store = kit.running.core.store
        looked: list[str] = []
        look = store.runs

        def runs(where: RunFilter, **how: Any) -> list[Run]:
            if where.state is RunState.SUCCEEDED:
                (job,) = [one for one in store.jobs() if one.name == "second"]
                looked.append(job.policies.run_once_key or "")
                asyncio.run_coroutine_threadsafe(go(kit), loop).result()
            return look(where, **how)

        loop = asyncio.get_running_loop()
        with pytest.MonkeyPatch.context() as slow:
            slow.setattr(store, "runs", runs, raising=False)
            patch = JobPatch(policies=make(run_once_key="%Y", overlap="allow"))
            await kit.client.edit_job("g/second", patch)
        assert looked == [""]
        await go(kit)
        first, meanwhile, skipped = await second_of(kit)
        assert [run_id for run_id, _ in row.parents] == [first.id, meanwhile.id]
        assert skipped.reason == f"once per 2026: run {meanwhile.id} succeeded"


async def test_a_look_names_one_period_however_many_runs_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs = Guarded(every=60)
    jobs.gate.clear()
    async with running(jobs.group) as kit:
        await kit.engine.backfill_job("g/clean", at(-6000), at(0))
        live = kit.running.core.jobs.named("g/clean")
        assert len(live.running) == 100
        named: list[int] = []
        period = Once.period

        def counted(self: Once, moment_us: int) -> str:
            named.append(moment_us)
            return period(self, moment_us)

        with monkeypatch.context() as counting:
            counting.setattr(Once, "period", counted)
            run = await kit.client.trigger_job("g/clean")
        assert run.state is RunState.QUEUED
        assert len(named) == 2  # looked at, and taken
        assert await kit.engine.cancel_backfill("g/clean") == 99
        again = await kit.engine.backfill_job("g/clean", at(-6000), at(0))
        assert (again.queued, again.active + again.backfilled) == (99, 1)
        jobs.gate.set()
        await kit.until(lambda: not live.running)
        assert len(set(jobs.done)) == len(jobs.done) == 101
