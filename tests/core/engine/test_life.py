"""Start, stop, and everything in between that can go wrong with them."""

from __future__ import annotations

import asyncio
import threading
import time
from contextvars import ContextVar
from pathlib import Path

import pytest
from engine_kit import Kit, KitClock, World, check, running

from schedtui import Engine, Group, log
from schedtui.engine import running as running_module
from schedtui.errors import (
    EngineStoppedError,
    RefusedError,
    StoreLockedError,
    StoreUnavailableError,
)
from schedtui.models import Health, RunState


@pytest.fixture(autouse=True)
def short_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "LAST_WORD_S", 0.1)
    monkeypatch.setattr(running_module, "FLUSH_S", 0.3)


async def history(world: World) -> list[tuple[str, RunState, str]]:
    """What a stopped engine left."""
    store = world.store()
    store.open(None)
    try:
        from schedtui.models import RunFilter

        rows = store.inner.runs(RunFilter(), limit=100, before=None)
        return [(run.job, run.state, run.reason) for run in rows[::-1]]
    finally:
        store.inner.close()


async def test_the_grace_lets_runs_finish(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> str:
        log("begun")
        await asyncio.sleep(0.1)
        log("ended")
        return "done"

    kit = await Kit([group], world=world).start()
    await kit.clock.advance(10)
    await kit.stop(grace_s=5)
    assert await history(world) == [("g/work", RunState.SUCCEEDED, "")]
    store = world.store()
    store.open(None)
    assert [line.text for line in store.inner.log_lines(1, after=0, limit=9)] == ["begun", "ended"]
    store.inner.close()


async def test_after_the_grace_async_runs_are_cancelled_with_the_reason(world: World) -> None:
    group = Group("g")
    ended: list[str] = []

    @group.job(every=10)
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            log("cleaned up")
            ended.append("yes")

    kit = await Kit([group], world=world).start()
    await kit.clock.advance(10)
    await kit.stop(grace_s=0.02)
    assert ended == ["yes"]
    assert await history(world) == [
        ("g/work", RunState.CANCELLED, "the engine stopped, and the grace was over")
    ]


async def test_nothing_happens_after_a_stop(world: World) -> None:
    group = Group("g")
    done: list[int] = []

    @group.job(every=10)
    async def work() -> None:
        done.append(1)

    kit = await Kit([group], world=world).start()
    await kit.clock.advance(25)
    await kit.stop()
    before = await history(world)
    await kit.clock.advance(100)
    assert len(done) == 2
    assert await history(world) == before
    assert kit.clock.pending_timers() == 0
    assert not kit.engine.is_running
    for use in (kit.client.info, kit.client.snapshot, kit.client.jobs):
        with pytest.raises(EngineStoppedError):
            await use()
    with pytest.raises(EngineStoppedError):
        await kit.client.trigger_job("g/work")


async def test_a_stop_is_recorded_and_the_next_start_says_it_was_clean(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None: ...

    kit = await Kit([group], world=world).start()
    await kit.clock.advance(11)
    await kit.stop()
    clock = KitClock()
    clock.step(1_000)
    async with running(group, world=world, clock=clock) as after:
        await after.clock.settle()
        missed = [run for run in await after.rows() if run.state is RunState.MISSED]
        assert "did not run from" in missed[0].reason
        assert "did not stop in order" not in missed[0].reason
        actions = [event.action for event in (await after.client.audit()).items]
        assert "engine.stop" in actions
        await check(after)


async def test_a_claim_that_commits_while_the_engine_stops_still_has_its_run(
    world: World,
) -> None:
    """A start that is on its way at the stop is waited for: its row must not lie."""
    group = Group("g")
    done: list[str] = []
    gate = asyncio.Event()

    @group.job(every=3_600)
    async def first() -> None:
        await gate.wait()
        done.append("first")

    @group.job(every=3_600)
    async def second() -> None:
        done.append("second")

    kit = await Kit([group], world=world, async_slots=1).start()
    await kit.client.trigger_job("g/first")
    await kit.client.trigger_job("g/second")
    await kit.clock.settle()
    hold = threading.Event()
    kit.faults.hooks["start"] = lambda: hold.wait(10) and None
    gate.set()
    kit.hung = True
    await kit.until(lambda: kit.faults.calls["start"] == 1)
    kit.hung = False
    parts = kit.running
    stopping = asyncio.ensure_future(kit.stop(grace_s=20))
    await kit.until(lambda: parts.stopping)
    await asyncio.sleep(0.03)  # the time in which a stop that does not wait would go on
    hold.set()
    await stopping
    assert done == ["first", "second"]
    assert {state for _, state, _ in await history(world)} == {RunState.SUCCEEDED}


async def test_a_manual_run_on_its_way_at_the_stop_is_waited_for(world: World) -> None:
    group = Group("g")
    done: list[str] = []

    @group.job(every=3_600)
    async def work() -> None:
        done.append("work")

    kit = await Kit([group], world=world).start()
    hold = threading.Event()
    kit.faults.hooks["insert_runs"] = lambda: hold.wait(10) and None
    triggering = asyncio.ensure_future(kit.client.trigger_job("g/work"))
    await kit.until(lambda: kit.faults.calls["insert_runs"] == 1)
    parts = kit.running
    stopping = asyncio.ensure_future(kit.stop(grace_s=20))
    await kit.until(lambda: parts.stopping)
    await asyncio.sleep(0.03)  # the time in which a stop that does not wait would go on
    hold.set()
    await asyncio.wait([stopping, triggering])
    assert done == ["work"]
    assert await history(world) == [("g/work", RunState.SUCCEEDED, "")]


async def test_a_job_may_stop_its_own_engine(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def last() -> None:
        await kit.engine.stop(0.02)

    kit = await Kit([group], world=world).start()
    parts = kit.running
    await kit.clock.advance(10)
    await asyncio.wait_for(parts.ended.wait(), 5)
    await kit.engine.stop()
    assert not kit.engine.is_running
    ((job, state, _),) = await history(world)
    assert (job, state) == ("g/last", RunState.CANCELLED)


async def test_what_is_queued_at_a_stop_stays_queued(world: World) -> None:
    group = Group("g")

    async def work() -> None:
        await asyncio.Event().wait()

    for number in range(2):
        group.job(every=10, name=f"j{number}")(work)
    kit = await Kit([group], world=world, async_slots=1).start()
    await kit.clock.advance(11)
    await kit.stop(grace_s=0.02)
    assert [state for _, state, _ in await history(world)] == [
        RunState.CANCELLED,
        RunState.QUEUED,
    ]


async def test_a_stop_with_a_store_that_does_not_answer_ends() -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None: ...

    kit = await Kit([group]).start()
    await kit.clock.advance(11)
    kit.faults.down = True
    trigger = asyncio.ensure_future(kit.client.trigger_job("g/work"))
    began = time.monotonic()
    await kit.engine.stop(0.02)
    assert time.monotonic() - began < 10
    await asyncio.wait([trigger], timeout=5)
    assert isinstance(trigger.exception(), StoreUnavailableError | EngineStoppedError)
    assert not kit.engine.is_running


async def test_starting_twice_is_refused_and_harms_nothing() -> None:
    group = Group("g")
    async with running(group) as kit:
        with pytest.raises(RefusedError, match="runs already"):
            await kit.engine.start()
        with pytest.raises(RefusedError, match="runs already"):
            kit.engine.run_in_thread()
        assert (await kit.client.info()).health is Health.OK


async def test_two_starts_at_once_start_once() -> None:
    kit = Kit()
    results = await asyncio.gather(kit.engine.start(), kit.engine.start(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["NoneType", "RefusedError"]
    assert kit.engine.is_running
    await kit.stop()


async def test_stopping_twice_and_at_once_is_fine(world: World) -> None:
    kit = await Kit(world=world).start()
    await asyncio.gather(kit.engine.stop(0.01), kit.engine.stop(0.01))
    assert not kit.engine.is_running
    # Both have returned, so that the store is free for the next one.
    again = await Kit(world=world).start()
    await again.stop()
    await again.engine.stop()


async def test_stopping_what_never_started_is_fine() -> None:
    await Kit().engine.stop()
    Kit().engine.close()


async def test_a_stop_during_the_start_stops_it(world: World) -> None:
    kit = Kit(world=world)
    starting = asyncio.ensure_future(kit.engine.start())
    for _ in range(3):
        await asyncio.sleep(0)
    await kit.engine.stop(0.01)
    await asyncio.wait([starting])
    assert not kit.engine.is_running
    again = await Kit(world=world).start()
    await again.stop()


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 20, 60])
async def test_a_start_that_is_cancelled_lets_go_of_the_store(world: World, turns: int) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None: ...

    kit = Kit([group], world=world)
    starting = asyncio.ensure_future(kit.engine.start())
    for _ in range(turns):
        await asyncio.sleep(0)
    if starting.done():
        await kit.engine.stop()
    starting.cancel()
    await asyncio.wait([starting])
    assert not kit.engine.is_running
    async with running(group, world=world) as after:
        await after.clock.advance(11)
        assert [run.state for run in await after.rows()] == [RunState.SUCCEEDED]


async def test_an_engine_can_be_started_again(world: World) -> None:
    group = Group("g")
    done: list[int] = []

    @group.job(every=10)
    async def work() -> None:
        done.append(1)

    store = world.store()
    clock = KitClock()
    engine = Engine(groups=[group], store=store, clock=clock, echo=False)
    for _ in range(2):
        async with engine:
            await clock.advance(10)
            await asyncio.sleep(0.05)
            await clock.advance(0.01)
    assert len(done) == 2


@pytest.mark.parametrize("address", ["", "/run/engine.sock"])
async def test_who_is_refused_the_store_is_sent_only_where_somebody_listens(
    tmp_path: Path, address: str
) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    engine = Engine(store=url, clock=KitClock())
    engine.address = address
    async with engine:
        with pytest.raises(StoreLockedError) as refused:
            await Engine(store=url, clock=KitClock()).start()
    assert refused.value.address == (address or None)
    assert address in str(refused.value)
    assert ("open the console" in str(refused.value)) is bool(address)


async def test_a_second_engine_on_the_store_is_refused(world: World) -> None:
    async with running(world=world):
        other = Kit(world=world)
        with pytest.raises(StoreLockedError):
            await other.start()
        assert not other.engine.is_running


async def test_a_run_has_the_context_of_the_engines_start_not_of_who_triggers_it() -> None:
    of: ContextVar[str] = ContextVar("of", default="nobody")
    group = Group("g")
    seen: list[str] = []

    @group.job(every=10)
    async def coroutine() -> None:
        seen.append(of.get())

    @group.job(every=10)
    def plain() -> None:
        seen.append(of.get())

    of.set("the service")
    async with running(group) as kit:
        of.set("one request")
        for name in ("coroutine", "plain"):
            await kit.client.trigger_job(f"g/{name}")
        await kit.until(lambda: len(seen) == 2)
        assert seen == ["the service"] * 2
