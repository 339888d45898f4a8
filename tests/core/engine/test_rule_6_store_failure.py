"""Rule 6: no row, no run; due times are handed back; outcomes wait; bad data costs one job only."""

from __future__ import annotations

import asyncio
import logging

import pytest
from engine_kit import Kit, World, check, due_s, running

from schedtui import Group, current_run, log
from schedtui.errors import StoreDataError, StoreError, StoreUnavailableError
from schedtui.models import Health, JobPatch, RunState
from schedtui.protocols import Claim

FULL = StoreUnavailableError("the disk is full")


class Worker:
    """One job every ten seconds, and what it did."""

    def __init__(self, **policies: object) -> None:
        self.group = Group("g")
        self.done: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.group.job(every=10, **policies)(self.work)  # type: ignore[arg-type]

    async def work(self) -> None:
        moment = current_run().scheduled_for
        self.done.append(0.0 if moment is None else moment.timestamp() % 3_600)
        log("line")
        await self.gate.wait()


async def back(kit: Kit) -> None:
    """The store answers again; wait until the writer has found out."""
    kit.faults.down = False
    await kit.until(lambda: not kit.running.core.problems)
    await kit.clock.settle()


@pytest.mark.parametrize("point", ["begin", "claim", "claim:after", "commit"])
async def test_a_claim_that_fails_is_tried_again_with_the_same_due_time(
    world: World, point: str
) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        await kit.clock.advance(5)
        kit.faults.once(point, FULL)
        await kit.clock.advance(8)
        assert worker.done == [10.0]
        assert [due_s(run) for run in await kit.rows()] == [10.0]
        await check(kit, effects=worker.done)


