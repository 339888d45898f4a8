"""Start, stop, and everything in between that can go wrong with them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest
from engine_kit import Kit, KitClock, World, check, running

from schedtui import Engine, Group, log
from schedtui.client.local import LocalClient
from schedtui.engine import running as running_module
from schedtui.errors import (
    EngineStoppedError,
    InvalidError,
    RefusedError,
    StoreLockedError,
    StoreUnavailableError,
)
from schedtui.models import Health, RunState
from schedtui.testing import MemoryStore


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


@pytest.mark.parametrize("kind", ["thread", "swallows its cancellation"])
async def test_a_stubborn_run_is_lost_and_its_end_is_not_heard(world: World, kind: str) -> None:
    group = Group("g")
    gate = threading.Event()
    stay = asyncio.Event()

    if kind == "thread":

        @group.job(every=10)
        def work() -> str:
            gate.wait(20)
            return "too late"
    else:

        @group.job(every=10, name="work")
        async def swallows() -> None:
            while not stay.is_set():
                try:
                    await stay.wait()
                except asyncio.CancelledError:
                    log("no")

    kit = await Kit([group], world=world).start()
    await kit.clock.advance(10)
    await kit.until(lambda: len(kit.running.supervisor.running) == 1)
    await kit.stop(grace_s=0.02)
    gate.set()
    stay.set()
    await asyncio.sleep(0.02)
    ((job, state, reason),) = await history(world)
    assert (job, state) == ("g/work", RunState.LOST)
    assert "may have done its work" in reason


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
    kit.clock.engines.clear()
    await kit.until(lambda: kit.faults.calls["start"] == 1)
    kit.clock.engines.append(kit)
    stopping = asyncio.ensure_future(kit.stop(grace_s=5))
    await asyncio.sleep(0.03)
    hold.set()
    await stopping
    assert done == ["first", "second"]
    assert {state for _, state, _ in await history(world)} == {RunState.SUCCEEDED}


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
    engine = Engine(groups=[group], store=store, clock=clock, echo=False)  # type: ignore[arg-type]
    for _ in range(2):
        async with engine:
            await clock.advance(10)
            await asyncio.sleep(0.05)
            await clock.advance(0.01)
    assert len(done) == 2


async def test_a_second_engine_on_the_store_is_refused(world: World) -> None:
    async with running(world=world):
        other = Kit(world=world)
        with pytest.raises(StoreLockedError):
            await other.start()
        assert not other.engine.is_running


@pytest.mark.parametrize("field", ["threads", "async_slots"])
def test_no_slots_at_all_is_refused(field: str) -> None:
    with pytest.raises(InvalidError, match="a whole number from 1 up"):
        Engine(store="memory://", **{field: 0})  # type: ignore[arg-type]


def make(**settings: object) -> tuple[Engine, list[str]]:
    group = Group("g")
    done: list[str] = []

    @group.job(every=3_600)
    async def coroutine() -> None:
        done.append("async")

    @group.job(every=3_600)
    def plain() -> None:
        done.append("plain")

    engine = Engine(groups=[group], store=MemoryStore(), echo=False, **settings)  # type: ignore[arg-type]
    return engine, done


def wait_for(condition: object, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.002)


def test_an_engine_in_a_thread_of_its_own() -> None:
    engine, done = make()
    assert engine.run_in_thread() is engine
    run = engine.sync.trigger_job("g/coroutine")
    engine.sync.trigger_job("g/plain")
    wait_for(lambda: sorted(done) == ["async", "plain"])
    job = engine.sync.create_job(function="g/plain", trigger={"type": "every", "seconds": 60})
    assert engine.sync.pause_job(job.full_name).paused
    assert not engine.sync.resume_job(job.full_name).paused
    engine.sync.remove_job(job.full_name)
    assert run.id > 0
    engine.close()
    engine.close()
    assert not engine.is_running
    assert not any(thread.name == "schedtui-engine" for thread in threading.enumerate())
    with pytest.raises(EngineStoppedError):
        engine.sync.trigger_job("g/plain")
    engine.run_in_thread().close()


def test_a_start_that_fails_in_a_thread_is_told_here() -> None:
    engine, _ = make()
    store = engine._store_given
    assert isinstance(store, MemoryStore)
    store.open(None)
    with pytest.raises(StoreLockedError):
        engine.run_in_thread()
    store.close()
    engine.run_in_thread().close()


async def test_sync_is_refused_on_the_engines_own_loop() -> None:
    engine, _ = make()
    async with engine:
        with pytest.raises(RefusedError, match="own event loop"):
            engine.sync.trigger_job("g/plain")
        run = await asyncio.to_thread(engine.sync.trigger_job, "g/plain")
        assert run.id == 1


def test_a_job_may_use_sync_from_its_thread_to_delete_itself() -> None:
    group = Group("g")
    done: list[str] = []

    @group.function()
    def suicidal() -> None:
        engine.sync.remove_job("g/suicidal")
        done.append("deleted")

    engine = Engine(groups=[group], store=MemoryStore(), echo=False)
    engine.run_in_thread()
    engine.sync.create_job(function="g/suicidal", trigger={"type": "every", "seconds": 60})
    run = engine.sync.trigger_job("g/suicidal")
    wait_for(lambda: done == ["deleted"])
    wait_for(lambda: engine.store.run(run.id).state is RunState.SUCCEEDED)  # type: ignore[union-attr]
    engine.close()


async def test_an_engine_in_a_thread_can_be_stopped_from_another_loop() -> None:
    engine, _ = make()
    engine.run_in_thread()
    client = LocalClient(engine)
    assert (await client.info()).health is Health.OK
    await engine.stop(0.1)
    assert not engine.is_running
    await asyncio.to_thread(engine.close)
    assert not any(thread.name == "schedtui-engine" for thread in threading.enumerate())
    engine.run_in_thread()
    await asyncio.to_thread(engine.close)


def test_closing_from_its_own_loop_is_refused_and_not_a_deadlock() -> None:
    engine, _ = make()
    engine.run_in_thread()
    caught: list[Exception] = []

    async def close() -> None:
        try:
            engine.close()
        except RefusedError as error:
            caught.append(error)

    asyncio.run_coroutine_threadsafe(close(), engine.loop).result(5)
    assert len(caught) == 1
    engine.close()


def test_a_program_that_forgets_to_close_ends_all_the_same() -> None:
    code = (
        "import time\n"
        "from schedtui import Engine, Group\n"
        "g = Group('g')\n"
        "@g.job(every=3600)\n"
        "def stuck(): time.sleep(60)\n"
        "e = Engine(groups=[g], store='memory://').run_in_thread()\n"
        "e.sync.trigger_job('g/stuck')\n"
        "print('end')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end\n", "")
