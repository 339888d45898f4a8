"""A fake engine behind the API: its defaults, retries and statistics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from api_rows import NOW

from schedtui.models import (
    Defaults,
    Figures,
    GroupDefaults,
    Job,
    Policies,
    RunFilter,
    RunTime,
    Statistics,
    Stats,
    StatsBy,
)
from schedtui.policies import resolve, spell


class NotedMeasures(ABC):
    """Answers, and notes what was asked."""

    @abstractmethod
    def _note(self, call: str, **seen: Any) -> None:
        """Remember a call."""

    @abstractmethod
    def _job(self, job: str) -> Job:
        """The job of that name."""

    async def defaults(self) -> Defaults:
        self._note("defaults")
        group = GroupDefaults(name="g", policies=Policies(), jobs=1, declared=True)
        return Defaults(timezone="UTC", policies=spell(resolve()), slots={}, groups=(group,))

    async def metrics(self) -> str:
        self._note("metrics")
        return "schedtui_runs_running 1.0\n"

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:
        self._note("statistics", limit=limit)
        return Statistics(job=self._job(job).full_name, runs=(RunTime(7, NOW, 0.5),))

    async def stats(self, where: RunFilter | None = None, *, by: StatsBy = StatsBy.JOB) -> Stats:
        self._note("stats", where=where, by=by)
        return Stats(since=NOW, by=by, items=(Figures(name="g/a", runs=1),))

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None:
        self._note("clear_statistics", expect_id=expect_id)
        self._job(job)

    async def cancel_retries(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        self._note("cancel_retries", reason=reason, expect_id=expect_id)
        self._job(job)
        return 2
