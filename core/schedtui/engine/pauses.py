"""Jobs that are paused until a moment resume by themselves."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from schedtui.clock import to_us
from schedtui.engine.core import Core
from schedtui.engine.live import LiveJob


class Pauses:
    """The moments at which pauses end.

    Args:
        core: The engine's parts.
        resume: Called with a job whose pause is over.
    """

    def __init__(self, core: Core, resume: Callable[[LiveJob], None]) -> None:
        self._core = core
        self._resume = resume
        self._ends: list[tuple[int, int, int]] = []

    def enter(self, live: LiveJob) -> None:
        """Look at a job that is new or was changed."""
        if live.job.paused and live.job.paused_until is not None:
            heapq.heappush(self._ends, (to_us(live.job.paused_until), live.id, live.version))

    def tick(self) -> float:
        """Resume what is due. Returns the seconds until there may be more to do."""
        now_us = self._core.clock.now_us()
        while self._ends and self._ends[0][0] <= now_us:
            _, job_id, version = heapq.heappop(self._ends)
            live = self._core.jobs.by_id(job_id)
            if live is not None and live.version == version:
                self._resume(live)
        return 1.0 if not self._ends else max(0.0, (self._ends[0][0] - now_us) / 1e6)
