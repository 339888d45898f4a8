"""Plain functions in threads."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest
from running_doubles import Calls, SetClock, context_of, make_sink

from schedtui.capture import current_run
from schedtui.execution import ThreadExecutor
from schedtui.execution.ended import ASKED
from schedtui.models import RunState
from schedtui.protocols import Call, Ended


class Gate:
    """Where functions wait until the test lets them go on."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.arrived = threading.Semaphore(0)

    def wait(self) -> str:
        self.arrived.release()
        assert self.open.wait(20)
        return threading.current_thread().name

    async def full(self, number: int) -> None:
        """Wait until that many have arrived."""
        for _ in range(number):
            assert await asyncio.to_thread(self.arrived.acquire, timeout=10)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def calls(gate: Gate) -> AsyncIterator[Calls]:
    executor = ThreadExecutor(SetClock(), slots=2)
    executor.start()
    yield Calls(executor)
    gate.open.set()
    await executor.close()


async def test_no_more_threads_than_slots_and_they_are_daemons(calls: Calls, gate: Gate) -> None:
    for _ in range(5):
        calls.submit(gate.wait)
    await gate.full(2)
    assert not gate.arrived.acquire(blocking=False)
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("schedtui-")]
    assert all(thread.daemon for thread in ours)
    gate.open.set()
    names = {ended.result for ended in (await calls.all()).values()}
    assert names == {'"schedtui-1"', '"schedtui-2"'}


async def test_threads_start_when_they_are_needed(calls: Calls) -> None:
    for _ in range(5):
        ended = await calls.run(lambda: threading.current_thread().name)
        assert ended.result == '"schedtui-1"'


async def test_what_runs_can_only_be_asked_and_what_waits_is_taken_back(
    calls: Calls, gate: Gate
) -> None:
    begun: list[int] = []
    running = [calls.submit(gate.wait), calls.submit(gate.wait)]
    waiting = calls.submit(lambda: begun.append(1))
    await gate.full(2)
    assert calls.executor.cancel(running[0])
    assert calls.executor.cancel(waiting)
    assert waiting not in calls.ended
    assert (await calls.end(waiting)).state is RunState.CANCELLED
    assert not calls.executor.cancel(waiting)
    gate.open.set()
    ended = await calls.end(running[0])
    assert (ended.state, ended.reason) == (RunState.SUCCEEDED, ASKED)
    assert (await calls.end(running[1])).reason is None
    assert begun == []


async def test_a_function_that_returns_something_to_await_is_refused(calls: Calls) -> None:
    async def coroutine() -> None:
        raise AssertionError("never runs")

    def wrapper() -> Coroutine[Any, Any, None]:
        return coroutine()

    ended = await calls.run(wrapper)
    assert (ended.state, ended.error_type) == (RunState.FAILED, "TypeError")
    assert "declare it with 'async def'" in (ended.error or "")

    class Later:
        def __await__(self) -> Any:
            yield

    ended = await calls.run(Later)
    assert "returned a Later that nobody awaits" in (ended.error or "")


async def test_a_function_may_run_a_loop_of_its_own(calls: Calls) -> None:
    async def coroutine() -> int:
        await asyncio.sleep(0)
        return 6

    assert (await calls.run(lambda: asyncio.run(coroutine()))).result == "6"


async def test_close_takes_back_what_waits_and_abandons_what_runs(calls: Calls, gate: Gate) -> None:
    running = [calls.submit(gate.wait), calls.submit(gate.wait)]
    waiting = calls.submit(gate.wait)
    await gate.full(2)
    await calls.executor.close()
    assert calls.ended[waiting].state is RunState.CANCELLED
    ours = [one for one in threading.enumerate() if one.name in ("schedtui-1", "schedtui-2")]
    gate.open.set()
    for thread in ours:
        await asyncio.to_thread(thread.join, 10)
    await asyncio.sleep(0)
    assert not any(run_id in calls.ended for run_id in running)


async def test_a_late_result_does_not_reach_the_next_start(calls: Calls, gate: Gate) -> None:
    late = calls.submit(gate.wait)
    await gate.full(1)
    threads = [thread for thread in threading.enumerate() if thread.name == "schedtui-1"]
    await calls.executor.close()
    calls.executor.start()
    gate.open.set()
    for thread in threads:
        await asyncio.to_thread(thread.join, 10)
    assert (await calls.run(lambda: "new")).result == '"new"'
    assert late not in calls.ended


async def test_what_has_ended_is_reported_by_close(calls: Calls) -> None:
    finished = threading.Event()
    run_id = calls.submit(finished.set)
    # The loop is kept from turning: the end waits to be reported.
    assert finished.wait(10)
    while calls.executor._unreported and not calls.executor._ended:  # type: ignore[attr-defined]  # a look inside
        pass
    await calls.executor.close()
    assert calls.ended[run_id].state is RunState.SUCCEEDED


async def test_an_end_is_reported_in_the_context_of_the_start() -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
    executor = ThreadExecutor(SetClock())
    tenant.set("host")
    executor.start()
    tenant.set("another")
    seen: list[str] = []
    reported = asyncio.Event()

    def done(_: Ended) -> None:
        seen.append(tenant.get())
        reported.set()

    executor.submit(Call(1, lambda: tenant.set("job"), {}, context_of(make_sink()), done))
    await asyncio.wait_for(reported.wait(), 10)
    await executor.close()
    assert seen == ["host"]


