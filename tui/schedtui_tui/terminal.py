"""The terminal belongs to the screen alone.

A subprocess of a job inherits fds 0, 1 and 2. So these are turned away from the terminal before the
screen starts, and the screen gets duplicates of its own: Textual's driver reads ``sys.__stdin__``,
draws on ``sys.__stderr__`` and asks ``sys.__stdout__`` for its size.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

from schedtui_tui.display import Display
from schedtui_tui.process import RESET


def is_terminal() -> bool:
    """Whether a person sits at both ends: keys on stdin, a screen on stdout."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


@contextlib.contextmanager
def displayed() -> Iterator[Display]:
    """A display on the terminal of stdout, on which Textual draws meanwhile."""
    display = Display(1)
    before = sys.__stdin__, sys.__stdout__, sys.__stderr__
    with display.as_text(sys.stdout.encoding) as stream:
        _set_originals(sys.__stdin__, sys.__stdout__, stream)
        try:
            yield display
        finally:
            _set_originals(*before)


class Terminal:
    """The terminal, from `claim` on reachable by the screen only."""

    def __init__(self) -> None:
        self._saved = tuple(os.dup(number) for number in (0, 1, 2))
        self._keys, self._screen = os.dup(0), os.dup(1)
        self.display = Display(self._screen)
        """What the screen is drawn on."""
        self._before = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
        self._streams = (sys.stdout, sys.stderr)
        self._in_front: tuple[TextIO, TextIO] | None = None
        self._opened: list[TextIO] = []

    @classmethod
    def claim(cls) -> Terminal:
        """Turn fds 0, 1 and 2 away, to nowhere at first, and give the screen its duplicates."""
        sys.stdout.flush()
        sys.stderr.flush()
        self = cls()
        keys = open(self._keys, encoding=sys.stdin.encoding, closefd=False)  # noqa: SIM115 - an fd, open as long as the screen
        screen = self.display.as_text(sys.stdout.encoding)
        self._opened = [keys, screen]
        point(os.devnull, os.O_RDONLY, 0)
        point(os.devnull, os.O_WRONLY, 1, 2)
        _set_originals(keys, screen, screen)
        return self

    def hide(self) -> None:
        """Leave nothing of the terminal to user code: even the originals write to fd 2.

        Called when the screen is up: its driver holds on to the stream that it has found.
        """
        _set_originals(sys.__stdin__, _Original(self._screen), _Original(self._screen))

    def collect(self, log: Path) -> None:
        """Let what is still written to fds 1 and 2, and printed by nobody's run, end in ``log``.

        Called when the screen is up: Textual swallows prints while it runs, and this takes its
        place.
        """
        with contextlib.suppress(OSError):
            append_to(log)
        sys.stdout, sys.stderr = self._streams

    def capture(self) -> None:
        """Put what gives each run its prints in front of stdout and stderr.

        Called before the screen starts, which puts back what it has found as soon as it ends: runs
        print in that moment too. And once more after `collect`.
        """
        if self._in_front is None:
            from schedtui.capture.streams import StreamProxy

            out, err = self._streams
            proxies = StreamProxy("stdout", out), StreamProxy("stderr", err)
            self._in_front = cast("tuple[TextIO, TextIO]", proxies)
        sys.stdout, sys.stderr = self._in_front

    def say(self, text: str) -> None:
        """Write a line to the terminal once the screen is gone."""
        self.display.attempt(f"{text}\n".encode("utf-8", "replace"))

    def release(self) -> None:
        """Give everything back as it was."""
        self._flush()
        _copy(self._saved, (0, 1, 2))
        _set_originals(*self._before)
        self._close()

    def leave(self) -> None:
        """Let go of the terminal for good; fds 0, 1 and 2 stay turned away."""
        _set_originals(*self._before)
        self._close()

    def give_up(self) -> None:
        """Undo the screen's modes and write no more: nobody reads. From any thread.

        Keys are still the driver's, which has yet to put back the modes of the line.
        """
        self.display.give_up(RESET)
        self._forget(self._screen, *self._saved[1:])

    def abandon(self) -> None:
        """Undo the screen's modes and stop touching the terminal: the shell has it again.

        From here on the screen reads and draws nowhere. From any thread.
        """
        self.display.give_up(RESET)
        self._forget(self._keys, self._screen, *self._saved)

    def _forget(self, *numbers: int) -> None:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in numbers:
            os.dup2(nowhere, number, inheritable=False)
        os.close(nowhere)

    def _flush(self) -> None:
        for stream in self._streams:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()

    def _close(self) -> None:
        for stream in self._opened:
            with contextlib.suppress(OSError):
                stream.close()
        _close((*self._saved, self._keys, self._screen))


class _Original(io.TextIOWrapper):
    """Asked about, it is the screen, for its size and kind; written to, it is fd 2."""

    def __init__(self, screen: int) -> None:
        raw = open(2, "wb", buffering=0, closefd=False)  # noqa: SIM115 - an fd that is not ours to close
        super().__init__(raw, encoding="utf-8", errors="replace", write_through=True)
        self._screen = screen

    def fileno(self) -> int:
        return self._screen

    def isatty(self) -> bool:
        return os.isatty(self._screen)


def append_to(log: Path) -> None:
    """Point fds 1 and 2 at the end of ``log``."""
    point(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 1, 2)


def _set_originals(keys: TextIO | None, out: TextIO | None, err: TextIO | None) -> None:
    # typeshed calls these three final; they are where Textual looks.
    vars(sys).update(__stdin__=keys, __stdout__=out, __stderr__=err)


def point(path: str | Path, flags: int, *numbers: int) -> None:
    """Open ``path`` as each of the descriptors ``numbers``."""
    opened = os.open(path, flags, 0o600)
    for number in numbers:
        os.dup2(opened, number)
    os.close(opened)


def _copy(sources: tuple[int, ...], targets: tuple[int, ...]) -> None:
    for source, target in zip(sources, targets, strict=True):
        os.dup2(source, target)


def _close(numbers: tuple[int, ...]) -> None:
    for number in numbers:
        with contextlib.suppress(OSError):
            os.close(number)
