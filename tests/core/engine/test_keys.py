"""Idempotency keys: the same call again gets the run that the first one made."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_commands import Editable, dynamic
from engine_kit import Kit, KitClock, World, running

from schedtui.errors import ConflictError, InvalidError, RunNotFoundError, StoreUnavailableError
from schedtui.models import Run, RunState, Source

DAY_S = 86_400
YEARLY = {"type": "cron", "expression": "0 0 1 1 *"}


async def job(kit: Kit, name: str = "work") -> int:
    return await dynamic(kit, trigger=YEARLY, name=name)


def same(again: Run, first: Run) -> bool:
    return again.id == first.id and again.replayed and not first.replayed


async def test_the_same_key_starts_nothing_and_gets_the_first_run(world: World) -> None:
    jobs = Editable()
    async with running(jobs.group, world=world) as kit:
        await job(kit)
        await job(kit, "other")
        first = await kit.engine.trigger_job("g/work", kwargs={"n": 2}, idempotency_key="order-17")
        await kit.clock.settle()
        again = await kit.engine.trigger_job("g/work", kwargs={"n": 2}, idempotency_key="order-17")
        assert same(again, first)
        assert again.state is RunState.SUCCEEDED
        elsewhere = await kit.engine.trigger_job(
            "g/other", kwargs={"n": 2}, idempotency_key="order-17"
        )
        another = await kit.engine.trigger_job("g/work", kwargs={"n": 2}, idempotency_key="o-18")
        await kit.clock.settle()
        plain = await kit.engine.trigger_job("g/work", kwargs={"n": 2})
        assert len({first.id, elsewhere.id, another.id, plain.id}) == 4
        await kit.clock.settle()
        assert jobs.kwargs == [2, 2, 2, 2]
        trail = await kit.client.audit()
        assert [event.detail.get("key") for event in trail.items if event.action == "job.trigger"][
            ::-1
        ] == ["order-17", "order-17", "o-18", None]


async def test_a_function_and_a_rerun_have_keys_too() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        first = await kit.engine.run_function("g/work", {"n": 3}, idempotency_key="k")
        assert same(await kit.engine.run_function("g/work", {"n": 3}, idempotency_key="k"), first)
        await kit.clock.settle()
        repeat = await kit.engine.rerun(first.id, idempotency_key="k")
        assert repeat.id != first.id
        assert same(await kit.engine.rerun(first.id, idempotency_key="k"), repeat)
        await kit.clock.settle()
        assert jobs.kwargs == [3, 3]


@pytest.mark.parametrize("other", [{"n": 2}, {"n": 1.0}, None])
async def test_the_same_key_with_other_arguments_is_refused(other: dict[str, Any] | None) -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        await job(kit)
        first = await kit.engine.trigger_job("g/work", kwargs={"n": 1}, idempotency_key="k")
        expected = f"'k' was used for run {first.id} with other arguments; nothing was started"
        with pytest.raises(ConflictError, match=expected) as raised:
            await kit.engine.trigger_job("g/work", kwargs=other, idempotency_key="k")
        assert [error.field for error in raised.value.errors] == ["idempotency_key"]
        await kit.clock.settle()
        assert jobs.kwargs == [1]


async def test_calls_that_race_make_one_run() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        await job(kit)
        runs = await asyncio.gather(
            *(kit.engine.trigger_job("g/work", idempotency_key="k") for _ in range(5)),
            *(kit.engine.run_function("g/work", idempotency_key="k") for _ in range(5)),
        )
        assert len({run.id for run in runs[:5]}) == len({run.id for run in runs[5:]}) == 1
        assert [run.replayed for run in runs].count(False) == 2
        await kit.clock.settle()
        assert len(jobs.done) == len(await kit.rows()) == 2


async def test_calls_that_race_past_each_other_make_one_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Were the reading of the key not enough, its row is: both have seen none."""
    jobs = Editable()
    async with running(jobs.group) as kit:
        await job(kit)
        monkeypatch.setattr(kit.store.inner, "call_key", lambda *_, **__: None)
        first = await kit.engine.trigger_job("g/work", idempotency_key="k")
        await kit.clock.settle()
        again = await kit.engine.trigger_job("g/work", idempotency_key="k")
        assert same(again, first)
        with pytest.raises(ConflictError, match="with other arguments"):
            await kit.engine.trigger_job("g/work", kwargs={"n": 5}, idempotency_key="k")
        live = kit.running.core.jobs.named("g/work")
        assert (live.active, live.running, live.holders) == (0, {}, 0)
        pool = kit.running.core.pools["async"]
        assert pool.free == pool.executor.slots
        assert len(await kit.rows()) == len(jobs.done) == 1


