"""Dead letters as a token of some groups sees them: those of other groups are not there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from schedtui.client.scope import Scope
from schedtui.models import Letters, RunFilter, Stats, StatsBy


class ScopedDead(Scope):
    """`schedtui.protocols.dead.DeadLetters`, and numbers of runs; a part of `ScopedClient`."""

    async def replay_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        groups: Collection[str] | None = None,
        **how: Any,
    ) -> Letters:
        """Run dead letters of these groups once more."""
        return await self._inner.replay_runs(which, groups=self._seen(which, groups), **how)

    async def dismiss_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        groups: Collection[str] | None = None,
        **how: Any,
    ) -> Letters:
        """Say that nothing more is to be done about dead letters of these groups."""
        return await self._inner.dismiss_runs(which, groups=self._seen(which, groups), **how)

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

    def _seen(self, which: Sequence[int] | RunFilter, groups: Collection[str] | None) -> list[str]:
        """The groups whose letters may be meant."""
        if isinstance(which, RunFilter) and which.job is not None:
            self._job(which.job)
        return sorted(self._groups if groups is None else self._groups.intersection(groups))
