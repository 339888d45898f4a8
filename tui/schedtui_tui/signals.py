"""SIGTERM and its kin, to wait for: the first asks for an orderly end, the next for any."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from select import select
from time import monotonic
from types import FrameType

_ECHO_S = 0.5  # GNU timeout signals the process and its group at once, and that is one wish
_ENDS = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
    if hasattr(signal, name)
)


class Signals:
    """The signals that ask a process to end.

    Attributes:
        got: The first of them, once there was one.
        at_once: Whether already the first breaks what is under way, as `KeyboardInterrupt`.
        hurry: Whether a further one does, and then none any more.
        asked: Called in the main thread at the first one.
    """

    def __init__(self) -> None:
        self.got: int | None = None
        self.at_once = False
        self.hurry = False
        self._first_at = 0.0
        self.asked: Callable[[], object] | None = None
        # A handler may not take locks, so it writes to a pipe, as a byte that wakes `wait`.
        self._wake_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        for number in _ENDS:
            # Under nohup, or behind `&` in a script, some are to be ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    def ignore_hangup(self) -> None:
        """From here on a terminal that closes means nothing."""
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the first signal, or for `wake`. Whether there was a signal within the time."""
        with self._told_by_a_byte():
            if self.got is None:
                select([self._wake_end], [], [], timeout_s)
        return self.got is not None

    def wake(self) -> None:
        """End `wait`, from any thread, without a signal."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._write_end, b".")

    @contextlib.contextmanager
    def _told_by_a_byte(self) -> Iterator[None]:
        """Have each signal meanwhile write to the pipe, before its handler runs.

        The handler runs in the main thread, between two steps of Python: where that thread is the
        one that waits, it would not for a signal just before `select`, or given to another thread.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        first = self.got is None
        if first:
            self.got = number
            self._first_at = monotonic()
        self.wake()
        if first and self.asked:
            self.asked()
        if self.at_once if first else self._hurried():
            if self.hurry:
                self.hurry = self.at_once = False
            raise KeyboardInterrupt

    def _hurried(self) -> bool:
        """Whether a further signal breaks what is under way."""
        echo = monotonic() - self._first_at < _ECHO_S
        return (self.hurry or self.at_once) and not echo
