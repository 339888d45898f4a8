"""Jobs as files, of an engine behind HTTP."""

from __future__ import annotations

from functools import partial

from schedtui.client.http_calls import MAX_LIST, Calls
from schedtui.client.http_codec import decode
from schedtui.models import Applied, JobsText, Page, Plan, Revision


class HttpFiles:
    """The part of `HttpClient` that speaks of jobs as files.

    Args:
        calls: To the engine.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def export_jobs(self) -> JobsText:
        """See `EngineClient.export_jobs`."""
        return await self._calls.ask(partial(decode, JobsText), "GET", "/export", most=MAX_LIST)

    async def plan_jobs(self, source: str | int) -> Plan:
        """See `EngineClient.plan_jobs`."""
        body = {"text": source} if isinstance(source, str) else {"revision": source}
        return await self._calls.ask(
            partial(decode, Plan), "POST", "/plan", body=body, most=MAX_LIST
        )

    async def apply_jobs(self, text: str, *, note: str, plan: str | None = None) -> Applied:
        """See `EngineClient.apply_jobs`."""
        body = {"text": text, "note": note, "plan": plan}
        return await self._calls.ask(
            partial(decode, Applied), "POST", "/apply", body=body, most=MAX_LIST
        )

    async def rollback_jobs(
        self, number: int, *, note: str = "", plan: str | None = None
    ) -> Applied:
        """See `EngineClient.rollback_jobs`."""
        body = {"revision": number, "note": note, "plan": plan}
        return await self._calls.ask(
            partial(decode, Applied), "POST", "/rollback", body=body, most=MAX_LIST
        )

    async def revisions(self, *, limit: int = 100, cursor: str | None = None) -> Page[Revision]:
        """See `EngineClient.revisions`."""
        return await self._calls.get(Page[Revision], "/revisions", limit=limit, cursor=cursor)

    async def revision(self, number: int) -> Revision:
        """See `EngineClient.revision`."""
        read, path = partial(decode, Revision), f"/revisions/{number}"
        return await self._calls.ask(read, "GET", path, most=MAX_LIST)
