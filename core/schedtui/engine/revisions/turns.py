"""Work of many small parts on the engine's loop, which others need too."""

from __future__ import annotations

import asyncio
from time import monotonic

TURN_S = 0.005
"""How long such work has the loop at a stretch."""


class Turns:
    """Lets others have the loop when its turn is over."""

    def __init__(self) -> None:
        self._until = monotonic() + TURN_S

    async def next(self) -> None:
        """To be called after each part."""
        if monotonic() >= self._until:
            await asyncio.sleep(0)
            self._until = monotonic() + TURN_S
