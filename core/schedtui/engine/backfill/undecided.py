"""Due times that have no row yet and that the schedule itself still decides: it may run them."""

from __future__ import annotations

from schedtui.clock import to_us
from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob


def undecided(core: Core, live: LiveJob) -> range:
    """Those of a readable job that wait for the end of a pause of the engine, or of its own.

    What is due within such a pause is skipped when that ends, so that a backfill may have it.
    """
    first_us, until = live.next_due_us, live.job.paused_until
    end_us = core.halted_us if live.halted else core.clock.now_us() + 1
    if first_us is None or (live.job.paused and until is None):
        return range(0)
    if live.job.paused and until is not None:
        first_us = max(first_us, to_us(until))
    return range(first_us, end_us)
