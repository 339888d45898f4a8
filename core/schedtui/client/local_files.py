"""Jobs as files, of an engine in this process."""

from __future__ import annotations

from schedtui.engine import Engine
from schedtui.errors import InvalidError
from schedtui.models import Applied, JobsText, Page, Plan, Revision

MAX_PAGE = 1_000
"""The most of a list that one call gives."""


class LocalFiles:
    """The part of `LocalClient` that speaks of jobs as files.

    Args:
        engine: A started engine.
        actor: Who is named in the audit trail.
    """

    def __init__(self, engine: Engine, actor: str) -> None:
        self._engine = engine
        self._actor = actor

    async def export_jobs(self) -> JobsText:
        """The jobs as a file."""
        return await self._engine.export_jobs()

    async def plan_jobs(self, source: str | int) -> Plan:
        """What a file, or going back, would change."""
        return await self._engine.plan_jobs(source)

    async def apply_jobs(self, text: str, *, note: str, plan: str | None = None) -> Applied:
        """Make the jobs what a file says."""
        return await self._engine.apply_jobs(text, note=note, plan=plan, actor=self._actor)

    async def rollback_jobs(
        self, number: int, *, note: str = "", plan: str | None = None
    ) -> Applied:
        """Make the jobs what they were."""
        return await self._engine.rollback_jobs(number, note=note, plan=plan, actor=self._actor)

    async def revisions(self, *, limit: int = 100, cursor: str | None = None) -> Page[Revision]:
        """The revisions of the jobs."""
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidError.one("limit", limit, f"a whole number from 1 to {MAX_PAGE}")
        return await self._engine.reads.revisions(limit, cursor)

    async def revision(self, number: int) -> Revision:
        """One revision with its text."""
        return await self._engine.reads.revision(number)
