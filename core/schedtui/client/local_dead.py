"""Dead letters of an engine in this process."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from schedtui.engine import Engine
from schedtui.models import Letters, RunFilter


class LocalDead:
    """`schedtui.protocols.dead.DeadLetters` on an `Engine`; a part of `LocalClient`."""

    _engine: Engine
    _actor: str

    async def replay_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        limit: int = 1_000,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        groups: Collection[str] | None = None,
    ) -> Letters:
        """Run dead letters once more."""
        return await self._engine.replay_runs(
            which,
            limit=limit,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
            groups=groups,
            actor=self._actor,
        )

    async def dismiss_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        note: str = "",
        limit: int = 1_000,
        dry_run: bool = False,
        groups: Collection[str] | None = None,
    ) -> Letters:
        """Say that nothing more is to be done about them."""
        return await self._engine.dismiss_runs(
            which,
            note=note,
            limit=limit,
            dry_run=dry_run,
            groups=groups,
            actor=self._actor,
        )
