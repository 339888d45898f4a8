"""Coroutine functions: cancelling, and the loop they share with their host."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from running_doubles import Calls, SetClock

from schedtui.execution import AsyncExecutor
from schedtui.models import RunState


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    executor = AsyncExecutor(SetClock())
    executor.start()
    yield Calls(executor)
    await executor.close()


async def turns(number: int = 3) -> None:
    """Let the loop turn."""
    for _ in range(number):
        await asyncio.sleep(0)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_running_call_is_cancelled(calls: Calls) -> None:
    cleaned: list[str] = []

    async def job() -> None:
        try:
            await forever()
        finally:
            cleaned.append("up")

    run_id = calls.submit(job)
    await turns()
    assert calls.executor.cancel(run_id)
    ended = await calls.end(run_id)
    assert (ended.state, ended.reason, ended.error_type) == (RunState.CANCELLED, None, None)
    assert "await asyncio.Event().wait()" in (ended.traceback or "")
    assert cleaned == ["up"]


async def test_a_call_that_has_not_begun_never_begins(calls: Calls) -> None:
    begun: list[int] = []

    async def job() -> None:
        begun.append(1)

    run_id = calls.submit(job)
    assert calls.executor.cancel(run_id)
    assert (await calls.end(run_id)).state is RunState.CANCELLED
    assert begun == []


async def test_a_swallowed_cancellation_is_reported_as_what_became_of_it(calls: Calls) -> None:
    go_on = asyncio.Event()

    async def stubborn() -> str:
        try:
            await forever()
        except asyncio.CancelledError:
            await go_on.wait()
        return "done after all"

    run_id = calls.submit(stubborn)
    await turns()
    calls.executor.cancel(run_id)
    await turns()
    assert run_id not in calls.ended
    go_on.set()
    ended = await calls.end(run_id)
    assert (ended.state, ended.result) == (RunState.SUCCEEDED, '"done after all"')
    assert ended.reason == "it was asked to end and finished"


async def test_a_swallowed_cancellation_can_be_repeated(calls: Calls) -> None:
    async def stubborn_once() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await forever()

    run_id = calls.submit(stubborn_once)
    await turns()
    calls.executor.cancel(run_id)
    await turns()
    assert calls.executor.cancel(run_id)
    assert (await calls.end(run_id)).state is RunState.CANCELLED


async def test_an_error_while_it_is_cancelled_is_a_failure(calls: Calls) -> None:
    async def job() -> None:
        try:
            await forever()
        finally:
            raise OSError("could not clean up")

    run_id = calls.submit(job)
    await turns()
    calls.executor.cancel(run_id)
    ended = await calls.end(run_id)
    assert (ended.state, ended.error_type) == (RunState.FAILED, "OSError")


async def test_a_function_that_cancels_itself_has_failed(calls: Calls) -> None:
    async def job() -> None:
        inner = asyncio.ensure_future(forever())
        inner.cancel()
        await inner

    ended = await calls.run(job)
    assert (ended.state, ended.error_type) == (
        RunState.FAILED,
        "asyncio.exceptions.CancelledError",
    )
    assert "cancelled from within" in (ended.error or "")


async def test_a_task_that_others_cancel_says_so(calls: Calls) -> None:
    run_id = calls.submit(forever)
    await turns()
    for task in asyncio.all_tasks():
        if task.get_name() == f"schedtui call {run_id}":
            task.cancel()
    ended = await calls.end(run_id)
    assert ended.state is RunState.CANCELLED
    assert ended.reason == "its task was cancelled by other code of this process"


async def test_a_timeout_inside_of_the_function_is_its_own_affair(calls: Calls) -> None:
    async def job() -> str:
        try:
            async with asyncio.timeout(0):
                await forever()
        except TimeoutError:
            return "went on"
        return "never"

    assert (await calls.run(job)).result == '"went on"'


async def test_tasks_start_in_the_order_of_their_calls(calls: Calls) -> None:
    order: list[int] = []

    async def job(number: int) -> None:
        order.append(number)

    for number in range(20):
        calls.submit(job, number=number)
    assert order == []
    await calls.all()
    assert order == list(range(20))


async def test_a_running_task_is_not_collected(calls: Calls) -> None:
    async def job() -> int:
        waiting = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0, waiting.set_result, 5)
        del waiting
        await asyncio.sleep(0.001)
        return 1

    run_id = calls.submit(job)
    await turns(1)
    gc.collect()
    assert (await calls.end(run_id)).result == "1"


async def test_a_function_that_returns_an_awaitable_is_awaited(calls: Calls) -> None:
    async def inner() -> int:
        return 4

    assert (await calls.run(lambda: inner())).result == "4"


async def test_close_cancels_and_reports(calls: Calls) -> None:
    begun, not_begun = calls.submit(forever), 0
    await turns()
    not_begun = calls.submit(forever)
    await calls.executor.close()
    assert calls.ended[begun].state is RunState.CANCELLED
    assert calls.ended[not_begun].state is RunState.CANCELLED


async def test_close_abandons_what_does_not_end(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedtui.execution.async_._CLOSE_GRACE_S", 0)
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    run_id = calls.submit(stubborn)
    await turns()
    await calls.executor.close()
    release.set()
    await turns(5)
    assert run_id not in calls.ended


async def test_a_function_may_close_its_own_executor(calls: Calls) -> None:
    other = calls.submit(forever)
    went_on = asyncio.Event()

    async def job() -> None:
        await calls.executor.close()
        went_on.set()

    calls.submit(job)
    assert (await calls.end(other)).state is RunState.CANCELLED
    await asyncio.wait_for(went_on.wait(), 10)


def test_a_loop_that_is_torn_down_is_no_noise() -> None:
    executor = AsyncExecutor(SetClock())
    reported: list[object] = []

    async def main() -> None:
        executor.start()
        calls = Calls(executor)
        calls.submit(forever)
        await turns()
        reported.append(calls)

    asyncio.run(main())
    (calls,) = reported
    assert isinstance(calls, Calls)
    assert calls.ended[1].state is RunState.CANCELLED


async def test_what_is_let_go_is_counted_until_it_ends(calls: Calls) -> None:
    go_on = asyncio.Event()

    async def stubborn() -> str:
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    run_id = calls.submit(stubborn)
    await turns()
    assert calls.executor.abandon(run_id)
    await turns()
    assert calls.executor.stuck == 1
    assert not calls.executor.cancel(run_id)
    go_on.set()
    await turns()
    assert calls.executor.stuck == 0
    assert run_id not in calls.ended


async def test_what_is_let_go_before_it_begins_never_begins(calls: Calls) -> None:
    begun: list[int] = []

    async def job() -> None:
        begun.append(1)

    assert calls.executor.abandon(calls.submit(job))
    await turns(5)
    assert (begun, calls.ended, calls.executor.stuck) == ([], {}, 0)
