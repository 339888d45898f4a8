"""How long to leave a store alone that did not take something."""

from __future__ import annotations

PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)


def pause_s(tried: int) -> float:
    """Seconds until the next attempt, where ``tried`` others have failed since the first one."""
    return PAUSES_S[min(tried, len(PAUSES_S) - 1)]
