"""Old runs go by themselves, and nothing that is not due to."""

from __future__ import annotations

import asyncio
from typing import Any

from engine_kit import FULL, Kit, World, at, running
from store_rows import line

from schedtui import Group
from schedtui.clock import to_us
from schedtui.engine.upkeep.retention import FIRST_S, PERIOD_S
from schedtui.models import FactKind, RunState, Source
from schedtui.protocols import LogChunk, NewRun
from schedtui.store import chunks
from schedtui.triggers import Every

DAY = 86_400.0
OK, FAILED = RunState.SUCCEEDED, RunState.FAILED


def yearly(**policies: Any) -> Group:
    """A group with a job that is not due in the life of a test."""
    group = Group("g")
    group.job(every=366 * DAY, name="work", **policies)(_work)
    return group


async def _work() -> None: ...


async def fill(
    kit: Kit, ages_days: list[float], *, state: RunState = OK, job: str = "g/work"
) -> list[int]:
    """Runs of a job that ended so long ago. Returns their ids."""
    core = kit.running.core
    live = core.jobs.find(*job.split("/"))
    assert live is not None
    rows = [_row(next(core.run_ids), live.id, to_us(at(-age * DAY)), state) for age in ages_days]
    await kit.running.writes.write(lambda tx: tx.insert_runs(rows))
    return [row.id for row in rows]


def _row(run_id: int, job_id: int, us: int, state: RunState) -> NewRun:
    source = Source.SCHEDULE
    ends = (None, 1, 1, us, us, None, None, None, None)
    return NewRun(run_id, job_id, "g/work", source, state, us, 0, 1, None, us, *ends)


def _days(number: int, first: float) -> list[float]:
    """So many ages, the oldest first, an hour apart."""
    return [first - n / 24 for n in range(number)]


async def left(kit: Kit, ids: list[int]) -> int:
    kept = {run.id for run in await kit.rows()}
    return sum(one in kept for one in ids)


async def test_the_defaults_are_those_of_the_manual(world: World) -> None:
    async with running(yearly(), world=world) as kit:
        young = await fill(kit, _days(50, 170), state=FAILED)
        gone = await fill(kit, _days(60, 200), state=FAILED) + await fill(kit, _days(70, 100))
        kept = await fill(kit, _days(1_000, 80))
        assert await kit.running.retention.sweep() == len(gone)
        assert (await left(kit, young), await left(kit, gone)) == (50, 0)
        assert await left(kit, kept) == 1_000
        more = await fill(kit, _days(10, 30))
        assert await kit.running.retention.sweep() == 10
        assert (await left(kit, kept), await left(kit, more)) == (990, 10)


async def test_it_happens_by_itself_and_again(world: World) -> None:
    async with running(yearly(keep_s=DAY), world=world) as kit:
        ids = await fill(kit, _days(150, 20))
        await kit.clock.advance(FIRST_S - 1)
        assert await left(kit, ids) == 150
        await kit.clock.advance(2)
        assert await left(kit, ids) == 100
        await fill(kit, _days(100, 0.5))
        kit.running.retention._next = kit.clock.monotonic() + 2
        await kit.clock.advance(3)
        assert await left(kit, ids) == 0
        assert PERIOD_S - 2 < kit.running.retention.tick() < PERIOD_S


async def test_a_job_a_group_and_an_engine_say_what_is_kept(world: World) -> None:
    group = Group("g", keep_s=0, keep_failures_s=0)
    group.job(every=366 * DAY, name="work", keep_runs=120)(_work)
    async with running(group, world=world, keep_runs=110) as kit:
        ids = await fill(kit, _days(200, 500))
        await kit.running.retention.sweep()
        assert await left(kit, ids) == 120


async def test_runs_of_a_deleted_job_go_by_the_engines_rules(world: World) -> None:
    group = Group("g")
    group.function(name="work")(_work)
    async with running(group, world=world, keep_s=DAY) as kit:
        await kit.engine.create_job(
            function="g/work", trigger=Every(366 * DAY), name="gone", keep_s=0
        )
        ids = await fill(kit, _days(130, 20), job="g/gone")
        assert await kit.running.retention.sweep() == 0
        await kit.engine.remove_job("g/gone")
        assert await kit.running.retention.sweep() == 30
        assert await left(kit, ids) == 100


async def test_lines_go_earlier_than_their_run(world: World) -> None:
    async with running(yearly(), world=world) as kit:
        old, new = await fill(kit, [31, 29])
        said = [_chunk(old), _chunk(new)]
        await kit.running.writes.write(lambda tx: tx.append_logs(said))
        assert await kit.running.retention.sweep() == 0
        assert await left(kit, [old, new]) == 2
        assert await asyncio.to_thread(kit.store.log_tail, old, 5) == []
        assert len(await asyncio.to_thread(kit.store.log_tail, new, 5)) == 1


def _chunk(run_id: int) -> LogChunk:
    return chunks.encode(run_id, [line(1, "hello")])


async def test_a_backfill_does_not_run_again_what_was_forgotten(world: World) -> None:
    group = Group("g", keep_runs=100)
    group.job(every=5, name="work")(_work)
    async with running(group, world=world) as kit:
        await kit.clock.advance(521)
        assert await kit.running.retention.sweep() == 4
        plain = await kit.client.backfill_job("g/work", at(1), dry_run=True)
        again = await kit.client.backfill_job("g/work", at(1), dry_run=True, again=True)
        assert (plain.queued, plain.succeeded, plain.forgotten) == (0, 100, 4)
        assert (again.queued, again.forgotten) == (104, 0)


async def test_explain_says_that_the_row_was_removed(world: World) -> None:
    group = Group("g", keep_runs=100)
    group.job(every=5, name="work")(_work)
    async with running(group, world=world) as kit:
        await kit.clock.advance(521)
        await kit.running.retention.sweep()
        told = await kit.client.explain("g/work", at=at(10))
        assert told.facts[0].kind is FactKind.NO_ROW
        assert "rows are removed" in told.summary


async def test_a_store_that_does_not_answer_is_waited_for(world: World) -> None:
    async with running(yearly(keep_s=DAY), world=world) as kit:
        ids = await fill(kit, _days(150, 20))
        kit.faults.once("remove", FULL)
        assert await kit.running.retention.sweep() == 50
        assert await left(kit, ids) == 100


async def test_a_stop_in_the_middle_is_no_problem(world: World) -> None:
    kit = await Kit([yearly(keep_s=DAY)], world=world).start()
    ids = await fill(kit, _days(150, 20))
    kit.running.retention._next = 0
    kit.running.retention.tick()
    await kit.stop()
    again = await Kit([yearly(keep_s=DAY)], world=world, clock=kit.clock).start()
    await again.running.retention.sweep()
    assert await left(again, ids) == 100
    await again.stop()
