"""The part of the console's engine in memory that no screen asks for yet."""

from __future__ import annotations

from datetime import UTC, datetime

from schedtui.models import Defaults, Figures, RunFilter, Statistics, Stats, StatsBy
from schedtui.policies import resolve, spell


class FakeMeasures:
    """What it answers of statistics, retries and defaults: nothing of note."""

    async def defaults(self) -> Defaults:
        return Defaults(timezone="UTC", policies=spell(resolve()), slots={})

    async def metrics(self) -> str:
        return ""

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:  # noqa: ARG002 - none
        return Statistics(job=job)

    figures: tuple[Figures, ...] = ()

    async def stats(
        self,
        where: RunFilter | None = None,  # noqa: ARG002 - of any
        *,
        by: StatsBy = StatsBy.JOB,
    ) -> Stats:
        return Stats(since=datetime(2026, 1, 1, tzinfo=UTC), by=by, items=self.figures)

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None: ...

    async def cancel_retries(
        self,
        job: str,  # noqa: ARG002 - none waits
        *,
        reason: str = "",  # noqa: ARG002 - none waits
        expect_id: int | None = None,  # noqa: ARG002 - none waits
    ) -> int:
        return 0
