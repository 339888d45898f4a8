"""How much may go on at once: slots of an executor, places of a pool or of a group."""

from __future__ import annotations

from typing import Final

from schedtui.errors import InvalidError

MAX_AT_ONCE: Final = 10_000
"""More is a slip of the hand: no machine has so many threads to give."""
EXPECTED: Final = f"a whole number from 1 to {MAX_AT_ONCE:,}"


def check_at_once(field: str, number: object) -> int:
    """``number`` itself, when so many may go on at once.

    Raises:
        InvalidError: it is no whole number, or out of that range.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MAX_AT_ONCE:
        raise InvalidError.one(field, number, EXPECTED)
    return number