async def test_a_machine_without_threads_left_is_a_failed_run(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        run_id = calls.submit(lambda: 1)
    ended = await calls.end(run_id)
    assert (ended.state, ended.error) == (RunState.FAILED, "can't start new thread")
    assert (await calls.run(lambda: 2)).result == "2"


async def test_with_some_threads_left_the_rest_waits_for_them(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await calls.run(lambda: 1)).result == "1"

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        ids = [calls.submit(lambda: 2) for _ in range(3)]
    assert [(await calls.end(run_id)).result for run_id in ids] == ["2", "2", "2"]


async def test_an_exception_from_outside_of_the_call_ends_its_run_only(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(*_: object) -> Ended:
        raise SystemExit("thrown into the thread")

    with monkeypatch.context() as patch:
        patch.setattr(calls.executor, "_make", make)
        for _ in range(3):
            ended = await calls.run(lambda: 1)
            assert (ended.state, ended.error_type) == (RunState.FAILED, "SystemExit")
    assert (await calls.run(lambda: threading.current_thread().name)).result == '"schedtui-1"'


async def test_an_idle_thread_holds_nothing_of_the_last_call(calls: Calls) -> None:
    class Big:
        pass

    big = Big()
    alive = weakref.ref(big)

    def job(held: object) -> None:
        assert held

    reported = asyncio.Event()

    def done(_: Ended) -> None:
        reported.set()

    calls.executor.submit(Call(50, job, {"held": big}, context_of(make_sink(50)), done))
    await reported.wait()
    del big
    for _ in range(1_000):
        if alive() is None:
            break
        await asyncio.sleep(0.001)
    assert alive() is None


def test_a_result_after_the_loop_was_closed_is_no_noise(gate: Gate) -> None:
    executor = ThreadExecutor(SetClock())

    async def main() -> None:
        executor.start()
        Calls(executor).submit(gate.wait)
        await gate.full(1)

    asyncio.run(main())
    threads = [thread for thread in threading.enumerate() if thread.name == "schedtui-1"]
    gate.open.set()
    # It ends only once its executor is closed, but has handed its result over by then.
    while not executor._ended:
        threads[0].join(0.001)
    asyncio.run(executor.close())
    threads[0].join(10)
    assert not threads[0].is_alive()


def test_a_stuck_function_does_not_keep_the_process_alive() -> None:
    script = """
import asyncio, threading
from running_doubles import Calls, SetClock
from schedtui.capture import current_run
from schedtui.execution import ThreadExecutor
from schedtui.execution.ended import ASKED

async def main():
    executor = ThreadExecutor(SetClock())
    executor.start()
    begun = threading.Event()
    Calls(executor).submit(lambda: (begun.set(), threading.Event().wait()))
    begun.wait(10)
    await executor.close()

asyncio.run(main())
print("left")
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        env={"PYTHONPATH": ":".join(sys.path)},
        check=True,
    )
    assert (result.stdout, result.stderr) == ("left\n", "")


async def test_a_thread_that_is_let_go_is_replaced_and_ends_with_its_function(
    calls: Calls, gate: Gate
) -> None:
    stuck = [calls.submit(gate.wait), calls.submit(gate.wait)]
    waiting = calls.submit(lambda: threading.current_thread().name)
    await gate.full(2)
    threads = [one for one in threading.enumerate() if one.name in ("schedtui-1", "schedtui-2")]
    for number, run_id in enumerate(stuck, 1):
        assert calls.executor.abandon(run_id)
        assert not calls.executor.abandon(run_id)
        assert not calls.executor.cancel(run_id)
        assert calls.executor.stuck == number
    assert (await calls.end(waiting)).state is RunState.SUCCEEDED
    for _ in range(5):
        assert (await calls.run(lambda: 1)).result == "1"
    gate.open.set()
    for thread in threads:
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()
    assert calls.executor.stuck == 0
    assert not set(stuck) & set(calls.ended)


async def test_the_pool_stays_as_large_as_it_was(calls: Calls, gate: Gate) -> None:
    for _ in range(3):
        run_id = calls.submit(gate.wait)
        await gate.full(1)
        assert calls.executor.abandon(run_id)
    for _ in range(3):
        calls.submit(gate.wait)
    await gate.full(2)
    assert not gate.arrived.acquire(blocking=False)
    assert calls.executor.stuck == 3


async def test_what_waits_can_be_let_go(calls: Calls, gate: Gate) -> None:
    for _ in range(2):
        calls.submit(gate.wait)
    waiting = calls.submit(gate.wait)
    await gate.full(2)
    assert calls.executor.abandon(waiting)
    assert calls.executor.stuck == 0
    gate.open.set()
    assert (await calls.run(lambda: 2)).result == "2"
    assert waiting not in calls.ended


async def test_a_function_that_ends_because_it_was_asked_may_say_so(calls: Calls) -> None:
    begun = threading.Event()

    def function() -> None:
        begun.set()
        while not current_run().cancelled:
            pass
        raise asyncio.CancelledError

    run_id = calls.submit(function)
    await asyncio.to_thread(begun.wait, 10)
    assert calls.executor.cancel(run_id)
    ended = await calls.end(run_id)
    assert (ended.state, ended.error_type, ended.reason) == (RunState.CANCELLED, None, None)
    assert "raise asyncio.CancelledError" in (ended.traceback or "")
