"""Counting as it happens, so that nobody has to count afterwards."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from schedtui.models.metrics import Histogram

LATENESS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)
"""Ends of the buckets for how late a run starts, in seconds."""
COMMIT_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Ends of the buckets for how long a transaction takes, in seconds."""


class Tally:
    """Measurements in buckets; from one thread. Another one may read, and see them a moment ago."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Count one more."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def seen(self) -> Histogram:
        """What was counted so far."""
        return Histogram(bounds=self._bounds, counts=tuple(self._counts), total=self._total)
