"""A queue of runs that wait, which forgets at once what waits no longer."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from schedtui.engine.live.run import LiveRun

_ORDER = count()
_FEW = 32
"""Entries of runs that have left which are kept without a look."""


class Place(NamedTuple):
    """Where a run waits."""

    queue: Queue
    order: int
    """Which of the entries of that queue is its own."""


class Queue:
    """Runs by a key, the smallest first; of equal ones, who came first.

    A run is in one queue at a time. Its entry is never searched for: what it left behind is dropped
    when it comes up, or when half of the entries are of that kind.
    """

    __slots__ = ("_entries", "_stale", "size")

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, LiveRun]] = []
        self._stale = 0
        self.size = 0
        """How many wait here; asked for every run that starts or ends."""

    def push(self, run: LiveRun, key: int) -> None:
        """Let a run wait here, and nowhere else."""
        leave(run)
        place = run.place = Place(self, next(_ORDER))
        heapq.heappush(self._entries, (key, place.order, run))
        self.size += 1

    def pop(self) -> LiveRun:
        """The first run, which waits no longer; only where there is one."""
        self.first_key()
        run = heapq.heappop(self._entries)[2]
        run.place = None
        self.size -= 1
        return run

    def first_key(self) -> int | None:
        """The key of the first run; None where nobody waits."""
        while self._entries and not self._is_here(self._entries[0]):
            heapq.heappop(self._entries)
            self._stale -= 1
        return self._entries[0][0] if self._entries else None

    def shift(self, by: int) -> None:
        """Add to the key of all, and to the moment that it stands for."""
        self._entries = [
            (key + by, order, run)
            for key, order, run in self._entries
            if self._is_here((key, order, run))
        ]
        self._stale = 0
        for key, _, run in self._entries:
            run.not_before_us = key

    def left(self) -> None:
        """One of its runs has left."""
        self.size -= 1
        self._stale += 1
        if self._stale > _FEW and self._stale > len(self._entries) // 2:
            self._entries = [entry for entry in self._entries if self._is_here(entry)]
            heapq.heapify(self._entries)
            self._stale = 0

    def _is_here(self, entry: tuple[int, int, LiveRun]) -> bool:
        place = entry[2].place
        return place is not None and place.order == entry[1]


def leave(run: LiveRun) -> None:
    """Take a run out of the queue that it is in, if it is in one."""
    place = run.place
    if place is not None:
        run.place = None
        place.queue.left()
