"""Rule 8: the first terminal state wins; the supervisor writes it; events follow the commit."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from engine_kit import World, running

from schedtui import Group, log
from schedtui.models import RunState
from schedtui.protocols import Finish


def finish(run_id: int, token: int, state: RunState) -> Finish:
    return Finish(
        run_id, 1, token, state, 1, 2, None, None, None, None, None, False, 0, 0, None, None
    )


async def test_an_end_with_another_token_is_not_written(world: World) -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.job(every=10)
    async def work() -> str:
        await gate.wait()
        return "mine"

    async with running(group, world=world) as kit:
        await kit.clock.advance(10)
        (run,) = kit.running.supervisor.running.values()
        with kit.store.inner.transaction() as tx:
            assert tx.finish([finish(run.id, run.token + 1, RunState.FAILED)]) == {run.id}
        gate.set()
        await kit.clock.settle()
        row = await kit.client.run(run.id)
        assert (row.state, row.result) == (RunState.SUCCEEDED, '"mine"')


async def test_the_first_terminal_state_wins(world: World) -> None:
    group = Group("g")
    gate = asyncio.Event()

    @group.job(every=10)
    async def work() -> None:
        await gate.wait()

    async with running(group, world=world) as kit:
        await kit.clock.advance(10)
        (run,) = kit.running.supervisor.running.values()
        with kit.store.inner.transaction() as tx:
            assert tx.finish([finish(run.id, run.token, RunState.TIMED_OUT)]) == set()
        gate.set()
        await kit.clock.settle()
        assert (await kit.client.run(run.id)).state is RunState.TIMED_OUT
        live = kit.running.core.jobs.named("g/work")
        assert live.active == 0
        await kit.clock.advance(10)
        assert [run.state for run in await kit.rows()][1] is RunState.SUCCEEDED


@pytest.mark.parametrize("kind", ["async", "thread"])
@pytest.mark.parametrize("how", ["raises", "exits", "result", "none", "bad result", "interrupt"])
async def test_however_a_function_ends_its_row_says_so(world: World, kind: str, how: str) -> None:
    group = Group("g")

    def body() -> object:
        if how == "raises":
            raise ValueError("oops")
        if how == "exits":
            sys.exit(3)
        if how == "interrupt":
            raise KeyboardInterrupt
        if how == "bad result":
            return object()
        return {"n": 1} if how == "result" else None

    if kind == "async":

        @group.job(every=10)
        async def work() -> object:
            return body()
    else:

        @group.job(every=10, name="work")
        def work_in_thread() -> object:
            return body()

    async with running(group, world=world) as kit:
        await kit.clock.advance(10)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        await kit.until(lambda: kit.idle)
        (run,) = await kit.rows()
        failed = how in ("raises", "exits", "interrupt")
        assert run.state is (RunState.FAILED if failed else RunState.SUCCEEDED)
        expected = {"raises": "ValueError", "exits": "SystemExit", "interrupt": "KeyboardInterrupt"}
        assert run.error_type == expected.get(how)
        assert run.result_is_json is (how == "result")
        (attempt,) = await kit.client.attempts(run.id)
        assert (attempt.number, attempt.state) == (1, run.state)
        await kit.clock.advance(10)
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        assert len(await kit.rows()) == 2


async def test_the_end_is_told_after_its_commit(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None:
        log("x")

    async with running(group, world=world) as kit:
        cursor = kit.running.core.hub.cursor
        seen: list[tuple[RunState, RunState]] = []

        async def watch() -> None:
            nonlocal cursor
            while True:
                changes = await kit.running.core.hub.after(cursor)
                cursor = changes.cursor
                for change in changes.runs:
                    row = kit.store.inner.run(change.id)
                    assert row is not None
                    seen.append((change.state, row.state))

        watching = asyncio.ensure_future(watch())
        await kit.clock.advance(30)
        watching.cancel()
        await asyncio.wait([watching])
        order = list(RunState)
        assert [told for told, _ in seen].count(RunState.SUCCEEDED) == 3
        assert all(order.index(row) >= order.index(told) for told, row in seen)


async def test_a_failing_callback_of_one_run_does_not_lose_the_others() -> None:
    group = Group("g")
    for number in range(3):

        async def work() -> None: ...

        group.job(every=10, name=f"j{number}")(_named(work, number))
    async with running(group) as kit:
        hub = kit.running.core.hub
        tell = hub.run
        failed = threading.Event()

        def fail_once(run_id: int, job_id: int, state: RunState) -> None:
            if state is RunState.SUCCEEDED and not failed.is_set():
                failed.set()
                raise RuntimeError("a watcher's bug")
            tell(run_id, job_id, state, "g")

        kit.running.core.deliver([lambda: fail_once(1, 1, RunState.SUCCEEDED), lambda: None])
        await kit.clock.advance(20)
        assert failed.is_set()
        assert [run.state for run in await kit.rows()] == [RunState.SUCCEEDED] * 6


def _named(function: Callable[[], Any], number: int) -> Callable[[], Any]:
    function.__name__ = f"work{number}"
    return function


async def test_a_function_that_vanished_fails_the_run_and_not_the_tick(world: World) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None: ...

    @group.job(every=10)
    async def stays() -> None: ...

    async with running(group, world=world) as kit:
        await kit.clock.advance(11)
        del group._functions["work"]
        await kit.clock.advance(20)
        rows = [run for run in await kit.rows() if run.job == "g/work"]
        assert [run.state for run in rows] == [
            RunState.SUCCEEDED,
            RunState.FAILED,
            RunState.FAILED,
        ]
        assert rows[1].error_type == "schedtui.errors.FunctionNotFoundError"
        assert "no function 'g/work'" in (rows[1].error or "")
        others = [run.state for run in await kit.rows() if run.job == "g/stays"]
        assert others == [RunState.SUCCEEDED] * 3


async def test_arguments_that_no_longer_fit_fail_the_run(world: World) -> None:
    group = Group("g")

    @group.function()
    async def work(n: int) -> None: ...

    async with running(group, world=world) as kit:
        await kit.engine.create_job(
            function="g/work", trigger={"type": "every", "seconds": 10}, kwargs={"n": 1}
        )
        changed = Group("other")

        @changed.function()
        async def takes_m(m: int) -> None: ...

        group._functions["work"] = changed._functions["takes_m"]
        await kit.clock.advance(11)
        (run,) = await kit.rows()
        assert run.state is RunState.FAILED
        assert run.error_type == "schedtui.errors.InvalidArgumentsError"


async def test_a_registry_that_fails_does_not_end_the_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group = Group("g")
    done: list[str] = []

    @group.job(every=10)
    async def work() -> None:
        done.append("work")

    async with running(group) as kit:
        resolve = kit.engine.registry.resolve

        def fail(full_name: str) -> object:
            raise RuntimeError(f"a reload went wrong, and {full_name} with it")

        monkeypatch.setattr(kit.engine.registry, "resolve", fail)
        await kit.clock.advance(11)
        (run,) = await kit.rows()
        assert (run.state, run.error) == (
            RunState.FAILED,
            "a reload went wrong, and g/work with it",
        )
        monkeypatch.setattr(kit.engine.registry, "resolve", resolve)
        await kit.clock.advance(10)
        assert done == ["work"]
