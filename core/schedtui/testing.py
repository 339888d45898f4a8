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

    Args:
        start: Its first wall time.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._wall_us = to_us(start)
        self._monotonic_us = 1_000_000_000
        self._timers: list[tuple[int, int, _FakeTimer]] = []
        self._order = count()

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
        """Let everything run that is ready, on this loop and in the engine's threads."""
        for _ in range(4):
            await asyncio.sleep(0)
        await asyncio.sleep(0.002)  # the writer's thread and the pool's have their turn
        for _ in range(4):
            await asyncio.sleep(0)

    def _move(self, monotonic_us: int) -> None:
        self._wall_us += monotonic_us - self._monotonic_us
        self._monotonic_us = monotonic_us
