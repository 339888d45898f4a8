"""In a worker: SIGTERM asks the call to end."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Interrupt:
    """Raises `CancelledError` in the function that runs, or cancels its task.

    While a message is half sent, it waits: the engine would not understand what comes after, and
    would not learn of an end.
    """

    def __init__(self) -> None:
        self.asked = False
        """Whether this worker was asked to end; it makes no other call after that."""
        self.serving = False
        """Whether it is at a call; otherwise the signal ends the process. See `rest`."""
        self._armed = False
        self._shielded = 0
        self._task: asyncio.Task[object] | None = None

    def install(self) -> None:
        """Take the signal; anew before every call, because the last one may have taken it."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def rest(self) -> None:
        """The call is over, and the engine knows how.

        Raises:
            SystemExit: the signal has come in the meantime.
        """
        self.serving = False
        if self.asked:
            self._leave()

    @contextmanager
    def armed(self) -> Iterator[None]:
        """While it lasts, the signal reaches the code within."""
        self._armed = True
        try:
            if self.asked:
                self._strike()
            yield
        finally:
            self._armed = False
            self._task = None

    def cancels(self, task: asyncio.Task[object] | None) -> None:
        """From now on the task is what is to be cancelled."""
        self._task = task

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Keep the signal off in the meantime."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals arrive in the main thread
            return
        self._shielded += 1
        try:
            yield
        finally:
            self._shielded -= 1
        if self.asked and not self._shielded:
            self._strike()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if not self._shielded:
            self._strike()

    @staticmethod
    def _leave() -> NoReturn:
        sys.exit(128 + signal.SIGTERM)

    def _strike(self) -> None:
        if not self.serving:
            self._leave()
        if not self._armed:
            return
        self._armed = False
        if self._task is None:
            raise asyncio.CancelledError
        self._task.get_loop().call_soon_threadsafe(self._task.cancel)


def without_handler(error: BaseException) -> BaseException:
    """The error, its traceback ending where the signal found the function."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        if trace.tb_next.tb_frame.f_code.co_filename == __file__:
            trace.tb_next = None
        trace = trace.tb_next
    return error
