"""Dead letters as a token of some groups sees them: those of other groups are not there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from schedtui.client.scope import Scope
from schedtui.errors import RunNotFoundError
from schedtui.models import Letter, Letters, RunFilter, Stats, StatsBy
from schedtui.models.names import check_idempotency_key


class ScopedDead(Scope, ABC):
    """`schedtui.protocols.dead.DeadLetters`, and numbers of runs; a part of `ScopedClient`."""

    @abstractmethod
    async def _sees_run(self, run_id: int) -> bool:
        """Whether a run is of these groups."""

    async def replay_runs(
        self, which: Sequence[int] | RunFilter, *, limit: int = 1_000, **how: Any
    ) -> Letters:
        """Run dead letters of these groups once more."""
        return await self._by_group(self._inner.replay_runs, which, limit, how)

    async def dismiss_runs(
        self, which: Sequence[int] | RunFilter, *, limit: int = 1_000, **how: Any
    ) -> Letters:
        """Say that nothing more is to be done about dead letters of these groups."""
        return await self._by_group(self._inner.dismiss_runs, which, limit, how)

    async def stats(self, where: RunFilter | None = None, *, by: StatsBy = StatsBy.JOB) -> Stats:
        """Counts and times of the runs of these groups."""
        where = where or RunFilter()
        if where.job is not None:
            self._job(where.job)
        if where.group in self._groups:
            return await self._inner.stats(where, by=by)
        groups = [] if where.group is not None else sorted(self._groups)
        told = [await self._inner.stats(replace(where, group=one), by=by) for one in groups]
        items = [figures for one in told for figures in one.items]
        return Stats(
            since=told[0].since if told else where.since or datetime.fromtimestamp(0, UTC),
            until=where.until,
            by=by,
            complete=all(one.complete for one in told),
            items=tuple(sorted(items, key=lambda figures: figures.name)),
        )

    async def _by_group(
        self,
        call: Callable[..., Awaitable[Letters]],
        which: Sequence[int] | RunFilter,
        limit: int,
        how: dict[str, Any],
    ) -> Letters:
        if not isinstance(which, RunFilter):
            return await self._by_id(call, which, limit, how)
        if which.job is not None:
            self._job(which.job)
        if which.empty or which.group in self._groups:  # an empty one is refused
            return await call(which, limit=limit, **how)
        groups = [] if which.group is not None else sorted(self._groups)
        whole = Letters(found=0, done=0, dry_run=bool(how.get("dry_run")))
        for group in groups:
            left = max(limit - len(whole.letters), 1)
            mine = replace(which, group=group)
            found = await call(mine, limit=left, **_with_key_of(group, how))
            whole = _joined(whole, found)
        return whole

    async def _by_id(
        self,
        call: Callable[..., Awaitable[Letters]],
        which: Sequence[int],
        limit: int,
        how: dict[str, Any],
    ) -> Letters:
        seen = {run_id: await self._sees_run(run_id) for run_id in which}
        own = [run_id for run_id in seen if seen[run_id]]
        others = [run_id for run_id in seen if not seen[run_id]]
        hidden = Letters(
            found=len(others),
            done=0,
            dry_run=bool(how.get("dry_run")),
            letters=tuple(
                Letter(run=run_id, done=False, problem=str(RunNotFoundError(run_id)))
                for run_id in others
            ),
        )
        if others and not own:
            return hidden
        return _joined(await call(own, limit=limit, **how), hidden)


def _with_key_of(group: str, how: dict[str, Any]) -> dict[str, Any]:
    """The same arguments; each of several groups has a key of its own."""
    key = how.get("idempotency_key")
    if key is None:
        return how
    text = f"{group}\n{check_idempotency_key(key)}"
    return {**how, "idempotency_key": sha256(text.encode()).hexdigest()}


def _joined(first: Letters, second: Letters) -> Letters:
    return replace(
        first,
        found=first.found + second.found,
        done=first.done + second.done,
        letters=(*first.letters, *second.letters),
        replayed=first.replayed or second.replayed,
    )
