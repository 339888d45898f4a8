"""Writing that never waits for its reader.

A terminal that was told to hold (Ctrl+S), a connection that hangs, a pager on its first page: each
takes nothing for as long as it likes. What an engine logs comes from any of its threads, and none
of them may wait for that.
"""

from __future__ import annotations

import io
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from select import select
from time import monotonic
from typing import TYPE_CHECKING, TextIO, cast

from schedtui_tui.display import STUCK_S
from schedtui_tui.logfile import LogFormatter

if TYPE_CHECKING:
    from typing_extensions import Buffer  # of collections.abc from Python 3.12 on

MAX_WAITING = 8 * 1024 * 1024
"""Bytes that may wait. What comes then is dropped, until half of them are taken, and counted."""
LAST_S = 5.0
"""How long a reader that takes something, but slowly, is waited for at the end."""
_AT_ONCE = 32 * 1024
_PART = 4096  # a reader that takes as much is there


class Outlet:
    """Takes what is written at once, and hands it on in that order from a thread of its own."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._size = self._dropped = 0
        self._writing = False
        self._taken_at = 0.0
        self._changed = threading.Condition()
        self._pid = os.getpid()
        threading.Thread(target=self._work, name="schedtui-outlet", daemon=True).start()

    def stream(self, number: int, encoding: str) -> TextIO:
        """What is written there, line by line, goes to the file descriptor ``number``."""
        # No buffer between them: it would cut what is longer than itself.
        raw = cast("io.BufferedWriter", _Stream(self, number))
        return io.TextIOWrapper(raw, encoding=encoding, errors="replace", line_buffering=True)

    def put(self, number: int, data: bytes) -> None:
        """Have ``data`` written to ``number`` when everything before it is."""
        if os.getpid() != self._pid:  # forked by a job: the thread is not there
            _write(number, data)
            return
        with self._changed:
            most = MAX_WAITING // 2 if self._dropped else MAX_WAITING
            if self._size + len(data) > most and self._waiting:
                self._dropped += data.count(b"\n")
                return
            self._tell_dropped(number)
            self._append(number, data)
            self._changed.notify_all()

    def drain(self) -> bool:
        """Wait until all is written, or its reader takes nothing any more. Whether all is."""
        began = monotonic()
        with self._changed:
            while self._waiting or self._writing:
                until = min(max(began, self._taken_at) + STUCK_S, began + LAST_S)
                if (left_s := until - monotonic()) <= 0:
                    return False
                self._changed.wait(left_s)
        return True

    def _append(self, number: int, data: bytes) -> None:
        self._waiting.append((number, data))
        self._size += len(data)

    def _tell_dropped(self, number: int) -> None:
        if self._dropped:
            said = f"{self._dropped} lines were dropped here: nobody took what was written"
            self._dropped = 0
            self._append(number, _line(said).encode())

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                number, data = self._next()
                self._writing = True
            _write(number, data, self._taken)
            with self._changed:
                self._writing = False
                self._size -= len(data)
                if not self._waiting:
                    self._tell_dropped(number)
                self._changed.notify_all()

    def _next(self) -> tuple[int, bytes]:
        """What waits for one descriptor, up to a limit: each write may have to wait for the GIL."""
        number, data = self._waiting.popleft()
        parts, size = [data], len(data)
        while self._waiting and self._waiting[0][0] == number and size < _AT_ONCE:
            parts.append(self._waiting.popleft()[1])
            size += len(parts[-1])
        return number, b"".join(parts)

    def _taken(self) -> None:
        self._taken_at = monotonic()


class _Stream(io.RawIOBase):
    def __init__(self, outlet: Outlet, number: int) -> None:
        self._outlet = outlet
        self._number = number

    def write(self, data: Buffer, /) -> int:
        copy = bytes(data)
        self._outlet.put(self._number, copy)
        return len(copy)

    def writable(self) -> bool:
        return True


def _write(number: int, data: bytes, taken: Callable[[], object] | None = None) -> None:
    """Write all of it, however long that takes; nothing where the reader has gone."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(number, left[:_PART]) :]
        except BlockingIOError:  # somebody who shares the descriptor has made it so
            select([], [number], [])
        except OSError:
            return
        else:
            if taken is not None:
                taken()


def _line(message: str) -> str:
    record = logging.LogRecord("schedtui.outlet", logging.WARNING, __file__, 0, message, None, None)
    return f"{LogFormatter().format(record)}\n"