async def test_no_row_no_run_while_the_store_is_down(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        kit.faults.down = True
        await kit.clock.advance(45)
        await kit.until(lambda: kit.running.info().health is Health.DEGRADED)
        assert kit.running.info().problems == ("the disk is full",)
        assert worker.done == []
        await back(kit)
        await kit.clock.advance(3)
        assert kit.running.info().health is Health.OK
        assert worker.done == [40.0]
        states = [(due_s(run), run.state) for run in await kit.rows()]
        assert states[:3] == [(s, RunState.SKIPPED) for s in (10.0, 20.0, 30.0)]
        await kit.clock.advance(10)
        await check(kit, effects=worker.done)


async def test_a_long_outage_is_misfire_and_range(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        kit.faults.down = True
        await kit.clock.advance(2)
        kit.clock._move(kit.clock._monotonic_us + 5_000_000_000)
        await kit.clock.advance(1)
        await back(kit)
        await kit.clock.advance(12)
        rows = await kit.rows()
        assert rows[0].range_count is not None
        assert rows[0].state is RunState.MISSED
        await check(kit, effects=worker.done)


async def test_an_outcome_waits_and_arrives(world: World) -> None:
    worker = Worker()
    worker.gate.clear()
    async with running(worker.group, world=world) as kit:
        await kit.clock.advance(10)
        kit.faults.down = True
        worker.gate.set()
        await kit.clock.advance(6)
        await kit.until(lambda: "store" in kit.running.core.problems)
        assert [run.state for run in await kit.rows()] == [RunState.RUNNING]
        await back(kit)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        (run,) = await kit.rows()
        assert run.state is RunState.SUCCEEDED
        await kit.clock.settle()
        lines = (await kit.client.logs(run.id)).lines
        assert [line.text for line in lines] == ["line"]
        await kit.clock.advance(10)
        await check(kit, effects=worker.done)


async def test_the_job_counts_as_active_until_its_outcome_is_written() -> None:
    worker = Worker()
    worker.gate.clear()
    async with running(worker.group) as kit:
        await kit.clock.advance(10)
        kit.faults.always("finish", FULL)
        worker.gate.set()
        await kit.clock.advance(1)
        live = kit.running.core.jobs.named("g/work")
        assert live.active == 1
        kit.faults.hooks.clear()
        await kit.until(lambda: live.active == 0)


async def test_at_most_two_batches_are_under_way_and_nothing_more_is_popped() -> None:
    group = Group("g")

    async def work() -> None: ...

    for number in range(1_600):
        group.job(every=60, name=f"j{number}")(work)
    async with running(group) as kit:
        gate = asyncio.Event()
        loop = asyncio.get_running_loop()
        kit.faults.hooks["claim"] = lambda: asyncio.run_coroutine_threadsafe(
            gate.wait(), loop
        ).result()
        kit.clock.engines.clear()
        await kit.clock.advance(60)
        for _ in range(50):
            await kit.clock.advance(0.01)
        assert kit.running.claims.outstanding == 1_000
        del kit.faults.hooks["claim"]
        gate.set()
        kit.clock.engines.append(kit)
        await kit.clock.advance(2)
        assert len(await kit.rows()) == 1_600


@pytest.mark.parametrize("error", [FULL, StoreError("the file is damaged")])
async def test_a_command_fails_at_once_and_changes_nothing(error: Exception) -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        await kit.client.trigger_job("g/work")
        await kit.clock.settle()
        kit.faults.always("begin", error)
        for command in (
            lambda: kit.client.trigger_job("g/work"),
            lambda: kit.client.pause_job("g/work"),
            lambda: kit.client.edit_job("g/work", JobPatch(description="x")),
            lambda: kit.engine.create_job(
                function="g/work", trigger={"type": "every", "seconds": 5}, name="n"
            ),
        ):
            with pytest.raises(type(error)):
                await command()
        kit.faults.hooks.clear()
        live = kit.running.core.jobs.named("g/work")
        assert (live.active, live.busy, live.version, live.job.paused) == (0, False, 1, False)
        assert {pool.free for pool in kit.running.core.pools.values()} == {32, 1_000}
        assert [pool.claimed for pool in kit.running.core.pools.values()] == [0, 0]
        await kit.clock.advance(20)
        assert worker.done == [0.0, 10.0, 20.0]


async def test_a_command_on_a_due_job_is_refused_while_the_store_is_down() -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        kit.faults.down = True
        await kit.clock.advance(11)
        with pytest.raises(StoreUnavailableError):
            await kit.client.pause_job("g/work")
        await back(kit)
        await kit.client.pause_job("g/work")
        await kit.clock.advance(30)
        assert worker.done == [10.0]


def refuse_job(kit: Kit, job_id: int, error: Exception) -> None:
    """Let the store refuse every claim of one job that has something to run."""
    inner = kit.store.inner.transaction

    class Refusing:
        def __init__(self, tx: object) -> None:
            self.tx = tx

        def __getattr__(self, name: str) -> object:
            return getattr(self.tx, name)

        def claim(self, claims: list[Claim]) -> object:
            for claim in claims:
                if claim.job_id == job_id and any(run.token for run in claim.runs):
                    raise error
            return self.tx.claim(claims)  # type: ignore[attr-defined]

    from contextlib import contextmanager

    @contextmanager
    def transaction():  # type: ignore[no-untyped-def]
        with inner() as tx:
            yield Refusing(tx)

    kit.store.inner.transaction = transaction  # type: ignore[method-assign]


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
        await kit.until(lambda: bad.next_due_us == bad.last_due_us + 60_000_000)  # type: ignore[operator]
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


async def test_log_lines_are_dropped_first_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from schedtui.store import writer

    monkeypatch.setattr(writer, "MAX_LOG_BYTES", 2_000)
    group = Group("g")
    gate = asyncio.Event()

    @group.job(every=10)
    async def work() -> None:
        for _ in range(10):
            log("x" * 1_000)
            await asyncio.sleep(0.01)
        await gate.wait()

    async with running(group) as kit:
        await kit.clock.advance(10)
        kit.faults.down = True
        live = kit.running.core.jobs.named("g/work")
        await kit.until(lambda: bool(live.running))
        (run,) = live.running.values()
        await kit.until(lambda: run.sink is not None and run.sink.last_seq == 10)
        await kit.until(lambda: run.sink is not None and run.sink.dropped > 0)
        gate.set()
        await kit.clock.settle()
        await back(kit)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        await kit.until(lambda: kit.pending == 0)
        row = await kit.client.run(run.id)
        page = await kit.client.logs(run.id)
        assert row.state is RunState.SUCCEEDED
        assert row.log_dropped > 0
        assert row.log_dropped + len(page.lines) == 10


async def test_health_is_degraded_while_claims_fail_for_another_reason(world: World) -> None:
    worker = Worker()
    async with running(worker.group, world=world) as kit:
        kit.faults.always("claim", StoreError("state.db is damaged"))
        await kit.clock.advance(12)
        assert kit.running.info().health is Health.DEGRADED
        assert any("state.db is damaged" in text for text in kit.running.info().problems)
        kit.faults.hooks.clear()
        await kit.clock.advance(5)
        assert kit.running.info().health is Health.OK
        await check(kit, effects=worker.done)


async def test_one_start_that_is_refused_does_not_hold_up_the_queue() -> None:
    worker = Worker()
    group = worker.group
    worker.gate.clear()
    group.job(every=3_600, name="a", paused=True)(worker.work)
    async with running(group, async_slots=1) as kit:
        await kit.client.trigger_job("g/work")
        await kit.client.trigger_job("g/a")
        kit.faults.once("start", StoreDataError("no"))
        worker.gate.set()
        await kit.clock.advance(5)
        states = [run.state for run in await kit.rows()]
        assert states == [RunState.SUCCEEDED, RunState.SUCCEEDED]


async def test_a_start_that_fails_is_tried_again(world: World) -> None:
    worker = Worker()
    worker.gate.clear()
    worker.group.job(every=3_600, name="a", paused=True)(worker.work)
    async with running(worker.group, world=world, async_slots=1) as kit:
        await kit.client.trigger_job("g/work")
        await kit.client.trigger_job("g/a")
        kit.faults.once("start", FULL)
        worker.gate.set()
        await kit.clock.advance(5)
        rows = await kit.rows()
        assert [run.state for run in rows] == [RunState.SUCCEEDED, RunState.SUCCEEDED]
        assert kit.running.core.pools["async"].free == 1
        assert kit.running.core.pools["async"].claimed == 0


@pytest.mark.parametrize("point", ["begin", "open"])
async def test_an_engine_does_not_start_on_a_store_that_does_not_answer(point: str) -> None:
    worker = Worker()
    kit = Kit([worker.group])
    kit.faults.always(point, FULL)
    with pytest.raises(StoreUnavailableError, match="the disk is full"):
        await kit.start()
    assert not kit.engine.is_running
    kit.faults.hooks.clear()
    await kit.start()
    await kit.clock.advance(10)
    assert worker.done == [10.0]
    await kit.stop()
