"""Whatever fails in a stop: nothing stays locked, hooked or running."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from typing import Any

import pytest
from engine_kit import Kit, World, running

from schedtui import Engine, Group, log
from schedtui.engine import running as running_module
from schedtui.errors import EngineStoppedError, RefusedError
from schedtui.models import AuditEvent, RunState


def explode(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a bug")


PARTS = ("logs.drain", "supervisor.abandon", "writer.stop", "shell.shutdown", "executor.close")


def sabotage(kit: Kit, part: str) -> None:
    running = kit.running
    owner, _, method = part.partition(".")
    target = running.core.pools["async"].executor if owner == "executor" else None
    setattr(target or getattr(running, owner), method, explode)


@pytest.mark.parametrize("part", PARTS)
async def test_a_failure_in_a_stop_is_told_and_everything_is_let_go_of(
    world: World, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    group = Group("g")

    @group.job(every=10)
    async def work() -> None: ...

    before = sys.stdout
    kit = await Kit([group], world=world).start()
    parts = kit.running
    await kit.clock.advance(11)
    sabotage(kit, part)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await kit.stop()
    assert sys.stdout is before
    assert parts.ended.is_set()
    assert not kit.engine.is_running
    kit.unwatch()
    if part == "writer.stop":
        del parts.writer.stop
        parts.writer.stop(1)
    if part != "shell.shutdown":
        assert not parts.shell.running
    async with running(group, world=world) as after:
        await after.clock.advance(10)
        assert len(await after.rows()) == 2


def test_a_thread_ends_although_its_stop_failed() -> None:
    engine = Engine(store="memory://", echo=False).run_in_thread()
    setattr(engine.running.logs, "drain", explode)  # noqa: B010 - a method, says mypy
    with pytest.raises(ZeroDivisionError):
        engine.close(0.01)
    assert not engine.is_running
    with pytest.raises(EngineStoppedError):
        engine.running  # noqa: B018 - that it raises is the point
    engine.run_in_thread()
    engine.close(0.01)


async def test_start_and_stop_are_in_the_audit_trail(world: World) -> None:
    trail: tuple[AuditEvent, ...] = ()
    for _ in range(2):
        async with running(world=world) as kit:
            boot = kit.running.boot
            trail = (await kit.client.audit()).items
            (start,) = [event for event in trail if event.object == boot]
            assert (start.actor, start.action) == ("engine", "engine.start")
            assert set(start.detail) == {"pid", "version"}
    assert [event.action for event in trail] == ["engine.start", "engine.stop", "engine.start"]


async def test_what_is_awaited_at_the_start_comes_before_anything_fires(world: World) -> None:
    group = Group("g")
    ran: list[str] = []

    @group.job(every=3_600, run_on_startup=True)
    async def work() -> None:
        ran.append("the job")

    async def look() -> None:
        assert kit.engine.store.tokens() == []
        assert await kit.engine.off_loop(lambda: "off the loop") == "off the loop"
        for _ in range(20):
            await asyncio.sleep(0)
        ran.append("look")

    kit = Kit([group], world=world)
    kit.engine.on_start.append(look)
    await kit.start()
    await kit.clock.settle()
    assert ran == ["look", "the job"]
    await kit.stop()
    with pytest.raises(EngineStoppedError):
        kit.engine.store  # noqa: B018 - that it raises is the point


async def test_what_fails_at_the_start_ends_it_and_nothing_stays_locked(world: World) -> None:
    group = Group("g")
    ran: list[str] = []

    @group.job(every=3_600, run_on_startup=True)
    async def work() -> None:
        ran.append("the job")

    async def fail() -> None:
        raise RefusedError("not here")

    kit = Kit([group], world=world)
    kit.engine.on_start.append(fail)
    with pytest.raises(RefusedError, match="not here"):
        await kit.start()
    assert not kit.engine.is_running
    assert ran == []
    kit.engine.on_start.clear()
    await kit.start()
    await kit.clock.settle()
    assert ran == ["the job"]
    await kit.stop()


@pytest.mark.parametrize("kind", ["thread", "swallows its cancellation"])
async def test_a_stubborn_run_is_lost_and_its_end_is_not_heard(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_module, "LAST_WORD_S", 0.1)
    group = Group("g")
    gate, stay = threading.Event(), asyncio.Event()
    threads: list[threading.Thread] = []
    ended: list[str] = []
    written: list[object] = []
    others = asyncio.all_tasks()

    if kind == "thread":

        @group.job(every=10)
        def work() -> str:
            threads.append(threading.current_thread())
            gate.wait(20)
            ended.append("yes")
            return "too late"
    else:

        @group.job(every=10, name="work")
        async def swallows() -> None:
            while not stay.is_set():
                try:
                    await stay.wait()
                except asyncio.CancelledError:
                    log("no")
            ended.append("yes")

    kit = await Kit([group], world=world).start()
    parts = kit.running
    await kit.clock.advance(10)
    await kit.until(lambda: len(parts.supervisor.running) == 1)
    await kit.until(lambda: bool(threads) or kind != "thread")
    await kit.stop(grace_s=0.02)
    monkeypatch.setattr(parts.writer, "submit", written.append)
    gate.set()
    stay.set()
    await kit.until(lambda: asyncio.all_tasks() <= others)
    await kit.until(lambda: not any(one.is_alive() for one in threads))
    await asyncio.sleep(0)  # for what a thread has left for the loop
    assert (ended, written) == (["yes"], [])
    async with running(world=world) as after:
        (run,) = await after.rows()
        assert (run.job, run.state) == ("g/work", RunState.LOST)
        assert "may have done its work" in run.reason
