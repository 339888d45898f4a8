"""Pages of several lists as one. Where a page ends is told by the id of its last row."""

from __future__ import annotations

from collections.abc import Sequence

from schedtui.models import Page, Run


def newest_of(pages: Sequence[Page[Run]], limit: int) -> Page[Run]:
    """One page of the runs of several, newest first.

    Args:
        pages: All from the same place on; none has a run of another one.
        limit: How many runs at most.
    """
    # Below where a page ends, its list may have runs that are not there.
    open_ends = [int(page.cursor) for page in pages if page.cursor is not None]
    end = max(open_ends, default=0)
    found = sorted((run for page in pages for run in page.items), key=lambda run: -run.id)
    whole = [run for run in found if run.id >= end]
    if len(whole) > limit:
        return Page(items=tuple(whole[:limit]), cursor=str(whole[limit - 1].id))
    return Page(items=tuple(whole), cursor=str(end) if open_ends else None)
