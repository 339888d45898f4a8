"""What people and programs do to all jobs at once, by files."""

from __future__ import annotations

from schedtui.engine.control.part import ControlPart
from schedtui.engine.elsewhere import passed_on
from schedtui.engine.sync import PYTHON
from schedtui.models import Applied, JobsText, Plan


class FileControl(ControlPart):
    """The part of `Engine` that keeps its jobs as code."""

    @passed_on()
    async def export_jobs(self) -> JobsText:
        """The jobs as a file; see `EngineClient.export_jobs`."""
        return await self.on_loop(lambda: self._live().revisions.export())

    @passed_on()
    async def plan_jobs(self, source: str | int) -> Plan:
        """What a file, or going back, would change; see `EngineClient.plan_jobs`."""
        return await self.on_loop(lambda: self._live().revisions.plan(source))

    @passed_on()
    async def apply_jobs(
        self, text: str, *, note: str, plan: str | None = None, actor: str = PYTHON
    ) -> Applied:
        """Make the jobs what a file says; see `EngineClient.apply_jobs`."""
        return await self.on_loop(
            lambda: self._live().revisions.apply(text, note, actor, plan=plan)
        )

    @passed_on()
    async def rollback_jobs(
        self, number: int, *, note: str = "", plan: str | None = None, actor: str = PYTHON
    ) -> Applied:
        """Make the jobs what they were; see `EngineClient.rollback_jobs`."""
        return await self.on_loop(
            lambda: self._live().revisions.rollback(number, note, actor, plan=plan)
        )
