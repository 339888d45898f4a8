"""Threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from schedtui.engine.daemons import DaemonThreads
from schedtui.errors import EngineStoppedError


@pytest.fixture
def threads() -> Iterator[DaemonThreads]:
    made = DaemonThreads(2, "a-test")
    yield made
    made.shutdown()
    for thread in alive():
        thread.join(10)


def alive() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("a-test")]


async def test_what_a_call_gives_or_raises_comes_back(threads: DaemonThreads) -> None:
    assert await threads.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.call(divmod, 7, 0)


async def test_it_has_no_more_threads_than_it_may(threads: DaemonThreads) -> None:
    assert not alive()
    go = threading.Event()
    waiting = [threads.submit(go.wait, 10) for _ in range(5)]
    assert len(alive()) == 2
    assert all(thread.daemon for thread in alive())
    go.set()
    for future in waiting:
        await asyncio.wrap_future(future)


async def test_a_call_that_is_taken_back_is_not_made(threads: DaemonThreads) -> None:
    go, made = threading.Event(), threading.Event()
    blocked = [threads.submit(go.wait, 10) for _ in range(2)]
    assert threads.submit(made.set).cancel()
    go.set()
    for future in blocked:
        await asyncio.wrap_future(future)
    await threads.call(int)
    assert not made.is_set()


async def test_it_is_busy_until_the_last_call_was_made(threads: DaemonThreads) -> None:
    assert not threads.busy
    go = threading.Event()
    waiting = [threads.submit(go.wait, 10) for _ in range(3)]
    assert threads.busy
    go.set()
    for future in waiting:
        await asyncio.wrap_future(future)
    async with asyncio.timeout(10):
        while threads.busy:  # noqa: ASYNC110 - a thread says so a moment after its call
            await asyncio.sleep(0.001)


async def test_once_told_to_end_it_ends_behind_what_it_has(threads: DaemonThreads) -> None:
    go = threading.Event()
    last = threads.submit(go.wait, 10)
    threads.shutdown()
    with pytest.raises(EngineStoppedError):
        await threads.call(int)
    with pytest.raises(RuntimeError):
        threads.submit(int)
    go.set()
    assert await asyncio.wrap_future(last)
    for thread in alive():
        thread.join(10)
    assert not alive()
