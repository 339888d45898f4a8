"""Signs of life in the store, and what else it is told in passing."""

from __future__ import annotations

import logging
from collections.abc import Callable

from schedtui.clock import Timer
from schedtui.engine.core import Core
from schedtui.protocols import StoreTx
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.engine")

BEAT_S = 5.0
"""Between two signs of life in the store."""


class Heartbeat:
    """Says that the engine lives; on its loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._timer: Timer | None = None

    def begin(self) -> None:
        """A sign of life now, and the next one in a while."""
        core, now_us = self._core, self._core.clock.now_us()
        self.tell(lambda tx: tx.beat(core.boot, now_us))
        self._timer = core.clock.call_later(BEAT_S, self.begin)

    def cancel(self) -> None:
        """No further sign."""
        if self._timer is not None:
            self._timer.cancel()

    def tell(self, apply: Callable[[StoreTx], object]) -> None:
        """Write something with the outcomes that nobody waits for."""
        self._core.writer.submit(
            Write(
                Lane.OUTCOME,
                apply,
                done=lambda _: None,
                failed=lambda error: logger.warning("not written: %s", error),
            )
        )
