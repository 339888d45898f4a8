"""A pipe that nothing is ever written to: when the engine's end of it closes, the engine is gone.

The worker's thread that reads the socket would notice as well, but not while a function holds the
interpreter's lock. Here the kernel itself ends the worker's process group.
"""

from __future__ import annotations

import os
import signal

_ours: set[int] = set()
"""The engine's ends in this process."""


def keep(fd: int) -> None:
    """Note a file that a forked child of this process is not to keep open for it."""
    _ours.add(fd)


def close(fd: int) -> None:
    """Close a file that was noted."""
    _ours.discard(fd)
    os.close(fd)


def hang_on(fd: int) -> None:
    """In a worker: end with all of the group when the other end closes; on Linux alone."""
    import fcntl  # not on Windows, where this module is imported and not used

    set_signal = getattr(fcntl, "F_SETSIG", None)
    if set_signal is not None:
        fcntl.fcntl(fd, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(fd, set_signal, signal.SIGKILL)
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)


def _after_fork_in_child() -> None:
    # While it has them, a worker would not notice that the engine is gone. Their numbers stay
    # taken: objects of this process still believe that they own them.
    if not _ours:
        return
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in _ours:
        os.dup2(nothing, fd, inheritable=False)
    os.close(nothing)
    _ours.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
