"""What the tests of chains share: jobs in a row, and what must hold of their runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from engine_kit import Kit

from schedtui import Group, Never, current_run
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


ON_END = After(job="g/first", on="end")
ON_FAILURE = After(job="g/first", on="failure")


class Row:
    """``g/first``, and ``g/second`` after it; what the second one knew of its runs."""

    def __init__(
        self,
        after: Iterable[str | After] = ("g/first",),
        first: dict[str, Any] | None = None,
        **policies: Any,
    ) -> None:
        self.fates: list[str] = []
        self.parents: list[tuple[int, int | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.group = Group("g")
        self.group.job(trigger=Never(), name="first", **(first or {}))(self.first)
        self.group.job(after=after, name="second", **policies)(self.second)

    async def first(self) -> None:
        fate = self.fates.pop(0) if self.fates else "ok"
        if fate == "fail":
            raise ValueError("not today")
        if fate == "hang":
            await asyncio.Event().wait()

    async def second(self) -> None:
        run = current_run()
        self.parents.append((run.id, run.parent_id))
        await self.gate.wait()


async def second_of(kit: Kit) -> list[Run]:
    return await kit.rows(kit.running.core.jobs.named("g/second").id)


async def go(kit: Kit, times: int = 1) -> list[int]:
    """Run the first job so often, one after the other; the ids of its runs."""
    found = []
    for _ in range(times):
        found.append((await kit.client.trigger_job("g/first")).id)
        await kit.clock.settle()
    return found
