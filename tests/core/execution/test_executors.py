"""What both executors promise, on a real loop."""

from __future__ import annotations

import asyncio
import builtins
import io
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from running_doubles import Calls, SetClock, texts

from schedtui.capture import Capture, current_run, current_run_or_none
from schedtui.errors import EngineStoppedError
from schedtui.execution import AsyncExecutor, ThreadExecutor
from schedtui.models import RunState
from schedtui.protocols import Call, Ended, Executor

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


@pytest.fixture(params=["async", "thread"])
async def executor(request: pytest.FixtureRequest) -> AsyncIterator[Executor]:
    clock = SetClock(9)
    made: Executor = AsyncExecutor(clock) if request.param == "async" else ThreadExecutor(clock)
    made.start()
    yield made
    await made.close()


@pytest.fixture
def calls(executor: Executor) -> Calls:
    return Calls(executor)


@pytest.fixture
def job(executor: Executor) -> Wrap:
    """Makes of a plain function one that the executor runs."""

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        if executor.kind == "thread":
            return function

        async def coroutine(**kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return function(**kwargs)

        return coroutine

    return wrap


def raising(error: BaseException) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


def test_kinds_and_slots() -> None:
    clock = SetClock()
    assert (AsyncExecutor(clock).kind, AsyncExecutor(clock).slots) == ("async", 1_000)
    assert (ThreadExecutor(clock).kind, ThreadExecutor(clock).slots) == ("thread", 32)
    assert AsyncExecutor(clock, slots=3).slots == 3
    assert ThreadExecutor(clock, slots=4).slots == 4


async def test_arguments_go_in_and_a_result_comes_out(calls: Calls, job: Wrap) -> None:
    function = job(lambda **kwargs: {"got": kwargs})
    ended = await calls.run(function, a=1, self="x", callable="y")
    assert ended == Ended(
        RunState.SUCCEEDED,
        9,
        result='{"got": {"a": 1, "self": "x", "callable": "y"}}',
        result_is_json=True,
    )


@pytest.mark.parametrize(
    ("error", "type_", "message"),
    [
        (ValueError("wrong"), "ValueError", "wrong"),
        (SystemExit(3), "SystemExit", "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
        (GeneratorExit("odd"), "GeneratorExit", "odd"),
        (BaseException("base"), "BaseException", "base"),
        (StopIteration(1), None, None),
    ],
)
async def test_whatever_a_function_raises_is_a_failed_run_and_no_more(
    calls: Calls, job: Wrap, error: BaseException, type_: str | None, message: str | None
) -> None:
    ended = await calls.run(job(raising(error)))
    assert ended.state is RunState.FAILED
    assert type_ in (None, ended.error_type)
    assert message in (None, ended.error)
    assert (await calls.run(job(lambda: 1))).state is RunState.SUCCEEDED


async def test_sys_exit_ends_the_run_only(calls: Calls, job: Wrap) -> None:
    ended = await calls.run(job(lambda: sys.exit("enough")))
    assert (ended.error_type, ended.error) == ("SystemExit", "enough")


class Classless:
    @property
    def __class__(self) -> Any:
        raise SystemExit(4)

    @__class__.setter
    def __class__(self, value: Any) -> None: ...


class ExitingDict(dict[str, int]):
    def __iter__(self) -> Any:
        raise SystemExit(5)


class NotedError(Exception):
    @property
    def __notes__(self) -> Any:  # type: ignore[override]  # hostile on purpose
        raise KeyboardInterrupt


class RudeCancelledError(asyncio.CancelledError):
    def __str__(self) -> str:
        raise KeyboardInterrupt


async def test_hostile_results_and_errors_end_their_run_only(calls: Calls, job: Wrap) -> None:
    for value in (Classless(), ExitingDict(a=1)):
        assert (await calls.run(job(lambda value=value: value))).state is RunState.SUCCEEDED
    for error in (NotedError("x"), RudeCancelledError()):
        ended = await calls.run(job(raising(error)))
        assert (ended.state, ended.error_type) == (
            RunState.FAILED,
            f"{__name__}.{type(error).__name__}",
        )
    assert (await calls.run(job(lambda: 1))).state is RunState.SUCCEEDED


@pytest.mark.parametrize("kind", ["async", "thread"])
@pytest.mark.parametrize(
    ("last", "code"),
    [("return", 0), ("sys.exit()", 0), ("sys.exit(3)", 3), ("raise OSError", 1)],
)
def test_a_forked_child_ends_with_the_call(kind: str, last: str, code: int) -> None:
    script = f"""
import asyncio, os, sys, warnings
from running_doubles import Calls, SetClock
from schedtui.execution import AsyncExecutor, ThreadExecutor

warnings.simplefilter("ignore", DeprecationWarning)  # that threads and forks do not mix
children = []

def fork():
    pid = os.fork()
    if pid == 0:
        {last}
    children.append(pid)

async def coroutine():
    fork()

async def main():
    executor = {"AsyncExecutor" if kind == "async" else "ThreadExecutor"}(SetClock())
    executor.start()
    ended = await Calls(executor).run({"coroutine" if kind == "async" else "fork"})
    status = await asyncio.to_thread(os.waitpid, children[0], 0)
    print(os.waitstatus_to_exitcode(status[1]), ended.state.value, flush=True)
    await executor.close()

asyncio.run(main())
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=20,
        env={"PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    assert (result.stdout, result.stderr) == (f"{code} succeeded\n", "")


async def test_a_traceback_begins_with_the_first_frame_of_the_user(calls: Calls, job: Wrap) -> None:
    def helper() -> None:
        raise OSError("disk")

    def function() -> None:
        try:
            helper()
        except OSError as error:
            raise ValueError("wrong") from error

    text = (await calls.run(job(function))).traceback or ""
    assert "execution" not in text.replace("tests/core/execution", "")
    assert text.count("Traceback (most recent call last):") == 2
    assert ", in helper" in text
    assert text.endswith("ValueError: wrong")
    first_frame = text.splitlines()[1]
    assert "test_executors.py" in first_frame


async def test_input_without_a_terminal_is_an_ordinary_failure(
    calls: Calls, job: Wrap, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open("/dev/null") as nothing:  # noqa: ASYNC230, PTH123 - /dev/null never blocks
        monkeypatch.setattr(sys, "stdin", nothing)
        ended = await calls.run(job(lambda: builtins.input("name? ")))
    assert (ended.state, ended.error_type) == (RunState.FAILED, "EOFError")


async def test_wrong_arguments_are_a_failed_run(calls: Calls) -> None:
    async def coroutine() -> None: ...

    def plain() -> None: ...

    function = coroutine if calls.executor.kind == "async" else plain
    ended = await calls.run(function, nonsense=1)
    assert ended.error_type == "TypeError"
    assert "nonsense" in (ended.error or "")


async def test_a_generator_function_is_refused_because_nothing_of_it_ran(calls: Calls) -> None:
    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    for function in (generator, async_generator):
        ended = await calls.run(function)
        assert (ended.state, ended.error_type) == (RunState.FAILED, "TypeError")
        assert "its body has not run" in (ended.error or "")


async def test_the_function_knows_its_run_and_what_reports_does_not(
    executor: Executor, job: Wrap
) -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
    calls = Calls(executor)
    seen: list[object] = []
    reported = asyncio.Event()

    def function() -> int:
        tenant.set("acme")
        return current_run().id

    def done(_: Ended) -> None:
        seen.append((current_run_or_none(), tenant.get(), threading.current_thread()))
        reported.set()

    assert (await calls.run(job(function))).result == "1"
    context = calls_context(7)
    executor.submit(Call(7, job(function), {}, context, done))
    await asyncio.wait_for(reported.wait(), 10)
    assert seen == [(None, "nobody", threading.current_thread())]
    assert context.run(tenant.get) == "acme"


def calls_context(run_id: int) -> Any:
    from running_doubles import context_of, make_sink

    return context_of(make_sink(run_id))


async def test_a_report_that_fails_does_not_stop_the_next(
    executor: Executor, job: Wrap, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls(executor)

    def done(_: Ended) -> None:
        raise RuntimeError("the engine has a fault")

    executor.submit(Call(99, job(lambda: 1), {}, calls_context(99), done))
    assert (await calls.run(job(lambda: 2))).result == "2"
    async with asyncio.timeout(10):  # two threads: the first may be the last to report
        while not any("call 99 has" in one for one in caplog.messages):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.001)


async def test_a_thousand_calls_each_report_once(calls: Calls, job: Wrap) -> None:
    function = job(lambda number: number)
    for number in range(1_000):
        calls.submit(function, number=number)
    ended = await calls.all()
    assert [ended[run_id].result for run_id in sorted(ended)] == [str(n) for n in range(1_000)]


async def test_an_unknown_run_cannot_be_cancelled(calls: Calls, job: Wrap) -> None:
    assert calls.executor.cancel(12_345) is False
    run_id = calls.submit(job(lambda: None))
    await calls.end(run_id)
    assert calls.executor.cancel(run_id) is False


async def test_before_start_and_after_close_nothing_is_taken(executor: Executor, job: Wrap) -> None:
    await executor.close()
    await executor.close()
    for stopped in (executor, type(executor)(SetClock())):  # type: ignore[call-arg]  # both take it
        with pytest.raises(EngineStoppedError, match="start it first"):
            Calls(stopped).submit(job(lambda: None))


async def test_after_a_new_start_it_goes_on(executor: Executor, job: Wrap) -> None:
    assert (await Calls(executor).run(job(lambda: 1))).result == "1"
    await executor.close()
    executor.start()
    assert (await Calls(executor).run(job(lambda: 2))).result == "2"


async def test_fifty_coroutines_and_twenty_threads_each_keep_their_own_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    capture = Capture(echo=True)
    capture.install()
    tasks, threads = Calls(AsyncExecutor(SetClock())), Calls(ThreadExecutor(SetClock(), slots=20))
    together = threading.Barrier(20)

    async def coroutine(name: str) -> None:
        for number in range(40):
            print(name, end=" ")
            print(number)
            await asyncio.sleep(0)

    def plain(name: str) -> None:
        together.wait(10)
        for number in range(40):
            print(name, end=" ")
            print(number)

    try:
        for calls, function, count in ((tasks, coroutine, 50), (threads, plain, 20)):
            calls.executor.start()
            for number in range(count):
                calls.submit(function, name=f"{calls.executor.kind}-{number + 1}")
        await tasks.all()
        await threads.all()
    finally:
        capture.uninstall()
        await tasks.executor.close()
        await threads.executor.close()
    for calls in (tasks, threads):
        assert {ended.state for ended in calls.ended.values()} == {RunState.SUCCEEDED}
        for run_id, sink in calls.sinks.items():
            name = f"{calls.executor.kind}-{run_id}"
            assert texts(sink) == [f"{name} {number}" for number in range(40)]
