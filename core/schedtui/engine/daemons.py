"""Threads that nobody has to wait for.

Those of `concurrent.futures`, which `asyncio.to_thread` uses, are joined when their loop closes and
again when the interpreter exits: one call that hangs would keep a stopped engine's process alive.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from schedtui.errors import EngineStoppedError

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(ThreadPoolExecutor):
    """A pool of daemon threads, which are started as they are needed.

    Only for its type a `ThreadPoolExecutor`: no other may be the default executor of a loop.

    Args:
        most: How many calls it makes at once.
        name: What its threads are called.
    """

    def __init__(self, most: int, name: str) -> None:
        super().__init__(most, thread_name_prefix=name)
        self._most = most
        self._name = name
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._free = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._started = 0
        self._open = 0
        self._ended = False

    @property
    def busy(self) -> bool:
        """Whether a call waits for a thread or is being made."""
        return self._open > 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Make a call in one of the threads.

        Raises:
            RuntimeError: it is shut down, or the machine has no thread left.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._ended:
                raise RuntimeError("these threads were told to end; no call is taken any more")
            if not self._free.acquire(blocking=False) and self._started < self._most:
                self._start()
            self._open += 1
            self._calls.put(partial(_settle, future, partial(fn, *args, **kwargs)))
        return future

    async def call(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``fn`` gives, made in one of the threads; from any event loop.

        Raises:
            EngineStoppedError: it is shut down.
        """
        try:
            future = self.submit(fn, *args, **kwargs)
        except RuntimeError as error:
            if self._ended:
                raise EngineStoppedError("the engine has stopped meanwhile") from error
            raise
        return await asyncio.wrap_future(future)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end behind the calls that they have; nobody waits for them.

        Args:
            wait: Makes no difference.
            cancel_futures: Likewise: what was taken is done.
        """
        del wait, cancel_futures
        with self._lock:
            if not self._ended:
                self._ended = True
                for _ in range(self._started):
                    self._calls.put(None)

    def _start(self) -> None:
        name = f"{self._name}-{self._started + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if not self._started:
                raise
            return  # the machine has no thread left: those that are there will do
        self._started += 1

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # it is not to live until the next one comes
            with self._lock:
                self._open -= 1
            self._free.release()


def _settle(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits
        future.set_exception(error)
    else:
        future.set_result(result)
