"""What the tests of chains share: jobs in a row, and what must hold of their runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from schedtui.models import Run, Source
from schedtui.models.after import After

Edges = Mapping[str, Iterable[After]]
"""What each job runs after, by its full name; the same for the whole time."""


def unchained(rows: Iterable[Run], edges: Edges) -> list[str]:
    """What is wrong: each end that counts has one run of each job that follows, and no other has.

    A run that follows another one was made by that one's end, so it may be the only one.
    """
    rows = list(rows)
    expected: Counter[tuple[int | None, str]] = Counter(
        (run.id, name)
        for run in rows
        if run.job_id and run.finished_at is not None
        for name, after in edges.items()
        if any(one.job == run.job and run.state in one.states for one in after)
    )
    found = Counter((run.parent_id, run.job) for run in rows if run.source is Source.CHAIN)
    wrong = [f"run {parent} has no run of {name}" for parent, name in expected - found]
    extra = found - expected
    return wrong + [f"run {parent} has a run too many of {name}" for parent, name in extra]
