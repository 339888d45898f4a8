"""A fixed interval."""

from __future__ import annotations

import copy
import math
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from schedtui.clock import from_us
from schedtui.errors import InvalidTriggerError, shorten
from schedtui.triggers.base import HORIZON_US, SECOND_US, Trigger, aware_us
from schedtui.triggers.words import duration_words, iso_utc

SHORTEST_US: Final = 1_000
"""The shortest interval: a millisecond."""

LONGEST_US: Final = 36_500 * 86_400 * SECOND_US
"""The longest interval: 36,500 days."""

_MICROSECOND: Final = timedelta(microseconds=1)


class Every(Trigger):
    """Every so often: at ``anchor + n * interval``, for every whole ``n``.

    The phase belongs to the anchor, not to the process: a restart does not begin the interval
    anew, a late run does not push the later ones, and two engines agree. The anchor is a phase and
    not a start; due times lie before it as well.

    The interval is a duration. ``Every(timedelta(days=1))`` is due every 86,400 seconds, which is
    another wall-clock time after each change to or from daylight saving time; for the same time
    every day write ``Cron("0 9 * * *")``.

    Args:
        interval: Seconds, or a `timedelta`; 1 ms to 36,500 days, to the microsecond.
        anchor: An aware moment at which it is due; 1970-01-01T00:00:00Z by default.

    Raises:
        InvalidTriggerError: the interval is out of range or no number, the anchor is naive.
    """

    __slots__ = ("_anchor_us", "_interval_us")

    def __init__(self, interval: float | timedelta, *, anchor: datetime | None = None) -> None:
        self._interval_us = _interval_us(interval)
        self._anchor_us = 0 if anchor is None else aware_us(anchor, "anchor")

    @property
    def interval(self) -> timedelta:
        """The interval."""
        return self._interval_us * _MICROSECOND

    @property
    def anchor(self) -> datetime:
        """A moment at which it is due, in UTC."""
        return from_us(self._anchor_us)

    def next_after_us(self, us: int) -> int | None:
        """The first due time strictly after ``us``; None from the year 2200 on."""
        due = us + self._interval_us - (us - self._anchor_us) % self._interval_us
        return due if due < HORIZON_US else None

    def newest(self, after_us: int, until_us: int, limit: int) -> list[int]:
        """The newest ``limit`` due times in ``(after_us, until_us]``, oldest of them first."""
        listed = min(limit, self.count(after_us, until_us))
        if listed <= 0:
            return []
        until_us = min(until_us, HORIZON_US - 1)
        last = until_us - (until_us - self._anchor_us) % self._interval_us
        return [last - back * self._interval_us for back in range(listed - 1, -1, -1)]

    def count(self, after_us: int, until_us: int) -> int:
        """How many due times lie in ``(after_us, until_us]``."""
        until_us = min(until_us, HORIZON_US - 1)
        anchor, interval = self._anchor_us, self._interval_us
        return max(0, (until_us - anchor) // interval - (after_us - anchor) // interval)

    def day_key(self, start_us: int) -> int:
        """The phase of the day within the interval."""
        return (start_us - self._anchor_us) % self._interval_us

    def meeting(self, other: Every) -> Every | None:
        """The interval at which both are due; None: they never are at one instant."""
        shared = math.gcd(self._interval_us, other._interval_us)
        apart = other._anchor_us - self._anchor_us
        if apart % shared:
            return None
        # The Chinese remainder theorem.
        step = other._interval_us // shared
        times = apart // shared * pow(self._interval_us // shared, -1, step) % step
        both = copy.copy(self)
        both._anchor_us = self._anchor_us + self._interval_us * times  # noqa: SLF001 - a copy of self
        both._interval_us = self._interval_us * step  # noqa: SLF001 - the same
        return both

    def describe(self) -> str:
        """``every 5 min``, with the anchor when one was given."""
        if not self._anchor_us:
            return self.short()
        anchor = self.anchor.replace(tzinfo=None).isoformat(" ")
        return f"{self.short()}, counted from {anchor} UTC"

    def short(self) -> str:
        """``every 5 min``."""
        return f"every {duration_words(self.interval)}"

    def to_json(self) -> dict[str, Any]:
        """``{"type": "every", "seconds": 300}``, with ``anchor`` when one was given."""
        data: dict[str, Any] = {"type": "every", "seconds": self._seconds()}
        if self._anchor_us:
            data["anchor"] = iso_utc(self.anchor)
        return data

    def _seconds(self) -> int | float:
        whole, rest = divmod(self._interval_us, SECOND_US)
        return self._interval_us / SECOND_US if rest else whole

    def _key(self) -> tuple[object, ...]:
        return (self._interval_us, self._anchor_us)

    def __repr__(self) -> str:
        if not self._anchor_us:
            return f"Every({self._seconds()!r})"
        return f"Every({self._seconds()!r}, anchor={self.anchor!r})"


def _interval_us(interval: object) -> int:
    wanted = "seconds, from 0.001 to 3,153,600,000 (36,500 days), or a timedelta"
    if isinstance(interval, timedelta):
        us = interval // _MICROSECOND
    elif isinstance(interval, bool) or not isinstance(interval, int | float):
        raise InvalidTriggerError.one("seconds", interval, wanted)
    elif isinstance(interval, float) and not math.isfinite(interval):
        # As text: neither inf nor nan can be written in JSON.
        raise InvalidTriggerError.one("seconds", str(interval), wanted)
    else:
        us = round(Fraction(interval) * SECOND_US)
    if not SHORTEST_US <= us <= LONGEST_US:
        # As text when it is no number of JSON: a timedelta, or an integer of a thousand digits.
        plain = isinstance(interval, float) or us.bit_length() < 64
        got = interval if plain and not isinstance(interval, timedelta) else shorten(interval)
        raise InvalidTriggerError.one("seconds", got, wanted)
    return us
