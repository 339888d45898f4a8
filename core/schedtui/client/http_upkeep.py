"""The rarer calls to an engine behind HTTP."""

from __future__ import annotations

from functools import partial

from schedtui.client.http_calls import API, MAX_LIST, Calls
from schedtui.client.http_codec import decode, decode_cancelled
from schedtui.client.http_transport import Transport
from schedtui.client.http_words import job_path
from schedtui.models import Defaults, FunctionInfo, RunFilter, Statistics, Stats, StatsBy
from schedtui.models.wire import to_wire


class HttpUpkeep:
    """`schedtui.protocols.upkeep.Upkeep` over HTTP; a part of `HttpClient`."""

    _calls: Calls
    _wire: Transport

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        """See `EngineClient.functions`."""
        return await self._calls.items(FunctionInfo, "/functions", group=group)

    async def groups(self) -> tuple[str, ...]:
        """See `EngineClient.groups`."""
        return await self._calls.items(str, "/groups")

    async def defaults(self) -> Defaults:
        """See `Upkeep.defaults`."""
        return await self._calls.get(Defaults, "/defaults")

    async def metrics(self) -> str:
        """See `Upkeep.metrics`."""
        answer = await self._wire.call("GET", "/metrics", media="text/plain")
        return answer.decode(errors="replace")

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:
        """See `Upkeep.statistics`."""
        return await self._calls.get(Statistics, f"{job_path(job)}/statistics", limit=limit)

    async def stats(self, where: RunFilter | None = None, *, by: StatsBy = StatsBy.JOB) -> Stats:
        """See `Upkeep.stats`."""
        query = to_wire(where) if where is not None else {}
        if not query.get("dead"):
            query.pop("dead", None)
        return await self._calls.ask(
            partial(decode, Stats), "GET", "/stats", {**query, "by": by.value}, most=MAX_LIST
        )

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None:
        """See `Upkeep.clear_statistics`."""
        path = f"{API}{job_path(job)}/statistics/clear"
        await self._wire.call("POST", path, params={"expect_id": expect_id})

    async def cancel_retries(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        """See `Upkeep.cancel_retries`."""
        path, body = f"{job_path(job)}/retries/cancel", {"reason": reason}
        return await self._calls.ask(decode_cancelled, "POST", path, {"expect_id": expect_id}, body)
