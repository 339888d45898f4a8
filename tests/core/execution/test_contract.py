"""What every executor promises: the same cases on the loop, in threads and in processes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import process_jobs as jobs
import pytest
from running_doubles import Calls, SetClock, texts

from schedtui.capture import Capture
from schedtui.execution import AsyncExecutor, ProcessExecutor, ThreadExecutor
from schedtui.execution.ended import ASKED
from schedtui.models import RunState
from schedtui.protocols import Ended, Executor

KINDS: dict[str, Callable[[SetClock], Executor]] = {
    "async": AsyncExecutor,
    "thread": ThreadExecutor,
    "process": lambda clock: ProcessExecutor(clock, slots=1),
}
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


class Heard(Calls):
    """Calls whose output is captured; from the test on, because pytest swaps stdout before it."""

    def __init__(self, executor: Executor) -> None:
        super().__init__(executor)
        self.capture = Capture(echo=False)

    def submit(self, function: Callable[..., Any], /, **kwargs: Any) -> int:
        self.capture.install()
        return super().submit(function, **kwargs)


@pytest.fixture(params=KINDS)
async def calls(request: pytest.FixtureRequest) -> AsyncIterator[Calls]:
    executor = KINDS[request.param](SetClock(9))
    executor.start()
    made = Heard(executor)
    yield made
    made.capture.uninstall()
    await executor.close()


@pytest.fixture
def job(calls: Calls) -> Wrap:
    """Makes of a function one that the executor runs."""

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        if calls.executor.kind != "async" or inspect.iscoroutinefunction(function):
            return function

        async def coroutine(**kwargs: Any) -> Any:
            return function(**kwargs)

        return coroutine

    return wrap


async def test_arguments_go_in_and_a_result_comes_out(calls: Calls, job: Wrap) -> None:
    assert await calls.run(job(jobs.echo), a=1, self="ä\ud800", callable=[None]) == Ended(
        RunState.SUCCEEDED,
        9,
        result='{"got": {"a": 1, "self": "ä�", "callable": [null]}}',
        result_is_json=True,
    )
    ended = await calls.run(job(jobs.odd))
    assert (ended.result, ended.result_is_json) == ("{1, 2}", False)


@pytest.mark.parametrize(
    ("function", "type_", "message"),
    [
        (jobs.fail, "ValueError", "wrong"),
        (jobs.leave, "SystemExit", "enough"),
        (jobs.interrupt, "KeyboardInterrupt", ""),
        (jobs.generator, "TypeError", "its body has not run"),
    ],
)
async def test_whatever_a_function_raises_is_a_failed_run_and_no_more(
    calls: Calls, job: Wrap, function: Callable[..., Any], type_: str, message: str
) -> None:
    ended = await calls.run(job(function))
    assert (ended.state, ended.error_type) == (RunState.FAILED, type_)
    assert message in (ended.error or "")
    assert (await calls.run(job(jobs.echo))).state is RunState.SUCCEEDED


async def test_a_traceback_holds_the_frames_of_the_user_alone(calls: Calls, job: Wrap) -> None:
    lines = ((await calls.run(job(jobs.fail))).traceback or "").splitlines()
    frames = [line for line in lines if line.startswith("  File")]
    if calls.executor.kind == "async":
        del frames[0]  # the wrapper of this module
    assert ["process_jobs.py" in frame for frame in frames] == [True]
    assert lines[-1] == "ValueError: wrong"


async def test_what_it_says_becomes_clean_lines_of_its_run(calls: Calls, job: Wrap) -> None:
    run_id = calls.submit(job(jobs.speak))
    await calls.end(run_id)
    calls.sinks[run_id].close()
    said = [(one.level, one.stream, one.text) for one in calls.sinks[run_id].lines_after(0)]
    assert said == [
        ("info", "stdout", "printed"),
        ("warning", "stderr", "a warning"),
        ("error", "log", "logged n=1"),
        ("warning", "logging", "by logging"),
        ("info", "stdout", "\x1b[31mred\x1b[0m�"),
        ("info", "stdout", "unfinished"),
    ]


async def test_who_says_too_much_is_cut_and_what_is_missing_is_counted(
    calls: Calls, job: Wrap
) -> None:
    run_id = calls.submit(job(jobs.shout))
    await calls.end(run_id)
    sink = calls.sinks[run_id]
    assert sink.lines_after(0)[-1].text == "the last"
    assert len(sink.lines_after(0)) + sink.dropped == 40_001
    assert sink.dropped > 5_000


async def test_progress_arrives(calls: Calls, job: Wrap) -> None:
    run_id = calls.submit(job(jobs.go_on))
    await calls.end(run_id)
    assert (calls.sinks[run_id].progress, calls.sinks[run_id].progress_text) == (0.75, "nearly")


async def test_the_function_knows_its_run(calls: Calls, job: Wrap) -> None:
    ended = await calls.run(job(jobs.who))
    assert ended.result == '[1, "Reports/daily", 1, "manual", false]'


async def test_a_thousand_calls_each_report_once(calls: Calls, job: Wrap) -> None:
    number = 200 if calls.executor.kind == "process" else 1_000
    for one in range(number):
        calls.submit(job(jobs.echo), one=one)
    ended = await calls.all()
    results = [ended[run_id].result for run_id in sorted(ended)]
    assert results == [f'{{"got": {{"one": {one}}}}}' for one in range(number)]


async def test_an_unknown_run_can_be_neither_cancelled_nor_let_go(calls: Calls, job: Wrap) -> None:
    run_id = calls.submit(job(jobs.echo))
    await calls.end(run_id)
    for unknown in (12_345, run_id):
        assert calls.executor.cancel(unknown) is False
        assert calls.executor.abandon(unknown) is False
    assert calls.executor.stuck == 0


async def test_what_is_asked_to_end_sees_that(calls: Calls) -> None:
    """And its end is reported: cancelled, or what it made of it."""
    function = {"async": jobs.a_wait, "thread": jobs.look, "process": jobs.nap}
    run_id = calls.submit(function[calls.executor.kind])
    first = {"async": "waiting", "thread": "looking", "process": "napping"}
    await calls.line(run_id, first[calls.executor.kind])
    assert calls.executor.cancel(run_id)
    ended = await calls.end(run_id)
    if calls.executor.kind == "thread":
        assert (ended.state, ended.result, ended.reason) == (RunState.SUCCEEDED, '"looked"', ASKED)
    else:
        assert (ended.state, ended.error, ended.reason) == (RunState.CANCELLED, None, None)
        assert texts(calls.sinks[run_id])[1].endswith("True")


async def test_what_is_let_go_never_reports_and_makes_room(calls: Calls) -> None:
    function = {"async": jobs.a_wait, "thread": jobs.look, "process": jobs.nap}
    run_id = calls.submit(function[calls.executor.kind])
    first = {"async": "waiting", "thread": "looking", "process": "napping"}
    await calls.line(run_id, first[calls.executor.kind])
    assert calls.executor.abandon(run_id)
    assert calls.executor.stuck == 1
    assert not calls.executor.abandon(run_id)
    quick: Callable[..., Any] = jobs.a_echo if calls.executor.kind == "async" else jobs.echo
    assert (await calls.run(quick, value=1)).state is RunState.SUCCEEDED
    if calls.executor.kind == "thread":  # nothing else can end it
        calls.handles[run_id].cancelled = True
    async with asyncio.timeout(20):
        while calls.executor.stuck:  # noqa: ASYNC110 - threads and processes end when they end
            await asyncio.sleep(0.001)
    assert run_id not in calls.ended


async def test_close_reports_what_it_ends_and_a_new_start_goes_on(calls: Calls, job: Wrap) -> None:
    if calls.executor.kind != "thread":  # nothing ends that
        run_id = calls.submit(jobs.a_wait if calls.executor.kind == "async" else jobs.nap)
        await calls.line(run_id, "waiting" if calls.executor.kind == "async" else "napping")
    await calls.executor.close()
    assert {ended.state for ended in calls.ended.values()} <= {RunState.CANCELLED}
    assert len(calls.ended) == len(calls.sinks)
    calls.executor.start()
    ended = await calls.run(job(jobs.echo))
    assert ended.state is RunState.SUCCEEDED
