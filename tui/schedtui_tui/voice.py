"""What a server without a screen says at a terminal, apart from what its jobs write there.

A subprocess of a job inherits fds 0, 1 and 2. Where these are a terminal, its escape sequences
would steer it and its reads would take what the person types.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TextIO

from schedtui_tui.logfile import trim
from schedtui_tui.terminal import point


class Voice:
    """The streams of the server itself; those of the process, until `keep` is called.

    Attributes:
        out: For what it prints.
        err: For what it logs.
    """

    def __init__(self) -> None:
        self.out: TextIO = sys.stdout
        self.err: TextIO = sys.stderr
        self._saved: dict[int, TextIO] = {}
        self._log: Path | None = None
        point(os.devnull, os.O_RDONLY, 0)

    def keep(self, log: Path) -> None:
        """Where stdout and stderr are a terminal, keep it, and let others write into ``log``."""
        for number, stream in ((1, sys.stdout), (2, sys.stderr)):
            stream.flush()
            if os.isatty(number):
                self._saved[number] = os.fdopen(
                    os.dup(number), "w", buffering=1, encoding=stream.encoding, errors="replace"
                )
        if not self._saved:
            return
        self.out = self._saved.get(1, self.out)
        self.err = self._saved.get(2, self.err)
        self._log = log
        with contextlib.suppress(OSError):
            point(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, *self._saved)

    def trim(self) -> None:
        """Start that log anew when it has grown large."""
        if self._log is not None:
            trim(self._log)

    def release(self) -> None:
        """Give stdout and stderr back as they were."""
        self.out, self.err = sys.stdout, sys.stderr
        for number, kept in self._saved.items():
            with contextlib.suppress(OSError):
                (sys.stdout if number == 1 else sys.stderr).flush()
            os.dup2(kept.fileno(), number)
            with contextlib.suppress(OSError):
                kept.close()
        self._saved.clear()
