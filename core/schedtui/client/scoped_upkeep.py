"""The rarer calls to an engine, as a token of some groups makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from schedtui.client.scope import Scope
from schedtui.models import Defaults, FunctionInfo, Statistics


class ScopedUpkeep(Scope):
    """`schedtui.protocols.upkeep.Upkeep` for some groups only; a part of `ScopedClient`."""

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        """The functions of these groups."""
        found = await self._inner.functions(group)
        return tuple(one for one in found if one.group in self._groups)

    async def groups(self) -> tuple[str, ...]:
        """Those of these groups that there are."""
        return tuple(name for name in await self._inner.groups() if name in self._groups)

    async def defaults(self) -> Defaults:
        """What jobs have of the engine, and of these groups."""
        found = await self._inner.defaults()
        return replace(found, groups=tuple(one for one in found.groups if one.name in self._groups))

    async def cancel_retries(self, job: str, **how: Any) -> int:
        """Cancel the runs of a job that wait for a retry."""
        return await self._inner.cancel_retries(self._job(job), **how)

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:
        """How long the runs of a job took."""
        return await self._inner.statistics(self._job(job), limit=limit)

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None:
        """Begin a job's statistics anew."""
        await self._inner.clear_statistics(self._job(job), expect_id=expect_id)
