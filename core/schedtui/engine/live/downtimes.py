"""The times at which no engine ran, for the reasons of what was due in them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from schedtui.clock import from_us


class Downtime(NamedTuple):
    """From the last sign of life of one engine to the start of the next (microseconds)."""

    since_us: int
    until_us: int
    clean: bool
    """Whether the one before it stopped in order."""
    upto_us: int
    """What was due up to then is its own: its end, or less, by a clock that was set back since."""

    def __str__(self) -> str:
        how = "" if self.clean else " (it did not stop in order)"
        since, until = from_us(self.since_us), from_us(self.until_us)
        return f"the engine did not run from {since:%FT%TZ} to {until:%FT%TZ}{how}"


class Downtimes:
    """Those of one life of the engine: all were before it.

    Args:
        known: In any order.
        since_us: Nothing is known of what was before.
    """

    def __init__(self, known: Iterable[Downtime] = (), since_us: int = 0) -> None:
        self._since_us = since_us
        self._known = sorted(known, key=lambda one: one.upto_us)
        self._ends = [one.upto_us for one in self._known]
        self._words: dict[tuple[int, int], str] = {}

    def why(self, first_us: int, last_us: int) -> str | None:
        """Why nobody found in time what was due from one moment to another.

        It was due while no engine ran, or just before one ended that had not come to it. None
        where it was due after all of them, or before the time that they are known of.
        """
        if first_us < self._since_us:
            return None
        place, after = bisect_left(self._ends, first_us), bisect_left(self._ends, last_us)
        if place == len(self._known):
            return None
        stretch = place, min(after, len(self._known) - 1)
        words = self._words.get(stretch)  # one for each of a hundred rows of each job
        if words is None:
            words = self._words[stretch] = self._of(*stretch)
        return words

    def _of(self, first: int, last: int) -> str:
        words, more = str(self._known[first]), last - first
        if not more:
            return words
        times = "once more" if more == 1 else f"{more:,} times more"
        return f"{words}, and {times} until {from_us(self._known[last].until_us):%FT%TZ}"
