"""Drawing on a terminal that may stop reading, or go.

Textual draws from a thread of its own, and what waits for that thread is a short queue. A thread
that ended by an error, or that hangs in a write, would fill it, and the whole program would wait
for ever: deaf to keys and signals, while its engine fires on.
"""

from __future__ import annotations

import contextlib
import io
import os
from select import select
from time import monotonic
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer  # of collections.abc from Python 3.12 on

STUCK_S = 1.0
"""A terminal that has taken nothing for so long is not read."""


class Display(io.RawIOBase):
    """Writes to a terminal. It waits for one that is not read, until it is told to give up.

    No write fails: what a terminal that is gone cannot take is dropped.

    Args:
        number: A file descriptor of the terminal; stays the caller's.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._out = _opened_anew(number)
        self._given_up = False
        self._since: float | None = None
        self._woken, self._wake = os.pipe()

    def as_text(self, encoding: str) -> TextIO:
        """The same, for text; closing it closes this."""
        return io.TextIOWrapper(io.BufferedWriter(self), encoding=encoding, errors="replace")

    @property
    def stuck(self) -> bool:
        """Whether something waits to be written, and has waited for a while."""
        since = self._since
        return since is not None and monotonic() - since > STUCK_S

    def give_up(self, last: bytes = b"") -> None:
        """Drop what waits and whatever comes, from any thread; the terminal still gets ``last``.

        What it has not shown yet is dropped too, to make room.
        """
        import termios

        self._given_up = True
        os.write(self._wake, b".")
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(self._out, termios.TCOFLUSH)
        self.attempt(last)

    def attempt(self, data: bytes) -> None:
        """Write what the terminal takes at once."""
        with contextlib.suppress(OSError):
            if select([], [self._out], [], 0)[1]:
                os.write(self._out, data)

    def write(self, data: Buffer, /) -> int:
        """Write all of it, or drop it; returns its length in bytes."""
        left = memoryview(data).cast("B")
        length = len(left)
        self._since = monotonic()
        while left and not self._given_up:
            try:
                left = left[os.write(self._out, left) :]
            except BlockingIOError:
                select([self._woken], [self._out], [])
            except OSError:
                break
            else:
                self._since = monotonic()
        self._since = None
        return length

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Whether it is a terminal, and still there."""
        return os.isatty(self._number)

    def fileno(self) -> int:
        """The descriptor that it was given."""
        return self._number

    def close(self) -> None:
        """Let go of the terminal."""
        if not self.closed:
            super().close()
            for number in (self._out, self._woken, self._wake):
                with contextlib.suppress(OSError):
                    os.close(number)


def _opened_anew(number: int) -> int:
    """A descriptor that does not block; whoever shares ``number``, as the shell does, keeps theirs.

    Where the terminal belongs to another user it cannot be opened, and its writes may block.
    """
    with contextlib.suppress(OSError):
        return os.open(os.ttyname(number), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    return os.dup(number)
