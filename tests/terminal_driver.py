"""Programs in a real pty: start them, type, wait until the screen says something."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

SCHEDTUI = (sys.executable, "-m", "schedtui_tui")
DEADLINE_S = 20.0  # for a thing that takes a fraction of a second on an idle machine

QUIET_S = 0.15  # longer than a frame takes, and than Textual waits after an escape

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "backtab": "\x1b[Z",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "backspace": "\x7f",
    "ctrl+c": "\x03",
    "ctrl+s": "\x13",
    "ctrl+q": "\x11",
    "ctrl+u": "\x15",
}


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a person at a terminal whose home is ``home``."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SCHEDTUI", "TEXTUAL", "XDG_", "NO_COLOR", "LC_", "LANG"))
        and name not in {"COLUMNS", "LINES", "TERM", "COLORTERM", "FORCE_COLOR", "TMUX"}
    }
    return kept | {"TERM": "xterm-256color", "LANG": "C.UTF-8", "HOME": str(home)} | more


class Terminal:
    """A program in a pty, and what its screen shows."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str],
        columns: int = 140,
        rows: int = 40,
        prefix: Callable[[], None] | None = None,
    ) -> None:
        self.master, slave = pty.openpty()
        self._lock = threading.Condition()
        self.raw = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._set_size(columns, rows)
        self.modes_before = termios.tcgetattr(slave)

        def own_the_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if prefix:
                prefix()

        self.process = subprocess.Popen(
            [os.fspath(part) for part in command],
            cwd=cwd,
            env=dict(env),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=own_the_terminal,
        )
        # Kept open, so that the pty outlives the program and its modes can be read afterwards.
        self.slave = slave
        self._ended = False
        self.unread = False
        """Whether nobody takes what is written, as on a connection that hangs."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process the shell would wait for."""
        return self.process.pid

    def child(self) -> int:
        """The process that it started: the engine behind the console."""
        command = ["ps", "-o", "pid=", "--ppid", str(self.pid)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def text(self) -> str:
        """The screen, a line each row."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def screen(self) -> pyte.Screen:
        """The screen, cell by cell."""
        return self._screen

    def written(self) -> bytes:
        """All that was ever written to the terminal."""
        with self._lock:
            return bytes(self.raw)

    def modes(self) -> list[object]:
        """The modes of the line, as termios has them."""
        return termios.tcgetattr(self.slave)

    def send(self, *keys: str) -> None:
        """Type keys by name, or text as it is, each when what the one before did is painted."""
        for key in keys:
            self._settle()
            os.write(self.master, KEYS.get(key, key).encode())

    def _settle(self) -> None:
        """Until nothing was painted for a moment: people see what they do before they go on."""
        until = time.monotonic() + 2
        while time.monotonic() < until:
            with self._lock:
                if not self._lock.wait(QUIET_S):
                    return

    def wait(self, wanted: str | Callable[[str], bool], *, deadline_s: float = DEADLINE_S) -> str:
        """The screen, as soon as it shows ``wanted`` (a text, or what a predicate says)."""
        holds = (lambda text: wanted in text) if isinstance(wanted, str) else wanted
        until = time.monotonic() + deadline_s
        while True:
            text = self.text()
            if holds(text):
                return text
            left = until - time.monotonic()
            if left <= 0 or (self._ended and not self._reader.is_alive()):
                raise AssertionError(f"waited for {wanted!r}; the screen shows:\n{text}")
            with self._lock:
                self._lock.wait(min(left, 0.2))

    def wait_gone(self, unwanted: str, *, deadline_s: float = DEADLINE_S) -> str:
        """The screen, as soon as it no longer shows ``unwanted``."""
        return self.wait(lambda text: unwanted not in text, deadline_s=deadline_s)

    def press_until(self, key: str, wanted: str, *, deadline_s: float = DEADLINE_S) -> str:
        """Press ``key`` again each half second until the screen shows ``wanted``."""
        until = time.monotonic() + deadline_s
        while True:
            self.send(key)
            try:
                return self.wait(wanted, deadline_s=0.5)
            except AssertionError:
                if time.monotonic() > until:
                    raise

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size; the kernel tells the program."""
        with self._lock:
            self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def leave(self, *, deadline_s: float = DEADLINE_S) -> int:
        """The exit code, once the program has ended."""
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running; the screen shows:\n{self.text()}") from None

    def fill(self) -> None:
        """Read nothing any more, and let the program paint more than the pty holds."""
        self.unread = True
        for step in range(40):
            self._set_size(140 + step % 2, 40)
            time.sleep(0.05)

    def untaken(self) -> int:
        """Bytes that were written, and that nobody has read yet; at most 4095 are counted."""
        return int.from_bytes(fcntl.ioctl(self.master, termios.FIONREAD, bytes(4)), sys.byteorder)

    def hang_up(self) -> None:
        """The terminal is closed, as a window is."""
        self._ended = True
        self._reader.join(5)
        for number in (self.master, self.slave):
            os.close(number)

    def close(self) -> None:
        """End the program, however it is, and the pty."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)
        if self._ended:
            return
        self._ended = True
        self._reader.join(5)  # what is still on its way is read first
        for number in (self.slave, self.master):
            os.close(number)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if not ready or self.unread:
                if self._ended:
                    return
                time.sleep(0.05 if self.unread else 0)
                continue
            try:
                data = os.read(self.master, 65_536)
            except OSError:
                return
            with self._lock:
                self.raw += data
                self._show(data)
                self._lock.notify_all()

    def _show(self, data: bytes) -> None:
        """Feed the screen, which knows neither the other screen nor the keyboard's protocol."""
        for part in re.split(rb"(\x1b\[\?1049[hl]|\x1b\[[<>]\d*u)", data):
            if part.startswith(b"\x1b[?1049"):
                self._screen.reset()
            elif not re.fullmatch(rb"\x1b\[[<>]\d*u", part):
                self._stream.feed(part)
