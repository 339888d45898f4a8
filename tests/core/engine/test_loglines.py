"""Log lines on their way to the store: none is lost where nobody says so."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from engine_kit import FULL, Kit, Worker, World, back, running

from schedtui import Engine, Group, log
from schedtui.engine.runs import loglines
from schedtui.errors import StoreError
from schedtui.models import Health, LogLine, RunState
from schedtui.protocols import LogChunk
from schedtui.store.chunks import encode


async def test_a_stop_waits_for_lines_that_are_being_encoded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = Group("g")

    @group.job(every=10)
    async def work() -> None:
        log("said")

    hold, entered = threading.Event(), threading.Event()

    def slowly(run_id: int, lines: Sequence[LogLine]) -> LogChunk:
        entered.set()
        hold.wait(10)
        return encode(run_id, lines)

    monkeypatch.setattr(loglines, "encode", slowly)
    kit = Kit([group], world=world)
    await kit.start()
    kit.hung = True
    await kit.clock.advance(10)
    await kit.until(entered.is_set)
    await kit.until(lambda: kit.running.supervisor.idle.is_set())
    stopping = asyncio.ensure_future(kit.stop())
    await asyncio.sleep(0.05)
    hold.set()
    await stopping
    store = world.store()
    store.open(None)
    assert [line.text for line in store.inner.log_lines(1, after=0, limit=9)] == ["said"]
    store.inner.close()


async def test_lines_that_cannot_be_encoded_are_dropped_and_told_and_the_others_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    group = Group("g")
    gate = asyncio.Event()

    async def work(word: str = "") -> None:
        log(word)
        await gate.wait()

    for name in ("good", "bad"):
        group.job(every=3_600, name=name, kwargs={"word": name})(work)

    def fussy(run_id: int, lines: Sequence[LogLine]) -> LogChunk:
        if any(line.text == "bad" for line in lines):
            raise ValueError("a bug")
        return encode(run_id, lines)

    monkeypatch.setattr(loglines, "encode", fussy)
    async with running(group) as kit:
        runs = {name: await kit.client.trigger_job(f"g/{name}") for name in ("good", "bad")}
        await kit.until(lambda: "cannot be encoded" in caplog.text)
        gate.set()
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        pages = {name: await kit.client.logs(run.id) for name, run in runs.items()}
        assert [line.text for line in pages["good"].lines] == ["good"]
        assert (pages["bad"].lines, pages["bad"].dropped) == ((), 1)
        assert "a bug" in caplog.text


@pytest.mark.parametrize("read", ["logs", "tail"])
async def test_lines_that_go_to_the_store_between_two_reads_are_not_missed(
    world: World, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    monkeypatch.setattr(loglines, "FLUSH_S", 1_000)
    group = Group("g")
    gate = asyncio.Event()

    @group.job(every=3_600)
    async def work() -> None:
        log("said")
        await gate.wait()

    async with running(group, world=world) as kit:
        run = await kit.client.trigger_job("g/work")
        logs = kit.running.logs
        await kit.until(lambda: logs.sink(run.id) is not None)
        sink = logs.sink(run.id)
        assert sink is not None
        method = {"logs": "log_lines", "tail": "log_tail"}[read]
        inner = getattr(kit.store.inner, method)

        def then_moved(*args: object, **kwargs: object) -> list[LogLine]:
            """What the store has; and then it is given what the sink has."""
            found: list[LogLine] = inner(*args, **kwargs)
            asyncio.run_coroutine_threadsafe(logs.drain(), kit.running.loop).result(10)
            asyncio.run_coroutine_threadsafe(
                kit.until(lambda: not sink.lines_after(0)), kit.running.loop
            ).result(10)
            return found

        setattr(kit.store, method, then_moved)
        page = await (kit.client.logs(run.id) if read == "logs" else kit.client.log_tail(run.id))
        assert [line.text for line in page.lines] == ["said"]
        delattr(kit.store, method)
        assert [line.text for line in kit.store.inner.log_lines(run.id, after=0, limit=9)] == [
            "said"
        ]
        gate.set()


async def test_a_stop_leaves_no_timer_on_the_loop_of_its_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loglines, "FLUSH_S", 1_000)
    group = Group("g")

    @group.function()
    async def work() -> None:
        log("said")

    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    call_at = loop.call_at

    def noted(*args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        timers.append(call_at(*args, **kwargs))
        return timers[-1]

    monkeypatch.setattr(loop, "call_at", noted)
    async with Engine(groups=[group], store="memory://", echo=False) as engine:
        run = await engine.run_function("g/work")
        async with asyncio.timeout(20):
            while engine.running.logs.sink(run.id) is None:  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.001)
    assert timers
    assert [one for one in timers if not one.cancelled() and one.when() > loop.time()] == []


async def said_twice(
    kit: Kit, more: asyncio.Event, ready: Callable[[], bool]
) -> tuple[int, Callable[[], None]]:
    """A run whose first line is on its way, and which has said a second one that is not."""
    run = await kit.client.trigger_job("g/work")
    await kit.until(ready)
    more.set()
    logs = kit.running.logs
    sink = logs.sink(run.id)
    assert sink is not None
    await kit.until(lambda: sink.last_seq == 2)
    return run.id, logs._flush


def two_lines() -> tuple[Group, asyncio.Event, asyncio.Event]:
    """A job that says one thing, another after the first event, and ends after the second."""
    group, more, gate = Group("g"), asyncio.Event(), asyncio.Event()

    @group.job(every=3_600)
    async def work() -> None:
        log("one")
        await more.wait()
        log("two")
        await gate.wait()

    return group, more, gate


async def test_a_chunk_that_is_ready_sooner_does_not_overtake_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group, more, gate = two_lines()
    hold, entered = threading.Event(), threading.Event()

    def slowly(run_id: int, lines: Sequence[LogLine]) -> LogChunk:
        if lines[0].seq == 1:
            entered.set()
            hold.wait(10)
        return encode(run_id, lines)

    monkeypatch.setattr(loglines, "encode", slowly)
    async with running(group) as kit:
        kit.hung = True
        run_id, flush = await said_twice(kit, more, entered.is_set)
        flush()
        # What would overtake has the time for it.
        await asyncio.wait(kit.running.logs._tasks, timeout=0.3, return_when="FIRST_COMPLETED")
        await kit.until(lambda: not kit.running.writer.busy)
        page = await kit.client.logs(run_id)
        stored = kit.store.inner.log_lines(run_id, after=0, limit=9)
        hold.set()
        gate.set()
        assert [line.text for line in page.lines] == ["one", "two"]
        assert stored == []


async def test_a_line_that_is_dropped_hides_none_that_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    group, more, gate = two_lines()

    def fussy(run_id: int, lines: Sequence[LogLine]) -> LogChunk:
        if lines[0].seq == 2:
            raise ValueError("a bug")
        return encode(run_id, lines)

    monkeypatch.setattr(loglines, "encode", fussy)
    async with running(group) as kit:
        store = kit.faults
        store.hooks["append_logs"] = lambda: setattr(store, "down", True)
        store.always("append_logs:after", FULL)
        run_id, flush = await said_twice(kit, more, lambda: store.down)
        flush()
        await kit.until(lambda: "cannot be encoded" in caplog.text)
        await kit.until(lambda: not kit.running.logs.busy)
        page = await kit.client.logs(run_id)
        assert "one" in [line.text for line in page.lines]
        store.hooks.clear()
        await back(kit)
        gate.set()
        await kit.until(lambda: kit.running.supervisor.idle.is_set())
        page = await kit.client.logs(run_id)
        assert ([line.text for line in page.lines], page.dropped) == (["one"], 1)


async def test_lines_that_a_damaged_store_refuses_are_counted_in_the_engines_health() -> None:
    worker = Worker()
    async with running(worker.group) as kit:
        kit.faults.always("append_logs", StoreError("the database is malformed"))
        await kit.clock.advance(11)
        await kit.until(lambda: bool(kit.running.core.problems))
        info = kit.running.info()
        assert info.health is Health.DEGRADED
        (problem,) = info.problems
        assert problem.startswith("1 log lines since the start could not be kept")
        assert "malformed" in problem
        (run,) = await kit.rows()
        assert run.state is RunState.SUCCEEDED
