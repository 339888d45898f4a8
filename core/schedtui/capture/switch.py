"""What the hooks of this process share: whether they capture, and what each thread is doing."""

from __future__ import annotations

import logging
import threading


class Switch:
    """Whether output of runs is captured, and whether it also goes where it went before."""

    __slots__ = ("echo", "on")

    def __init__(self) -> None:
        self.on = False
        self.echo = False


class ThreadState(threading.local):
    """What the current thread is in the middle of."""

    passing: bool = False
    """Handing output on: a proxy further down the chain must not take it again."""
    record: logging.LogRecord | None = None
    """The log record whose handlers are at work: it is captured already, their output is not."""


SWITCH = Switch()
THREAD = ThreadState()
