"""Engines in a process that forks: the child has a copy that must do nothing, and says so."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """What may be copied by a fork."""

    def left_in_parent(self, pid: int) -> None:
        """Told in the child: what ran, runs in process ``pid`` alone."""


_known: weakref.WeakSet[Forked] = weakref.WeakSet()
_parent = 0


def know(engine: Forked) -> None:
    """Tell this engine's copy in each child that is forked from now on."""
    _known.add(engine)


def _before() -> None:
    global _parent
    _parent = os.getpid()


def _in_child() -> None:
    for engine in list(_known):
        engine.left_in_parent(_parent)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_child=_in_child)
