"""Dead letters of an engine behind HTTP."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from schedtui.client.http_calls import Calls
from schedtui.models import Letters, RunFilter
from schedtui.models.wire import to_wire


class HttpDead:
    """`schedtui.protocols.dead.DeadLetters` over HTTP; a part of `HttpClient`."""

    _calls: Calls

    async def replay_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        limit: int = 1_000,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        groups: Collection[str] | None = None,
    ) -> Letters:
        """See `DeadLetters.replay_runs`; without a key it has one of its own."""
        body = {**_which(which, groups), "limit": limit, "dry_run": dry_run}
        if dry_run:
            return await self._calls.post(Letters, "/dead-letters/replay", body)
        return await self._calls.make(Letters, "/dead-letters/replay", body, idempotency_key)

    async def dismiss_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        note: str = "",
        limit: int = 1_000,
        dry_run: bool = False,
        groups: Collection[str] | None = None,
    ) -> Letters:
        """See `DeadLetters.dismiss_runs`."""
        body = {**_which(which, groups), "note": note, "limit": limit, "dry_run": dry_run}
        return await self._calls.post(Letters, "/dead-letters/dismiss", body)


def _which(which: Sequence[int] | RunFilter, groups: Collection[str] | None) -> dict[str, Any]:
    among = {} if groups is None else {"groups": sorted(groups)}
    if isinstance(which, RunFilter):
        return {"where": to_wire(which), **among}
    return {"runs": list(which), **among}
