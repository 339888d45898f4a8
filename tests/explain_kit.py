"""What the tests of explanations share: a job that can be held, and questions about it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from engine_kit import Kit

from schedtui import Group, log
from schedtui.models import Explanation, FactKind


class Held:
    """A job whose function waits until it may end."""

    def __init__(self, **declared: Any) -> None:
        self.group = Group("g")
        self.gate = asyncio.Event()
        self.gate.set()
        self.errors: list[Exception] = []
        """Raised by the next calls, one each."""
        self.group.job(**({"every": 100} | declared))(self.work)

    async def work(self) -> None:
        log("here")
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)


async def why(kit: Kit, at: datetime | str | None = None, job: str = "g/work") -> Explanation:
    """What the engine says about a moment."""
    return await kit.engine.explain(job, at)


def kinds(told: Explanation) -> list[str]:
    return [fact.kind.value for fact in told.facts]


def text(told: Explanation, kind: FactKind) -> str:
    """What is said of a kind, all in one."""
    return "; ".join(fact.text for fact in told.facts if fact.kind is kind)
