"""Pools of slots: who may run now, and who waits for whom.

A slot is given out when a run is claimed, before its row is committed, and comes back when its
function has ended, before that outcome is.
"""

from __future__ import annotations

from collections import deque

from schedtui.engine.live import LiveRun
from schedtui.protocols import Executor

FRESH_S = 0.005
"""A slot given out this short a time ago may well be back in a moment: wait for it, once."""


class Pool:
    """The slots of one executor, and the runs that wait for one."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.free = executor.slots
        self.claimed = 0
        """Slots of runs whose claim is not committed yet."""
        self.given_at = float("-inf")
        """When (monotonic seconds) calls were last handed to the executor."""
        self.queue: deque[LiveRun] = deque()

    def take(self) -> bool:
        """Reserve a slot for a claim; False when none is free or others waited before."""
        if self.free <= 0 or self.queue:
            return False
        self.free -= 1
        self.claimed += 1
        return True

    def soon(self, now: float) -> bool:
        """Whether slots that are all taken may be back in a moment."""
        return not self.queue and (self.claimed > 0 or now - self.given_at < FRESH_S)

    def give_back(self) -> None:
        """A function has ended, or a claim was lost."""
        self.free += 1

    def next_waiting(self) -> LiveRun | None:
        """The run that has waited longest, with a slot reserved for it; None without either."""
        if self.free <= 0 or not self.queue:
            return None
        self.free -= 1
        self.claimed += 1
        return self.queue.popleft()
