"""The one clock: wall time in integer microseconds, monotonic seconds, and timers.

Whatever is due, late, timed out or waited for by a run is so by a `Clock`, so that
`schedtui.testing.FakeClock` can stand in for it and no test has to sleep. Real time is left where
it only bounds work: how long a tick, a flush, a stop, a lock or another process may take.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from schedtui.errors import InvalidError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIN_US = -62_135_596_800_000_000
"""The first microsecond of the year 1, where `datetime` begins."""
MAX_US = 253_402_300_799_999_999
"""The last one of the year 9999, where it ends."""
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, exact.

    Raises:
        ValueError: ``moment`` is naive.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; give an aware datetime")
    return (moment - EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The aware UTC datetime of ``us`` microseconds since 1970.

    Raises:
        OverflowError: it is not from `MIN_US` to `MAX_US`.
    """
    return EPOCH + timedelta(microseconds=us)


def aware_utc(moment: datetime, field: str) -> datetime:
    """``moment`` in UTC.

    Raises:
        InvalidError: it is naive; names ``field``.
    """
    if moment.utcoffset() is None:
        raise InvalidError.one(field, moment.isoformat(), "a datetime with a time zone")
    return moment.astimezone(UTC)


class Timer(Protocol):
    """A pending call; `asyncio.TimerHandle` is one."""

    def cancel(self) -> None:
        """Forget the call. Harmless when it has happened."""


class Clock(Protocol):
    """Where the engine gets its time from."""

    def now_us(self) -> int:
        """Wall time, microseconds since 1970, UTC. May step in either direction."""

    def monotonic(self) -> float:
        """Seconds that only ever grow, from an arbitrary zero."""

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        """Call ``callback`` on the running event loop in ``delay_s`` seconds."""


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """Wall time, microseconds since 1970, UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        """A timer of the running event loop."""
        return asyncio.get_running_loop().call_later(delay_s, callback)
