"""Runs that follow the end of a run of another job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from engine_kit import Kit, KitClock, World, running

from schedtui import After, Group, current_run
from schedtui.errors import StoreDataError
from schedtui.models import JobPatch, JobState, Run, RunState, Source

NEVER = {"type": "never"}


class Row:
    """``g/first``, and ``g/second`` after it; what the second one knew of its runs."""

    def __init__(self, after: Iterable[str | After] = ("g/first",), **policies: Any) -> None:
        self.fail = False
        self.parents: list[tuple[int, int | None, Source]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.first_gate = asyncio.Event()
        self.first_gate.set()
        self.group = Group("g")
        self.group.job(trigger=NEVER_TRIGGER, name="first")(self.first)
        self.group.job(after=after, name="second", **policies)(self.second)

    async def first(self) -> None:
        await self.first_gate.wait()
        if self.fail:
            raise ValueError("not today")

    async def second(self) -> None:
        run = current_run()
        self.parents.append((run.id, run.parent_id, run.source))
        await self.gate.wait()


from schedtui import Never  # noqa: E402

NEVER_TRIGGER = Never()


async def second_of(kit: Kit) -> list[Run]:
    return await kit.rows(kit.running.core.jobs.named("g/second").id)
