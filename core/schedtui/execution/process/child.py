"""The engine's side of one worker process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from schedtui.errors import ProtocolError
from schedtui.execution.process.frames import Decoder, Message, encode
from schedtui.execution.process.launch import Launched, launch
from schedtui.execution.process.place import Place

_log = logging.getLogger(__name__)
_PIECE = 65_536
_REST_S = 0.01
"""After a full piece of output: 6 MB a second are read, and a job that prints more waits."""
_MAX_DRAIN = 16
"""Pieces that are read at an end: more than a pipe holds, and no end to what a grandchild says."""
_LAST_WORDS = 4_096


class Owner(Protocol):
    """Who has the child."""

    def told(self, child: Child, message: Message) -> None:
        """It sent a message."""

    def printed(self, child: Child, stream: str, data: bytes) -> None:
        """Something was written to its stdout or stderr past the run's own lines."""

    def gone(self, child: Child) -> None:
        """It has ended, with all that it started; everything it said was told before."""


class Child:
    """One worker process. On the loop, but for the thread that starts it and waits for its end."""

    def __init__(self, place: Place, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self.place = place
        self.began = False
        """Whether it has said anything yet."""
        self.code: int | None = None
        """Its exit code, once it is gone; negative for a signal."""
        self.failure: Exception | None = None
        """Why it could not be started."""
        self.fault = ""
        """What was wrong with what it sent."""
        self.last_words = b""
        """The end of what it wrote to stderr."""
        self.killed = False
        """Whether it was killed, and will be gone soon."""
        self._owner = owner
        self._loop = loop
        self._decoder = Decoder()
        self._unsent = bytearray()
        self._started: Launched | None = None
        self._over = False

    def start(self) -> None:
        """Start the process, off the loop.

        Raises:
            RuntimeError: the machine has no thread left.
        """
        threading.Thread(target=self._live, name="schedtui-process", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """Of the process while it lives."""
        return None if self._started is None or self._over else self._started.process.pid

    # --- in its thread ------------------------------------------------------------------------

    def _live(self) -> None:
        try:
            started = launch(self.place)
        except Exception as error:  # noqa: BLE001 - whatever it is, a call waits for the process
            self.failure = error
            self._call(self._finish)
            return
        if not self._call(lambda: self._connect(started)):
            self._signal_group(started, signal.SIGKILL)
        pid = started.process.pid
        try:
            # Left unreaped, it keeps its group's number from being given to others.
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            pass  # somebody else waited for it: the number may be a stranger's by now
        else:
            self._signal_group(started, signal.SIGKILL)
        self.code = started.process.wait()
        if not self._call(self._finish):
            started.close()

    def _call(self, callback: Callable[[], None]) -> bool:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # the loop is closed
            return False
        return True

    @staticmethod
    def _signal_group(started: Launched, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(started.process.pid, number)

    # --- on the loop --------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Send a message, as soon as the process is there."""
        self._unsent += encode(message)
        self._flush()

    def ask(self) -> None:
        """Ask the call that it makes to end, and whatever the call has started."""
        self.send({"do": "cancel"})
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it now, with all that it has started."""
        self.killed = True
        self._signal(signal.SIGKILL)

    def drain(self) -> None:
        """Hand over what it has written by now."""
        if self._started is not None and not self._over:
            for fd, stream in self._outputs(self._started):
                for _ in range(_MAX_DRAIN):
                    if len(self._read_output(fd, stream)) < _PIECE:
                        break

    def _signal(self, number: signal.Signals) -> None:
        started = self._started
        # One that was waited for has no number any more; its group may have, and is dealt with.
        if started is not None and not self._over and started.process.returncode is None:
            self._signal_group(started, number)

    def _connect(self, started: Launched) -> None:
        self._started = started
        if self.killed:
            self._signal(signal.SIGKILL)
        try:
            self._loop.add_reader(started.sock.fileno(), self._read)
            for fd, stream in self._outputs(started):
                self._loop.add_reader(fd, self._output, fd, stream)
        except OSError as error:  # the machine watches no more files
            self.failure = error
            self.kill()
            return
        self._flush()

    @staticmethod
    def _outputs(started: Launched) -> tuple[tuple[int, str], ...]:
        return (started.stdout, "stdout"), (started.stderr, "stderr")

    def _flush(self) -> None:
        started = self._started
        if started is None or self._over:
            return
        fd = started.sock.fileno()
        try:
            while self._unsent:
                del self._unsent[: started.sock.send(self._unsent)]
        except BlockingIOError:
            self._loop.add_writer(fd, self._flush)
            return
        except OSError:  # it is gone, which its thread will tell
            self._unsent.clear()
        self._loop.remove_writer(fd)

    def _read(self) -> bool:
        """Take one piece of what it sends; whether there was one."""
        if self._started is None or self._over or self.fault:
            return False
        data = self._received(self._started.sock)
        if not data:
            if data is not None:
                self._loop.remove_reader(self._started.sock.fileno())
            return False
        self.began = True
        try:
            for message in self._decoder.feed(data):
                self._owner.told(self, message)
        except Exception as error:  # noqa: BLE001 - a call waits for its end, whatever it is
            # Whatever wrote this, it is no worker of ours any more.
            if isinstance(error, ProtocolError):
                self.fault = str(error)
            else:
                self.fault = f"a message that it cannot take: {error!r:.200}"
                _log.exception("a message of worker process %s could not be taken", self.pid)
            self._loop.remove_reader(self._started.sock.fileno())
            self.kill()
            return False
        return True

    @staticmethod
    def _received(sock: socket.socket) -> bytes | None:
        try:
            return sock.recv(4 * _PIECE)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _output(self, fd: int, stream: str) -> None:
        if self._over:
            return
        if len(self._read_output(fd, stream)) == _PIECE:
            self._loop.remove_reader(fd)
            self._loop.call_later(_REST_S, self._output_again, fd, stream)

    def _output_again(self, fd: int, stream: str) -> None:
        if not self._over:
            self._loop.add_reader(fd, self._output, fd, stream)

    def _read_output(self, fd: int, stream: str) -> bytes:
        try:
            data = os.read(fd, _PIECE)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if data:
            if stream == "stderr":
                self.last_words = (self.last_words + data)[-_LAST_WORDS:]
            self._owner.printed(self, stream, data)
        else:
            self._loop.remove_reader(fd)
        return data

    def _finish(self) -> None:
        started = self._started
        if started is not None:
            # What it said before it died counts: also that its call had ended.
            while self._read():
                pass
            self.drain()
            for fd in (started.sock.fileno(), started.stdout, started.stderr):
                self._loop.remove_reader(fd)
            self._loop.remove_writer(started.sock.fileno())
            self._over = True
            started.close()
        self._owner.gone(self)
