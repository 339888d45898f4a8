"""An event loop in a thread of its own, which functions neither end nor hold up."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from schedtui.engine.daemons import DaemonThreads
from schedtui.errors import EngineStoppedError
from schedtui.execution import CPUS
from schedtui.execution.forked import leave_if_forked

logger = logging.getLogger("schedtui.engine")

LAST_S = 1.0
"""What tasks that are left get to end, once the engine has stopped and they are cancelled."""

_left: set[asyncio.Task[Any]] = set()
"""Tasks that did not end. One that is destroyed is thrown into again, and complains on stderr."""


class Start:
    """A start on the loop of one thread, which another waits for and may give up.

    Args:
        begin: Starts.
    """

    def __init__(self, begin: Callable[[], Awaitable[object]]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._given_up = False
        self.failure: BaseException | None = None
        """What it failed with, once it is over."""
        self.left = False
        """Whether it went on when it had been given up, and nobody waits for it any more."""

    async def run(self) -> None:
        """Start; called on that loop."""
        failure: BaseException | None = None
        with self._lock:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            given_up = self._given_up
        try:
            if given_up:
                failure = _given_up()
            else:
                await self._begin()
        except asyncio.CancelledError:
            failure = _given_up()
        except BaseException as error:  # noqa: BLE001 - told to the thread that waits
            failure = error
        with self._lock:
            if not self.left:
                self.failure = failure
                self._over.set()

    def wait(self) -> None:
        """Until it is over; see `failure`."""
        self._over.wait()

    def give_up(self, timeout_s: float) -> None:
        """End it, from another thread, unless it is over; not later than told.

        Args:
            timeout_s: What it gets to put back what it has begun.
        """
        with self._lock:
            if self._over.is_set():
                return
            self._given_up = True
            if self._loop is not None:
                with suppress(RuntimeError):  # the loop has ended meanwhile
                    self._loop.call_soon_threadsafe(self._cancel)
        self._over.wait(timeout_s)
        with self._lock:
            if not self._over.is_set():
                self.failure, self.left = _given_up(), True
                self._over.set()

    def _cancel(self) -> None:
        if self._task is not None and not self._over.is_set():
            self._task.cancel()


def _given_up() -> EngineStoppedError:
    return EngineStoppedError("the engine was stopped while it was starting; nothing has run")


class Closes(Protocol):
    """What is to be closed at the end of a program."""

    def close(self) -> None:
        """Stop it; it may have stopped long ago."""


def close_at_exit(what: Closes) -> None:
    """Stop it in order where the program ends and has not: its thread would just be gone."""
    atexit.register(_close, weakref.ref(what))


def _close(known: weakref.ref[Closes]) -> None:
    what = known()
    if what is not None:
        try:
            what.close()
        except KeyboardInterrupt:  # from here Python would only print it
            logger.warning("not stopped in order, by a signal; runs that were active are lost")


def drive(main: Callable[[], Coroutine[Any, Any, None]]) -> BaseException | None:
    """Run a loop until ``main`` is done; returns what it, or the loop, failed with.

    It never raises: nobody is there in this thread to be told.
    """
    try:
        _drive(main)
    except BaseException as error:  # noqa: BLE001 - handed to the caller
        return error
    return None


def _drive(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a loop until ``main`` is done, as `asyncio.run` does, whatever the functions on it do.

    asyncio's own waits at its end, for ever, for every task and every call of `asyncio.to_thread`.
    """
    loop = asyncio.new_event_loop()
    # As many as asyncio's own has.
    loop.set_default_executor(DaemonThreads(min(32, CPUS + 4), "schedtui-default"))
    asyncio.set_event_loop(loop)
    try:
        task = loop.create_task(main())
        _run(loop, task)
        task.result()
    finally:
        try:
            _run(loop, loop.create_task(_clear(loop)))
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    """Run the loop until ``task`` is done.

    asyncio raises a `SystemExit` or `KeyboardInterrupt` of any task out of the loop as well. The
    task holds it too, so whoever awaits the task is told, and the loop can just go on. The same
    holds for a function that stops the loop.
    """
    pid = os.getpid()
    task.add_done_callback(lambda _: loop.stop())
    while not task.done():
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:
            leave_if_forked(pid, error)
            logger.warning(
                "%s was raised in a task or callback of a function; the engine goes on",
                type(error).__name__,
            )


async def _clear(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel every other task, and end the generators that nobody reads; not for longer than told.

    What goes on all the same stays where it is, with a loop that is closed.
    """
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        _, pending = await asyncio.wait(tasks, timeout=LAST_S)
        if pending:
            logger.warning(
                "%d tasks of functions did not end when they were cancelled, and were left",
                len(pending),
            )
    await asyncio.wait({loop.create_task(loop.shutdown_asyncgens())}, timeout=LAST_S)
    _left.update(asyncio.all_tasks() - {asyncio.current_task()})
