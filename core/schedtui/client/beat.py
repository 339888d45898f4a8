"""When watchers of changes are told: on one beat, so that all of them get the same frames."""

from __future__ import annotations

import time

from schedtui.models import Changes

BEATS_S = (0.1, 0.2, 0.5, 1.0)
"""Each is a multiple of the first: who waits for a longer one meets the others there."""
ROWS_PER_S = 3_000
"""Rows in a second from which on frames are fewer, each with the newest state.

A row takes some ten microseconds to make and to encode, on the loop that fires jobs.
"""


def beat_s(changes: Changes) -> float:
    """Seconds of the beat at which the frame after ``changes`` is made."""
    slower = (beat for beat in BEATS_S if beat * ROWS_PER_S >= len(changes.jobs))
    return next(slower, BEATS_S[-1])


def until_next_s(changes: Changes) -> float:
    """Seconds from now until the frame after ``changes`` is made."""
    beat = beat_s(changes)
    return beat - time.monotonic() % beat
