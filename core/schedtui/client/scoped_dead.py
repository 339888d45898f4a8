"""Dead letters as a token of some groups sees them: those of other groups are not there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from schedtui.client.scope import Scope
from schedtui.models import Letters, RunFilter


class ScopedDead(Scope):
    """`schedtui.protocols.dead.DeadLetters`; a part of `ScopedClient`."""

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

    def _seen(self, which: Sequence[int] | RunFilter, groups: Collection[str] | None) -> list[str]:
        """The groups whose letters may be meant."""
        if isinstance(which, RunFilter) and which.job is not None:
            self._job(which.job)
        return sorted(self._groups if groups is None else self._groups.intersection(groups))
