"""Measuring the jobs and runs that a token of some groups sees."""

from __future__ import annotations

from dataclasses import replace

from schedtui.client.scope import Scope
from schedtui.models import RunFilter, Statistics, Stats, StatsBy


class ScopedMeasures(Scope):
    """`schedtui.protocols.measures.Measures` for some groups only; a part of `ScopedClient`."""

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:
        """How long the runs of a job took."""
        return await self._inner.statistics(self._job(job), limit=limit)

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None:
        """Begin a job's statistics anew."""
        await self._inner.clear_statistics(self._job(job), expect_id=expect_id)

    async def stats(self, where: RunFilter | None = None, *, by: StatsBy = StatsBy.JOB) -> Stats:
        """Counts and times of the runs of these groups."""
        where = where or RunFilter()
        if where.job is not None:
            self._job(where.job)
        if where.group in self._groups:
            return await self._inner.stats(where, by=by)
        groups = [] if where.group is not None else sorted(self._groups)
        if not groups:
            return replace(await self._inner.stats(where, by=by), complete=True, items=())
        told = [await self._inner.stats(replace(where, group=one), by=by) for one in groups]
        items = [figures for one in told for figures in one.items]
        return Stats(
            since=told[0].since,
            until=where.until,
            by=by,
            complete=all(one.complete for one in told),
            items=tuple(sorted(items, key=lambda figures: figures.name)),
        )
