"""In a worker: what a run says, on its way to the engine."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress

from schedtui.capture import CurrentRun, RunSink
from schedtui.clock import SystemClock, from_us
from schedtui.execution.process.frames import CUT_OFF, Message, encode
from schedtui.execution.process.interrupt import Interrupt
from schedtui.models import Source

PROGRESS_S = 0.05
"""Progress is told so often at most."""


class Link:
    """The worker's end of the socket. Messages may be sent from any thread."""

    def __init__(self, sock: socket.socket, interrupt: Interrupt) -> None:
        self.sock = sock
        self.interrupt = interrupt
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._identity = self._identity_now()

    def send(self, message: Message) -> None:
        """Send a message. That the engine is gone is noticed by whoever reads.

        Where the function has closed all files, the engine would wait for ever: the worker ends.
        """
        data = encode(message)
        with self.interrupt.shield(), self._lock:
            if self._identity_now() == self._identity:
                with suppress(OSError):
                    self.sock.sendall(data)
            elif os.getpid() == self._pid:
                os._exit(CUT_OFF)

    def _identity_now(self) -> tuple[int, int] | None:
        """Of what is open under the socket's number; a file of the function's own may be by now."""
        try:
            found = os.fstat(self.sock.fileno())
        except OSError:
            return None
        return found.st_dev, found.st_ino


class RelaySink(RunSink):
    """Sends each line when it is there, so that none is lost when the process dies after it."""

    __slots__ = ("_call", "_link", "_next_s", "_sending", "_sent_seq", "_teller", "_told", "_waker")

    def __init__(self, *, run_id: int, attempt: int, call: int, link: Link) -> None:
        super().__init__(run_id=run_id, attempt=attempt, clock=SystemClock())
        self._call = call
        self._link = link
        self._sending = threading.Lock()
        self._teller = 0
        self._sent_seq = 0
        self._told: tuple[float | None, str, int] = (None, "", 0)
        self._next_s = 0.0
        self._waker: threading.Timer | None = None

    def write(self, level: str, stream: str, text: str) -> None:
        """Add ``text``, one line or several, each complete."""
        super().write(level, stream, text)
        self._tell()

    def feed(self, stream: str, text: str) -> None:
        """Add what was printed."""
        super().feed(stream, text)
        self._tell()

    def feed_bytes(self, stream: str, data: bytes, encoding: str = "utf-8") -> None:
        """As `feed`, for binary output."""
        super().feed_bytes(stream, data, encoding)
        self._tell()

    def flush_partial(self) -> None:
        """Make lines of what was printed without a line end, and tell the last news."""
        super().flush_partial()
        self._next_s = 0.0
        self._tell()

    def set_progress(self, progress: float | None, text: str) -> None:
        """Set the fraction done, and what to say about it; the engine hears it a little later."""
        super().set_progress(progress, text)
        self._tell()

    def _tell(self) -> None:
        me = threading.get_ident()
        if self._teller == me:
            return  # a __del__ printed in the midst of it: the loop below takes that along
        with self._link.interrupt.shield(), self._sending:
            self._teller = me
            try:
                while self._has_news():
                    self._send()
            finally:
                self._teller = 0

    def _has_news(self) -> bool:
        if self.last_seq > self._sent_seq:
            return True
        if self._told == (self.progress, self.progress_text, self.dropped):
            return False
        wait_s = self._next_s - time.monotonic()
        if wait_s <= 0:
            return True
        if self._waker is None:
            self._waker = threading.Timer(wait_s, self._late)
            self._waker.daemon = True
            self._waker.start()
        return False

    def _late(self) -> None:
        self._waker = None
        self._tell()

    def _send(self) -> None:
        lines = self.take()
        if lines:
            self._sent_seq = lines[-1].seq
            self.forget(self._sent_seq)
        self._told = told = (self.progress, self.progress_text, self.dropped)
        self._next_s = time.monotonic() + PROGRESS_S
        said = [(line.level, line.stream, line.text) for line in lines]
        self._link.send({"tell": "said", "call": self._call, "lines": said, "state": told})


class WorkerRun:
    """The run of the present call, as the code that executes for it sees it."""

    def __init__(self, given: Message, call: int, link: Link) -> None:
        due_us = given["due_us"]
        self._cancelled = False
        self._interrupt = link.interrupt
        self._current = CurrentRun(
            id=given["id"],
            job=given["job"],
            scheduled_for=None if due_us is None else from_us(due_us),
            attempt=given["attempt"],
            source=Source(given["source"]),
            parent_id=given["parent_id"],
            handle=self,
        )
        attempt = given["attempt"]
        self._sink = RelaySink(run_id=given["id"], attempt=attempt, call=call, link=link)

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to end: by a message or by the signal, whichever is here first."""
        return self._cancelled or self._interrupt.asked

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._cancelled = value

    def current(self) -> CurrentRun:
        """What the run is."""
        return self._current

    def open_sink(self) -> RelaySink | None:
        """Where what it says is kept; None once it has ended."""
        return None if self._sink.closed else self._sink

    def close(self) -> None:
        """Tell the rest of what it said, and take nothing more."""
        self._sink.close()
