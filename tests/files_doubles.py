"""The part of the engines in memory that answers for jobs as files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any

from schedtui.errors import RevisionNotFoundError
from schedtui.models import Applied, ChangeKind, JobChange, JobsText, Page, Plan, Revision

TEXT = 'format = 1\n\n[jobs."g/a"]\nfunction = "g/f"\nevery = 60\n'
CHANGE = JobChange(job="g/a", kind=ChangeKind.REMOVED)
REVISION = Revision(number=3, at=datetime(2026, 3, 2, tzinfo=UTC), actor="ann", note="n", text=TEXT)


class FakeFiles(ABC):
    """What an engine in memory answers: one revision, and one change of whatever is planned."""

    @abstractmethod
    def _asked(self, call: str, **seen: Any) -> None: ...

    async def export_jobs(self) -> JobsText:
        self._asked("export_jobs")
        return JobsText(text=TEXT, revision=3)

    async def plan_jobs(self, source: str | int) -> Plan:
        self._asked("plan_jobs", source=source)
        return Plan(id="a-b", revision=3, changes=(CHANGE,), unchanged=1)

    async def apply_jobs(self, text: str, *, note: str, plan: str | None = None) -> Applied:
        self._asked("apply_jobs", text=text, note=note, plan=plan)
        return Applied(revision=REVISION, changes=(CHANGE,))

    async def rollback_jobs(
        self, number: int, *, note: str = "", plan: str | None = None
    ) -> Applied:
        self._asked("rollback_jobs", number=number, note=note, plan=plan)
        return Applied(revision=REVISION, changes=(CHANGE,))

    async def revisions(self, *, limit: int = 100, cursor: str | None = None) -> Page[Revision]:
        self._asked("revisions", limit=limit, cursor=cursor)
        return Page(items=(REVISION,))

    async def revision(self, number: int) -> Revision:
        self._asked("revision", number=number)
        if number != REVISION.number:
            raise RevisionNotFoundError(number)
        return REVISION
