"""What a server without a screen says, apart from what its jobs write.

A subprocess of a job inherits fds 0, 1 and 2. Where these are a terminal, its escape sequences
would steer it and its reads would take what the person types.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from schedtui_tui.logfile import trim
from schedtui_tui.outlet import Outlet
from schedtui_tui.terminal import point


class Voice:
    """The streams of the server itself. Whoever writes there never waits for who reads.

    Attributes:
        out: For what it prints.
        err: For what it logs.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._outlet = Outlet()
        self._own = {number: os.dup(number) for number in (1, 2)}
        self.out = self._outlet.stream(self._own[1], sys.stdout.encoding)
        self.err = self._outlet.stream(self._own[2], sys.stderr.encoding)
        self._log: Path | None = None
        point(os.devnull, os.O_RDONLY, 0)

    def keep(self, log: Path) -> None:
        """Where stdout and stderr are a terminal, keep it, and let others write into ``log``."""
        sys.stdout.flush()
        sys.stderr.flush()
        terminals = [number for number in self._own if os.isatty(number)]
        if not terminals:
            return
        self._log = log
        with contextlib.suppress(OSError):
            point(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, *terminals)

    def trim(self) -> None:
        """Start that log anew when it has grown large."""
        if self._log is not None:
            trim(self._log)

    def release(self) -> None:
        """Say what is left to say, and give stdout and stderr back as they were.

        Where nobody takes it they are turned away: what still writes there would wait for ever.
        """
        taken = self._outlet.drain()
        if not taken:
            point(os.devnull, os.O_WRONLY, *self._own)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        if taken:
            for number, own in self._own.items():
                os.dup2(own, number)
