"""Public doubles for tests of schedules: no waiting, no files.

`FakeClock` stands where the machine's clock does; a `memory://` store keeps everything and forgets
it with the engine::

    clock = FakeClock(datetime(2026, 3, 29, 0, 0, tzinfo=UTC))
    async with Engine(groups=[reports], store="memory://", clock=clock) as engine:
        await clock.advance(3600)
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

from schedtui.clock import Timer, to_us
from schedtui.store.memory import MemoryStore

__all__ = ["FakeClock", "MemoryStore"]


class _FakeTimer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """A clock that moves when it is told to.

    An engine that is started with it tells it when it is busy, so that no time passes before the
    consequences of the last step are in the store and in memory.

    Args:
        start: Its first wall time.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._wall_us = to_us(start)
        self._monotonic_us = 1_000_000_000
        self._timers: list[tuple[int, int, _FakeTimer]] = []
        self._order = count()
        self._watched: list[Callable[[], float]] = []

    def now_us(self) -> int:
        """Wall time, microseconds since 1970."""
        return self._wall_us

    def monotonic(self) -> float:
        """Seconds from an arbitrary zero."""
        return self._monotonic_us / 1e6

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        """Call when the clock has been advanced so far."""
        timer = _FakeTimer(callback)
        # Some time for any delay: what waits for the rest of one would find time standing still.
        delay_us = max(round(delay_s * 1e6), 1 if delay_s > 0 else 0)
        at = self._monotonic_us + delay_us
        heapq.heappush(self._timers, (at, next(self._order), timer))
        return timer

    def watch(self, busy_s: Callable[[], float]) -> Callable[[], None]:
        """Let `settle` wait for something; an `Engine` that is started with this clock asks for it.

        Args:
            busy_s: Gives the real seconds that waiting for it is worth; 0 when it is idle.

        Returns:
            What ends the watching.
        """
        self._watched.append(busy_s)

        def unwatch() -> None:
            if busy_s in self._watched:
                self._watched.remove(busy_s)

        return unwatch

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back; no time passes."""
        self._wall_us += round(seconds * 1e6)

    async def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer; each timer's consequences settle before the next."""
        until_us = self._monotonic_us + round(seconds * 1e6)
        await self.settle()
        while self._timers and self._timers[0][0] <= until_us:
            at_us, _, timer = heapq.heappop(self._timers)
            if timer.callback is None:
                continue
            self._move(max(at_us, self._monotonic_us))
            timer.callback()
            await self.settle()
        self._move(until_us)
        await self.settle()

    async def settle(self) -> None:
        """Wait until no engine has anything to write or to read any more.

        A job's own function is not waited for where it waits for something itself: one on the event
        loop goes on as far as it can, one in a thread gets two milliseconds.
        """
        began = time.monotonic()
        quiet = 0
        while quiet < 2:
            for _ in range(4):
                await asyncio.sleep(0)
            worth_s = max((busy_s() for busy_s in self._watched), default=0.0)
            if time.monotonic() - began >= worth_s:
                quiet += 1
            else:
                quiet = 0
                await asyncio.sleep(0.0002)

    def _move(self, monotonic_us: int) -> None:
        self._wall_us += monotonic_us - self._monotonic_us
        self._monotonic_us = monotonic_us
