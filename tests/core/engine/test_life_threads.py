"""An engine in a thread of its own, and its methods for code that is not async."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from schedtui import Engine, Group
from schedtui.client.local import LocalClient
from schedtui.errors import (
    EngineStoppedError,
    InvalidError,
    RefusedError,
    StoreLockedError,
)
from schedtui.models import Health
from schedtui.protocols import Boot, Opened
from schedtui.testing import MemoryStore


@pytest.mark.parametrize("number", [0, 10_001, True, "4"])
@pytest.mark.parametrize("field", ["threads", "async_slots", "processes"])
def test_slots_that_cannot_be_are_refused(field: str, number: object) -> None:
    wrong: dict[str, Any] = {field: number}
    with pytest.raises(InvalidError, match=f"{field}: .*a whole number from 1 to 10,000"):
        Engine(store="memory://", **wrong)
    if field == "threads":
        with pytest.raises(InvalidError, match=r"limit: .*from 1 to 10,000"):
            Group("g", limit=cast("int", number))


def make(**settings: Any) -> tuple[Engine, list[str]]:
    group = Group("g")
    done: list[str] = []

    @group.job(every=3_600)
    async def coroutine() -> None:
        done.append("async")

    @group.job(every=3_600)
    def plain() -> None:
        done.append("plain")

    engine = Engine(groups=[group], store=MemoryStore(), echo=False, **settings)
    return engine, done


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
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
    store = engine._choice._given
    assert isinstance(store, MemoryStore)
    store.open(None)
    with pytest.raises(StoreLockedError):
        engine.run_in_thread()
    store.close()
    engine.run_in_thread().close()


class SlowStore(MemoryStore):
    """A store that answers no sooner than it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.answers = threading.Event()

    def open(self, boot: Boot | None) -> Opened:
        self.asked.set()
        self.answers.wait(30)
        return super().open(boot)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowStore]:
    monkeypatch.setattr("schedtui.engine.engine.START_GRACE_S", 0.05)
    store = SlowStore()
    yield store
    store.answers.set()


def test_a_start_that_hangs_can_be_closed(
    slow: SlowStore, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine(store=slow, echo=False)
    told: list[BaseException] = []

    def start() -> None:
        try:
            engine.run_in_thread()
        except EngineStoppedError as error:
            told.append(error)

    starting = threading.Thread(target=start)
    starting.start()
    assert slow.asked.wait(10)
    engine.close()
    starting.join(10)
    assert "while it was starting" in str(told[0])
    assert "its store does not answer" in caplog.text
    slow.answers.set()
    wait_for(lambda: not any(t.name == "schedtui-engine" for t in threading.enumerate()))
    engine.run_in_thread().close()  # what answered too late holds nothing


def test_a_signal_breaks_a_start_that_hangs(slow: SlowStore) -> None:
    engine = Engine(store=slow, echo=False)

    def interrupt() -> None:
        assert slow.asked.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        engine.run_in_thread()
    assert not engine.is_running


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
    def one_off() -> None:
        engine.sync.remove_job("g/one_off")
        done.append("deleted")

    engine = Engine(groups=[group], store=MemoryStore(), echo=False)
    engine.run_in_thread()
    engine.sync.create_job(function="g/one_off", trigger={"type": "every", "seconds": 60})
    engine.sync.trigger_job("g/one_off")
    wait_for(lambda: done == ["deleted"])
    wait_for(lambda: not engine.store.open_runs())
    engine.close()


async def test_an_engine_in_a_thread_can_be_stopped_from_another_loop() -> None:
    engine, _ = make()
    engine.run_in_thread()
    client = LocalClient(engine)
    assert (await client.info()).health is Health.OK
    await engine.stop(0.1)
    assert not engine.is_running
    await asyncio.to_thread(engine.run_in_thread)
    assert (await client.info()).health is Health.OK
    await engine.stop(0.1)
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


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_an_exit_in_a_subtask_is_a_failed_run_and_the_engine_goes_on(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    group = Group("g")

    async def part() -> None:
        raise error

    @group.function()
    async def gathers() -> None:
        await asyncio.gather(part(), asyncio.sleep(0))

    @group.function()
    async def stops_the_loop() -> None:
        asyncio.get_running_loop().stop()

    engine = Engine(groups=[group], store=MemoryStore(), echo=False).run_in_thread()
    dead: list[bool] = []
    engine.on_death.append(lambda: dead.append(True))
    for name, state in (("gathers", "failed"), ("stops_the_loop", "succeeded")):
        engine.sync.create_job(function=f"g/{name}", trigger={"type": "every", "seconds": 60})
        run_id = engine.sync.trigger_job(f"g/{name}").id
        wait_for(lambda: not engine.store.open_runs())
        run = asyncio.run(LocalClient(engine).run(run_id))
        assert run.state.value == state
        assert name != "gathers" or run.error_type == type(error).__name__
    assert "the engine goes on" in caplog.text
    engine.close()
    assert dead == []


def test_an_engine_whose_thread_ends_unasked_says_so(caplog: pytest.LogCaptureFixture) -> None:
    engine, _ = make()
    engine.run_in_thread()
    dead = threading.Event()
    engine.on_death.append(lambda: 1 / 0)
    engine.on_death.append(dead.set)

    async def cancel_everything() -> None:
        for task in asyncio.all_tasks():
            task.cancel()

    asyncio.run_coroutine_threadsafe(cancel_everything(), engine.loop)
    assert dead.wait(10)
    assert any(record.levelname == "CRITICAL" for record in caplog.records)
    assert not engine.is_running
    with pytest.raises(EngineStoppedError):
        engine.sync.trigger_job("g/plain")
    # Nothing is locked: the same store opens again.
    engine.run_in_thread().close()
