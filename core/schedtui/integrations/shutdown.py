"""Hears that the server of this process was told to end, before that waits for open streams.

A web server waits for its connections first and tells the application after that, so a stream of
events that waits for the application would hold it up for ever.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


class Shutdown:
    """Passes signals on to whoever handled them, and tells of them. For one start.

    Args:
        tell: Called on the event loop.
    """

    def __init__(self, tell: Callable[[], object]) -> None:
        self._tell = tell
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._servers: list[Any] = []

    def watch(self) -> None:
        """Begin, on the event loop; in other threads than the main one no signal is heard."""
        self._loop = asyncio.get_running_loop()
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _NUMBERS:
            before = signal.getsignal(number)
            # Where nobody handles it the process ends at once, and that is to stay so.
            if callable(before):
                self._before[number] = before
                self._servers.append(getattr(before, "__self__", None))
                signal.signal(number, self._heard)

    def unwatch(self) -> None:
        """Give the signals back to whoever had them."""
        self._servers.clear()
        for number, before in self._before.items():
            # Equal, not the same: a bound method is made anew at each look. Who has come later
            # still calls this one, and it passes on.
            if signal.getsignal(number) == self._heard:
                signal.signal(number, before)

    def server_closes(self) -> bool:
        """Whether the server ends without a signal: told by a program, or after its last request.

        Known of uvicorn, whose server handles the signals itself.
        """
        return any(_closes(server) for server in self._servers)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell)
        self._before[number](number, frame)


def _closes(server: Any) -> bool:
    if getattr(server, "should_exit", False) is True:
        return True
    listening = [one for one in getattr(server, "servers", ()) if hasattr(one, "is_serving")]
    return any(not one.is_serving() for one in listening)
