"""Why nobody found a due time: the times at which no engine ran."""

from __future__ import annotations

from schedtui.clock import from_us
from schedtui.engine.core import Core


def words(since_us: int, until_us: int, *, clean: bool) -> str:
    """What the rows of due times say of such a time (microseconds)."""
    how = "" if clean else " (it did not stop in order)"
    return (
        f"the engine did not run from {from_us(since_us):%FT%TZ} to {from_us(until_us):%FT%TZ}{how}"
    )


async def absence_at(core: Core, due_us: int) -> str | None:
    """As `Core.absence`, also where the engine was down once more since; reads the store then."""
    if core.absent is None or core.absent[0] <= due_us:
        return core.absence(due_us)
    before, after = await core.off_loop(core.store.boots_around, due_us)
    if before is None or after is None or due_us < before.ended_at_us:
        return core.absence(due_us)
    return words(before.ended_at_us, after.started_at_us, clean=before.clean)
