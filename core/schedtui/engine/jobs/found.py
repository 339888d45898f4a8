"""The living jobs that a filter finds."""

from __future__ import annotations

import asyncio

from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.jobs import LiveJobs
from schedtui.models import JobFilter
from schedtui.models.names import check_name

AT_A_STRETCH = 1_000
"""Jobs that are looked at before the event loop gets its turn."""


def check_filter(where: JobFilter) -> None:
    """Refuse a name that nothing can have: it would find nothing, and nobody would notice.

    Raises:
        InvalidError: the group or the tag is none.
    """
    if where.group is not None:
        check_name("group", where.group)
    if where.tag is not None:
        check_name("tag", where.tag)


def is_meant(live: LiveJob, where: JobFilter) -> bool:
    """Whether every part that is given holds; for an empty filter it does."""
    return (
        where.group in (None, live.job.group)
        and (where.tag is None or where.tag in live.job.tags)
        and where.state in (None, live.state)
    )


async def found(
    jobs: LiveJobs, where: JobFilter, *, after: int = 0, limit: int | None = None
) -> list[LiveJob]:
    """Those that fit, in the order of their ids; on the engine's loop.

    Args:
        jobs: All.
        where: Which.
        after: Only those with a higher id.
        limit: How many at most; None: all.
    """
    if where.empty and limit is not None:
        return jobs.after(after, limit)
    meant: list[LiveJob] = []
    while limit is None or len(meant) < limit:
        batch = jobs.after(after, AT_A_STRETCH, where.group)
        meant += [live for live in batch if is_meant(live, where)]
        if len(batch) < AT_A_STRETCH:
            break
        after = batch[-1].id
        await asyncio.sleep(0)
    return meant[:limit]
