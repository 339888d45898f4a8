"""After a start: when no engine ran, as far back as something is due of which nobody decided."""

from __future__ import annotations

from itertools import pairwise

from schedtui.engine.core import Core
from schedtui.engine.live.downtimes import Downtime, Downtimes
from schedtui.protocols import Opened

KNOWN = 1_000
"""So many downtimes are remembered, the newest ones."""


async def note_downtimes(core: Core, opened: Opened) -> None:
    """Remember since when nobody ran, and when before, for the due times of that while."""
    now_us, seen_us = core.clock.now_us(), opened.last_seen_us
    if seen_us is None or seen_us > now_us:
        return
    newest = Downtime(seen_us, now_us, opened.clean)
    undecided = (live.next_due_us for live in core.jobs)
    if min((one for one in undecided if one is not None), default=seen_us) >= seen_us:
        core.downtimes = Downtimes([newest])
        return
    boots = await core.off_loop(core.store.boots, KNOWN + 1)
    known, since_us = [newest], 0
    for after, before in pairwise(boots[1:]):  # the first one is this engine
        if before is None or after is None or before.ended_at_us >= after.started_at_us:
            continue  # damaged, or its clock was set back
        known.append(Downtime(before.ended_at_us, after.started_at_us, before.clean))
    if len(boots) > KNOWN:
        since_us = min(boot.started_at_us for boot in boots if boot is not None)
    core.downtimes = Downtimes(known, since_us)
