"""A job that runs once a period, and what its runs say."""

from __future__ import annotations

import asyncio
from typing import Any

from engine_kit import Kit, KitClock, World

from schedtui import Group, current_run
from schedtui.models import Run, RunState


class Guarded:
    """A job that is due each ten seconds and succeeds once a minute, unless it is told to fail."""

    def __init__(self, key: str = "%H:%M", *, every: float = 10, **policies: Any) -> None:
        self.group = Group("g")
        self.fails = False
        self.done: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.group.job(every=every, name="clean", run_once_key=key, **policies)(self.clean)

    async def clean(self) -> None:
        await self.gate.wait()
        if self.fails:
            raise OSError("no")
        self.done.append(current_run().id)


async def states(kit: Kit) -> list[tuple[RunState, str]]:
    return [(run.state, run.reason) for run in await kit.rows()]


def said(run: Run) -> tuple[RunState, str]:
    return run.state, run.reason


async def restart(kit: Kit, jobs: Guarded, world: World, down_s: float = 5) -> Kit:
    clock = KitClock(await kit.crash())
    clock.step(down_s)
    return await Kit([jobs.group], world=world, clock=clock).start()