async def test_after_a_day_the_key_is_a_new_one() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        await job(kit)
        first = await kit.engine.trigger_job("g/work", idempotency_key="k")
        kit.clock.step(DAY_S - 60)
        assert same(await kit.engine.trigger_job("g/work", idempotency_key="k"), first)
        kit.clock.step(120)
        later = await kit.engine.trigger_job("g/work", kwargs={"n": 7}, idempotency_key="k")
        assert later.id != first.id
        assert not later.replayed


async def test_an_edit_of_the_job_does_not_make_another_call_of_it() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        await job(kit)
        first = await kit.engine.trigger_job("g/work", idempotency_key="k")
        await kit.engine.create_job(
            function="g/work", trigger=YEARLY, name="work", kwargs={"n": 9}, replace=True
        )
        assert same(await kit.engine.trigger_job("g/work", idempotency_key="k"), first)
        await kit.engine.remove_job("g/work")
        await job(kit)
        fresh = await kit.engine.trigger_job("g/work", idempotency_key="k")
        assert not fresh.replayed


async def test_a_run_that_overlap_skipped_is_the_answer_again() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        await job(kit)
        jobs.gate.clear()
        await kit.engine.trigger_job("g/work")
        skipped = await kit.engine.trigger_job("g/work", idempotency_key="k")
        assert skipped.state is RunState.SKIPPED
        jobs.gate.set()
        await kit.clock.settle()
        assert same(await kit.engine.trigger_job("g/work", idempotency_key="k"), skipped)


async def test_what_was_refused_or_not_written_keeps_no_key() -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        await job(kit)
        with pytest.raises(InvalidError):
            await kit.engine.trigger_job("g/work", kwargs={"m": 1}, idempotency_key="k")
        kit.faults.once("insert_runs", StoreUnavailableError("full"))
        with pytest.raises(StoreUnavailableError):
            await kit.engine.trigger_job("g/work", idempotency_key="k")
        run = await kit.engine.trigger_job("g/work", idempotency_key="k")
        assert not run.replayed
        await kit.clock.settle()
        assert jobs.kwargs == [1]


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "a\nb", "a\x1b[2J", "ü", "\x7f"])
async def test_what_cannot_be_a_key(key: str) -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        await job(kit)
        with pytest.raises(InvalidError, match=r"idempotency_key: .* 1 to 200 printable ASCII"):
            await kit.engine.trigger_job("g/work", idempotency_key=key)
        with pytest.raises(InvalidError, match="idempotency_key"):
            await kit.engine.run_function("g/work", idempotency_key=key)
        assert await kit.rows() == []


WHEN = ("before", "after", "commit", "committed")


@pytest.mark.parametrize("method", ["keep_key", "insert_runs", "audit"])
@pytest.mark.parametrize("when", WHEN)
async def test_a_kill_leaves_no_key_without_its_run(world: World, method: str, when: str) -> None:
    """And no run without its key: after a restart the same call makes it, or finds it made."""
    jobs = Editable()
    kit = await Kit([jobs.group], world=world).start()
    await job(kit)
    kit.faults.crash(method, when)
    lost = asyncio.ensure_future(kit.engine.trigger_job("g/work", idempotency_key="k"))
    await kit.until(lambda: kit.store.dead)
    clock = KitClock(await kit.crash())
    lost.cancel()
    clock.step(5)
    after = await Kit([jobs.group], world=world, clock=clock).start()
    try:
        left = await after.rows()
        kept = after.store.inner.call_key(f"job {1}", "k", since_us=0)
        assert [run.id for run in left] == ([] if kept is None else [kept.run_id])
        assert bool(left) is (when == "committed")
        run = await after.engine.trigger_job("g/work", idempotency_key="k")
        assert run.replayed is bool(left)
        assert len(await after.rows()) == 1
    finally:
        await after.stop()


async def test_a_key_whose_run_is_kept_no_longer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Editable()
    async with running(jobs.group) as kit:
        await job(kit)
        await kit.engine.trigger_job("g/work", idempotency_key="k")
        monkeypatch.setattr(kit.store.inner, "run", lambda _id: None)
        with pytest.raises(RunNotFoundError):
            await kit.engine.trigger_job("g/work", idempotency_key="k")


async def test_a_backfill_is_known_by_its_key_after_a_restart(world: World) -> None:
    jobs, day = Editable(), ("2026-01-10", "2026-01-11")
    kit = await Kit([jobs.group], world=world).start()
    try:
        made = await dynamic(kit, trigger={"type": "cron", "expression": "0 * * * *"}, name="work")
        first = await kit.engine.backfill_job("g/work", *day, idempotency_key="k")
    finally:
        await kit.stop()

    after = await Kit([jobs.group], world=world, clock=kit.clock).start()
    try:
        again = await after.engine.backfill_job("g/work", *day, idempotency_key="k")
        rows = [row for row in await after.rows() if row.source is Source.BACKFILL]
        assert (again.runs, again.replayed, again.job_id) == (first.runs, True, made)
        assert len(rows) == first.queued == len(first.runs) > 0
    finally:
        await after.stop()
