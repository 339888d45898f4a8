"""A job to be edited, and the commands that race with its firing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from engine_kit import Kit

from schedtui import Group, current_run
from schedtui.models import JobPatch

EVERY_10 = {"type": "every", "seconds": 10}


class Editable:
    def __init__(self) -> None:
        self.group = Group("g")
        self.done: list[object] = []
        self.kwargs: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.group.function("work")(self.work)
        self.group.function("other")(self.other)

    async def work(self, n: int = 1) -> None:
        run = current_run()
        self.done.append((run.job, run.scheduled_for or run.id))
        self.kwargs.append(n)
        await self.gate.wait()

    async def other(self, n: int = 1) -> None:
        self.done.append(("other", n))


async def dynamic(kit: Kit, **settings: Any) -> int:
    job = await kit.engine.create_job(
        function="g/work", trigger=settings.pop("trigger", EVERY_10), **settings
    )
    return job.id


Command = Callable[[Kit], Coroutine[Any, Any, object]]
RACES: dict[str, Command] = {
    "pause": lambda kit: kit.client.pause_job("g/work", reason="r"),
    "edit": lambda kit: kit.client.edit_job("g/work", JobPatch(kwargs={"n": 2})),
    "move": lambda kit: kit.client.edit_job(
        "g/work", JobPatch(trigger={"type": "every", "seconds": 20})
    ),
    "delete": lambda kit: kit.client.delete_job("g/work"),
    "trigger": lambda kit: kit.client.trigger_job("g/work"),
    "rename": lambda kit: kit.client.edit_job("g/work", JobPatch(name="renamed")),
}
