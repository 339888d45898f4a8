"""After a start: when no engine ran, as far back as something is due of which nobody decided."""

from __future__ import annotations

from schedtui.engine.core import Core
from schedtui.engine.live.downtimes import Downtime, Downtimes
from schedtui.protocols import Opened, Store

KNOWN = 1_000
"""So many downtimes are remembered, the newest ones."""


async def note_downtimes(core: Core, opened: Opened, started_us: int) -> None:
    """Remember since when nobody ran, and when before, for the due times of that while."""
    now_us, seen_us = core.clock.now_us(), opened.last_seen_us
    if seen_us is None or seen_us > now_us:
        return
    newest = Downtime(seen_us, now_us, opened.clean)
    undecided = (live.next_due_us for live in core.jobs)
    first_us = min((one for one in undecided if one is not None), default=seen_us)
    if first_us >= seen_us:
        core.downtimes = Downtimes([newest])
        return
    core.downtimes = await core.off_loop(_earlier, core.store, newest, started_us, first_us)


def _earlier(store: Store, newest: Downtime, started_us: int, first_us: int) -> Downtimes:
    """With those before the newest one, back to that in which, or before which, ``first_us`` lies.

    Blocks.
    """
    known = [newest]
    after, _ = store.boots_around(started_us - 1)
    while after is not None and after.started_at_us > first_us:
        if len(known) == KNOWN:
            return Downtimes(known, after.started_at_us)
        before, _ = store.boots_around(after.started_at_us - 1)
        if before is not None and before.ended_at_us < after.started_at_us:  # as the clock says
            known.append(Downtime(before.ended_at_us, after.started_at_us, before.clean))
        after = before
    return Downtimes(known)
