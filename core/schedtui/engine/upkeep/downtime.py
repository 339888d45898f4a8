"""After a start: when no engine ran, as far back as something is due of which nobody decided."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from schedtui.engine.core import Core
from schedtui.engine.live.downtimes import Downtime, Downtimes
from schedtui.protocols import Opened

KNOWN = 1_000
"""So many downtimes are remembered, the newest ones."""


async def note_downtimes(core: Core, opened: Opened) -> None:
    """Remember since when nobody ran, and when before, for the due times of that while."""
    now_us, seen_us = core.clock.now_us(), opened.last_seen_us
    if seen_us is None:
        return
    known, ended_us = [], min(seen_us, now_us)
    if seen_us < now_us:  # else the clock was set back
        known.append(Downtime(seen_us, now_us, opened.clean, now_us))
    if min(_undecided(core), default=now_us) >= ended_us:
        core.downtimes = Downtimes(known)
        return
    boots = await core.off_loop(core.store.boots, KNOWN + 1)
    since_us = 0
    for number, (after, before) in enumerate(pairwise(boots), start=1):
        if after is None or before is None:  # damaged: nobody knows of what was before it
            since_us = now_us if after is None else after.started_at_us
            break
        upto_us = min(after.started_at_us, ended_us)
        if number > 1 and before.ended_at_us < upto_us:  # the newest one is known
            since = before.ended_at_us
            known.append(Downtime(since, after.started_at_us, before.clean, upto_us))
        ended_us = min(before.ended_at_us, ended_us)
        if number == KNOWN:
            since_us = before.started_at_us
    core.downtimes = Downtimes(known, since_us)


def _undecided(core: Core) -> Iterator[int]:
    """From when on due times of each job may have no row yet."""
    for live in core.jobs:
        owes = live.next_due_us is None and live.trigger is not None and live.trigger.foreign
        due_us = live.last_due_us if owes else live.next_due_us
        if due_us is not None:
            yield due_us
