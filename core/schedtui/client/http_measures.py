"""Measuring an engine behind HTTP, and its runs."""

from __future__ import annotations

from functools import partial

from schedtui.client.http_calls import API, MAX_LIST, Calls
from schedtui.client.http_codec import decode
from schedtui.client.http_transport import Transport
from schedtui.client.http_words import job_path
from schedtui.models import RunFilter, Statistics, Stats, StatsBy
from schedtui.models.wire import to_wire


class HttpMeasures:
    """`schedtui.protocols.measures.Measures` over HTTP; a part of `HttpClient`."""

    _calls: Calls
    _wire: Transport

    async def metrics(self) -> str:
        """See `Measures.metrics`."""
        answer = await self._wire.call("GET", "/metrics", media="text/plain")
        return answer.decode(errors="replace")

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:
        """See `Measures.statistics`."""
        return await self._calls.get(Statistics, f"{job_path(job)}/statistics", limit=limit)

    async def stats(self, where: RunFilter | None = None, *, by: StatsBy = StatsBy.JOB) -> Stats:
        """See `Measures.stats`."""
        query = to_wire(where) if where is not None else {}
        if not query.get("dead"):
            query.pop("dead", None)
        return await self._calls.ask(
            partial(decode, Stats), "GET", "/stats", {**query, "by": by.value}, most=MAX_LIST
        )

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None:
        """See `Measures.clear_statistics`."""
        path = f"{API}{job_path(job)}/statistics/clear"
        await self._wire.call("POST", path, params={"expect_id": expect_id})
