"""What a worker process says, and what happens to it, in the orders that hardly ever come about."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import process_jobs as jobs
import pytest
from running_doubles import Calls, SetClock, texts

from schedtui.execution import ProcessExecutor
from schedtui.execution.process.child import Child
from schedtui.execution.process.interrupt import Interrupt
from schedtui.models import RunState


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    executor = ProcessExecutor(SetClock(), slots=1)
    executor.start()
    yield Calls(executor)
    await executor.close()


def child_of(calls: Calls) -> Child:
    assert isinstance(calls.executor, ProcessExecutor)
    return calls.executor._stations[0]._child


def wait_for_end(child: Child) -> None:
    """Keep the loop from turning until the worker has told an end that the engine has not read."""
    assert child._started is not None
    sock, end = child._started.sock, time.monotonic() + 20
    while b'"tell":"ended"' not in _waiting(sock):
        assert time.monotonic() < end
        time.sleep(0.005)


def _waiting(sock: socket.socket) -> bytes:
    readable, _, _ = select.select([sock], [], [], 0.1)
    return sock.recv(1 << 18, socket.MSG_PEEK) if readable else b""


async def test_a_signal_that_overtakes_the_message_tells_as_much(calls: Calls) -> None:
    run_id = calls.submit(jobs.terminated)
    assert (await calls.end(run_id)).state is RunState.CANCELLED
    assert texts(calls.sinks[run_id]) == ["asked True"]


async def test_a_signal_while_the_end_is_told_does_not_undo_it(calls: Calls) -> None:
    ended = await calls.run(jobs.signalled_at_its_end)
    assert (ended.state, ended.result) == (RunState.SUCCEEDED, '"done"')
    # The worker is gone or about to be, and takes nothing along.
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED


def test_a_message_is_sent_whole_before_the_signal_ends_an_idle_worker() -> None:
    interrupt, sent = Interrupt(), []

    def send() -> None:
        with interrupt.shield():
            signal.raise_signal(signal.SIGTERM)
            sent.append("the second half")

    interrupt.install()
    with pytest.raises(SystemExit) as leaving:
        send()
    assert sent == ["the second half"]
    assert leaving.value.code == 128 + signal.SIGTERM


async def test_what_is_said_after_the_end_is_not_the_next_calls(calls: Calls) -> None:
    first = calls.submit(jobs.speak_too_late, call=0)
    second = calls.submit(jobs.echo)  # which the engine hands out when it reads of the end
    assert (await calls.end(second)).state is RunState.SUCCEEDED
    for sink in (calls.sinks[first], calls.sinks[second]):
        assert (texts(sink), sink.progress, sink.dropped) == ([], None, 0)


async def test_what_ends_while_it_is_killed_for_its_memory_takes_no_call_along(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def used_mb(_pid: int) -> int:
        wait_for_end(child_of(calls))
        return 999

    monkeypatch.setattr("schedtui.execution.process.station.used_mb", used_mb)
    calls.memory_limit_mb = 100
    first = calls.submit(jobs.echo)
    calls.memory_limit_mb = None
    second = calls.submit(jobs.echo)
    assert (await calls.end(first)).error_type == "MemoryError"
    assert (await calls.end(second)).state is RunState.SUCCEEDED


async def test_nothing_is_believed_after_nonsense(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kill, go = Child.kill, tmp_path / "go"

    def late(child: Child) -> None:
        go.touch()
        wait_for_end(child)
        kill(child)

    with monkeypatch.context() as patch:
        patch.setattr(Child, "kill", late)
        ended = await calls.run(jobs.nonsense, until=str(go))
    assert (ended.state, ended.error_type) == (RunState.FAILED, "WorkerDied")
    assert "a message that is not JSON" in (ended.error or "")


async def test_what_the_engine_fails_to_take_ends_the_call(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read_said(_message: object) -> None:
        raise RecursionError("too deep")

    with monkeypatch.context() as patch:
        patch.setattr("schedtui.execution.process.station.read_said", read_said)
        ended = await calls.run(jobs.nap)
    assert (ended.state, ended.error_type) == (RunState.FAILED, "WorkerDied")
    assert "a message that it cannot take: RecursionError('too deep')" in (ended.error or "")
    assert "could not be taken" in caplog.text
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED


async def test_a_process_that_cannot_be_listened_to_is_a_failed_run(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_reader(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "add_reader", add_reader)
        ended = await calls.run(jobs.nap)
    assert (ended.error_type, ended.error) == ("OSError", "No space left on device")
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED


async def test_a_worker_that_ends_in_spite_of_a_thread_costs_no_run(calls: Calls) -> None:
    """Its thread that reads would take calls for ever, and nobody make them."""
    pid = int((await calls.run(jobs.hold)).result or 0)
    os.kill(pid, signal.SIGTERM)
    ended = await calls.run(jobs.pid)
    assert ended.state is RunState.SUCCEEDED
    assert ended.result != str(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_a_path_that_is_no_text_is_passed_over(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, b"/nowhere"])
    assert (await calls.run(jobs.pid)).state is RunState.SUCCEEDED
