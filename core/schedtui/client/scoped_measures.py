"""Measuring the jobs that a token of some groups sees."""

from __future__ import annotations

from schedtui.client.scope import Scope
from schedtui.models import Statistics


class ScopedMeasures(Scope):
    """`schedtui.protocols.measures.Measures` for some groups only; a part of `ScopedClient`."""

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:
        """How long the runs of a job took."""
        return await self._inner.statistics(self._job(job), limit=limit)

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None:
        """Begin a job's statistics anew."""
        await self._inner.clear_statistics(self._job(job), expect_id=expect_id)
