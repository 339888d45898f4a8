"""The APScheduler shell: its life cycle and its timer, with our tick in place of its job loop.

The only subclass of APScheduler in the engine. What is replaced, and why: the stock
``_process_jobs`` commits once per firing, ends for good at the first exception of a store or a
trigger, sleeps without a limit, and reads the wall clock itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from schedtui.clock import Clock, Timer

logger = logging.getLogger("schedtui.tick")

MAX_SLEEP_S = 1.0
"""Longest sleep between two ticks, so that a stepped clock or a resumed machine is noticed."""


class Shell(AsyncIOScheduler):  # type: ignore[misc]  # apscheduler ships no annotations
    """Runs ``tick`` on the event loop it is started on, again and again.

    Args:
        tick: Does the work of one tick; returns the seconds until it wants the next.
        clock: Gives the timers.
    """

    def __init__(self, tick: Callable[[], float], clock: Clock) -> None:
        self._tick = tick
        self._clock = clock
        self._timer: Timer | None = None
        self._woken = False
        quiet = logging.getLogger("schedtui.shell")
        quiet.setLevel(logging.WARNING)  # the engine itself says when it starts and stops
        super().__init__(timezone=UTC, logger=quiet)

    def wakeup(self) -> None:
        """Tick as soon as the loop is free; many calls before that are one. On the loop only."""
        if self._eventloop is not None and not self._woken:
            self._woken = True
            self._eventloop.call_soon(self._turn)

    def _turn(self) -> None:
        self._woken = False
        if not self.running:
            return
        self._stop_timer()
        try:
            wait_s = self._tick()
        except Exception:  # the tick must go on whatever happens in it
            logger.exception("the tick failed; it goes on")
            wait_s = MAX_SLEEP_S
        self._start_timer(min(max(wait_s, 0.0), MAX_SLEEP_S))

    def _start_timer(self, wait_seconds: float) -> None:
        self._timer = self._clock.call_later(wait_seconds, self.wakeup)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
