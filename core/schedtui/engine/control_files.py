"""What people and programs do to all jobs at once, by files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from schedtui.engine.running import Running
from schedtui.engine.sync import PYTHON
from schedtui.models import Applied, JobsText, Plan

T = TypeVar("T")


class FileControl(ABC):
    """The part of `Engine` that keeps its jobs as code."""

    @abstractmethod
    async def on_loop(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await a coroutine on the engine's loop, from whichever loop this one is."""

    @abstractmethod
    def _live(self) -> Running:
        """The engine's parts while it runs and is not stopping."""

    async def export_jobs(self) -> JobsText:
        """The jobs as a file; see `EngineClient.export_jobs`."""
        return await self.on_loop(lambda: self._live().revisions.export())

    async def plan_jobs(self, source: str | int) -> Plan:
        """What a file, or going back, would change; see `EngineClient.plan_jobs`."""
        return await self.on_loop(lambda: self._live().revisions.plan(source))

    async def apply_jobs(
        self, text: str, *, note: str, plan: str | None = None, actor: str = PYTHON
    ) -> Applied:
        """Make the jobs what a file says; see `EngineClient.apply_jobs`."""
        return await self.on_loop(
            lambda: self._live().revisions.apply(text, note, actor, plan=plan)
        )

    async def rollback_jobs(
        self, number: int, *, note: str = "", plan: str | None = None, actor: str = PYTHON
    ) -> Applied:
        """Make the jobs what they were; see `EngineClient.rollback_jobs`."""
        return await self.on_loop(
            lambda: self._live().revisions.rollback(number, note, actor, plan=plan)
        )
