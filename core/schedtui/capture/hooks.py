"""The hooks into this process: ``sys.stdout``, ``sys.stderr`` and `logging`."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TextIO, cast

from schedtui.capture.logs import Hook, make_hook
from schedtui.capture.streams import StreamProxy
from schedtui.capture.switch import SWITCH

_STREAMS = ("stdout", "stderr")


class Capture:
    """One engine's share in the hooks of its process: they are there while anyone has installed.

    Args:
        echo: Whether what is captured also goes where it went before. For a service True; for the
            console False. With several engines in a process one True is enough.
    """

    def __init__(self, *, echo: bool = True) -> None:
        self.echo = echo
        self.log_level: int | None = None

    def install(self, *, log_level: int | None = logging.INFO) -> None:
        """Begin to capture, in front of whatever stands in for stdout and stderr now.

        Harmless when done already.

        Args:
            log_level: Lower the root logger's level to this while installed, if it is higher and
                logging has not been set up (no handler on the root logger); None to leave it.
        """
        with _LOCK:
            self.log_level = log_level
            _OWNERS.add(self)
            _hook()
            _apply()

    def uninstall(self) -> None:
        """Give everything back, where it still is as `install` left it. Harmless when not there."""
        with _LOCK:
            _OWNERS.discard(self)
            if not _OWNERS:
                _unhook()
            _apply()


class _RootLevel:
    """The root logger's level, while it is lowered."""

    def __init__(self) -> None:
        self._lowered: tuple[int, int] | None = None

    def lower(self, level: int) -> None:
        root = logging.getLogger()
        if self._lowered is None and root.level > level and not root.handlers:
            self._lowered = (root.level, level)
            root.setLevel(level)

    def restore(self) -> None:
        if self._lowered is not None:
            before, ours = self._lowered
            self._lowered = None
            root = logging.getLogger()
            if root.level == ours:
                root.setLevel(before)


class _LoggingHook:
    """What stands in for ``logging.Logger.callHandlers``."""

    def __init__(self) -> None:
        self._ours: Hook | None = None
        self._original: Hook | None = None

    def install(self) -> None:
        found: Hook = logging.Logger.callHandlers
        if found is not self._ours:
            self._original = found
            self._ours = make_hook(found)
            _set_call_handlers(self._ours)

    def remove(self) -> None:
        if self._original is not None and logging.Logger.callHandlers is self._ours:
            _set_call_handlers(self._original)
            self._ours = self._original = None


def _set_call_handlers(hook: Hook) -> None:
    logging.Logger.callHandlers = hook  # type: ignore[method-assign, assignment]  # this is the hook


_LOCK = threading.Lock()
_OWNERS: set[Capture] = set()
_LOGGING = _LoggingHook()
_LEVEL = _RootLevel()


def _hook() -> None:
    for name in _STREAMS:
        found: TextIO | None = getattr(sys, name)
        if not isinstance(found, StreamProxy):
            setattr(sys, name, cast(TextIO, StreamProxy(name, found)))
    _LOGGING.install()


def _apply() -> None:
    SWITCH.on = bool(_OWNERS)
    SWITCH.echo = any(owner.echo for owner in _OWNERS)
    for owner in _OWNERS:
        if owner.log_level is not None:
            _LEVEL.lower(owner.log_level)


def _unhook() -> None:
    for name in _STREAMS:
        found = getattr(sys, name)
        if isinstance(found, StreamProxy):
            setattr(sys, name, found.previous)
    _LOGGING.remove()
    _LEVEL.restore()


def _after_fork_in_child() -> None:
    """A forked child has no engine to hand its lines to: its output goes where it always went."""
    _OWNERS.clear()
    SWITCH.on = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
