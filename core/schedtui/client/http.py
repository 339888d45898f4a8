"""An engine behind HTTP."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from schedtui.client.http_calls import API, MAX_LIST, Calls, made
from schedtui.client.http_codec import (
    decode,
    decode_attempts,
    decode_cancelled,
    decode_logs,
    decode_snapshot,
)
from schedtui.client.http_dead import HttpDead
from schedtui.client.http_files import HttpFiles
from schedtui.client.http_measures import HttpMeasures
from schedtui.client.http_steering import HttpSteering
from schedtui.client.http_streams import HttpStreams
from schedtui.client.http_transport import Transport
from schedtui.client.http_words import if_match, job_path, replacing, typed
from schedtui.client.idempotency import KEY_HEADER, header_of
from schedtui.clock import aware_utc
from schedtui.errors import (
    FunctionNotFoundError,
    InvalidNameError,
)
from schedtui.models import (
    Attempt,
    AuditEvent,
    AuditFilter,
    Backfill,
    BulkAction,
    BulkOutcome,
    Defaults,
    EngineInfo,
    Explanation,
    FunctionInfo,
    Job,
    JobFilter,
    JobPatch,
    JobSpec,
    LogHit,
    LogPage,
    Page,
    Preview,
    Reload,
    Run,
    RunFilter,
    Snapshot,
)
from schedtui.models.names import split_name
from schedtui.models.wire import to_wire


class HttpClient(HttpFiles, HttpSteering, HttpMeasures, HttpDead, HttpStreams):
    """Speaks to an engine that `schedtui serve` or a console has opened to others.

    Args:
        url: Its address; may carry a path prefix.
        token: What ``schedtui token create`` printed; a Unix socket needs none.
        socket: The engine's Unix socket; ``url`` then only says the scheme and the prefix.

    Raises:
        InvalidError: the URL or the token cannot be one.
    """

    def __init__(self, url: str, *, token: str | None = None, socket: Path | None = None) -> None:
        self._speak(Transport(url, token=token, socket=socket))

    def _speak(self, wire: Transport) -> None:
        super().__init__(Calls(wire))
        self._wire = wire

    def acting_as(self, actor: str) -> HttpClient:
        """This client in another's name, on the same connections, which only this one closes.

        An engine believes it on its Unix socket, and shows ``actor`` in its audit trail.
        """
        other = copy.copy(self)
        other._speak(self._wire.acting_as(actor))  # noqa: SLF001 - of its own class
        return other

    @property
    def address(self) -> str:
        """The socket's path, or the URL."""
        return self._wire.address

    # --- reading ------------------------------------------------------------------------------

    async def info(self) -> EngineInfo:
        """See `EngineClient.info`."""
        return await self._calls.get(EngineInfo, "/engine")

    async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
        """See `EngineClient.snapshot`."""
        query = to_wire(where) if where is not None else {}
        answer = await self._wire.call("GET", f"{API}/snapshot", params=query, most=MAX_LIST)
        return await made(decode_snapshot, answer)

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        """See `EngineClient.functions`."""
        return await self._calls.items(FunctionInfo, "/functions", group=group)

    async def groups(self) -> tuple[str, ...]:
        """See `EngineClient.groups`."""
        return await self._calls.items(str, "/groups")

    async def defaults(self) -> Defaults:
        """See `EngineClient.defaults`."""
        return await self._calls.get(Defaults, "/defaults")

    async def jobs(
        self, where: JobFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Job]:
        """See `EngineClient.jobs`."""
        query = to_wire(where) if where is not None else {}
        return await self._calls.get(Page[Job], "/jobs", **query, limit=limit, cursor=cursor)

    async def job(self, job: str) -> Job:
        """See `EngineClient.job`."""
        return await self._calls.get(Job, job_path(job))

    async def next_due(self, job: str, *, count: int = 5) -> Preview:
        """See `EngineClient.next_due`."""
        return await self._calls.get(Preview, f"{job_path(job)}/next", count=count)

    async def explain(self, job: str, at: datetime | str | None = None) -> Explanation:
        """See `EngineClient.explain`."""
        text = None if at is None else typed(at, "at")
        return await self._calls.get(Explanation, f"{job_path(job)}/explain", at=text)

    async def preview(
        self,
        trigger: Mapping[str, Any],
        *,
        timezone: str | None = None,
        group: str | None = None,
        count: int = 5,
    ) -> Preview:
        """See `EngineClient.preview`."""
        body = {"trigger": trigger, "timezone": timezone, "count": count}
        if group is not None:
            body["group"] = group
        return await self._calls.post(Preview, "/triggers/preview", body)

    async def runs(
        self, where: RunFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Run]:
        """See `EngineClient.runs`."""
        query = to_wire(where) if where is not None else {}
        if not query.get("dead"):  # an engine from before there was this asks for nothing else
            query.pop("dead", None)
        return await self._calls.get(Page[Run], "/runs", **query, limit=limit, cursor=cursor)

    async def run(self, run_id: int) -> Run:
        """See `EngineClient.run`."""
        return await self._calls.get(Run, f"/runs/{run_id}")

    async def attempts(self, run_id: int) -> tuple[Attempt, ...]:
        """See `EngineClient.attempts`."""
        return await self._calls.ask(decode_attempts, "GET", f"/runs/{run_id}")

    async def logs(self, run_id: int, *, after: int = 0, limit: int = 1000) -> LogPage:
        """See `EngineClient.logs`."""
        query = {"after": after, "limit": limit}
        path = f"/runs/{run_id}/logs"
        return await self._calls.ask(decode_logs, "GET", path, query, most=MAX_LIST)

    async def log_tail(self, run_id: int, *, count: int = 1000) -> LogPage:
        """See `EngineClient.log_tail`."""
        path = f"/runs/{run_id}/logs"
        return await self._calls.ask(decode_logs, "GET", path, {"tail": count}, most=MAX_LIST)

    async def search_logs(self, query: str, *, limit: int = 100) -> tuple[LogHit, ...]:
        """See `EngineClient.search_logs`."""
        return await self._calls.items(LogHit, "/logs", q=query, limit=limit)

    async def audit(
        self, where: AuditFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[AuditEvent]:
        """See `EngineClient.audit`."""
        query = to_wire(where) if where is not None else {}
        return await self._calls.get(
            Page[AuditEvent], "/audit", **query, limit=limit, cursor=cursor
        )

    # --- changing -----------------------------------------------------------------------------

    async def reload(self) -> Reload:
        """See `EngineClient.reload`."""
        return await self._calls.post(Reload, "/reload")

    async def create_job(
        self,
        spec: JobSpec,
        *,
        replace: bool = False,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """See `EngineClient.create_job`."""
        read = partial(decode, Job)
        if replace:
            path, body = replacing(spec)
            headers = if_match(version)
            return await self._calls.ask(read, "PUT", path, body=body, headers=headers)
        headers = {} if idempotency_key is None else {KEY_HEADER: header_of(idempotency_key)}
        return await self._calls.ask(read, "POST", "/jobs", body=spec, headers=headers)

    async def edit_job(
        self, job: str, patch: JobPatch, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """See `EngineClient.edit_job`."""
        headers = if_match(version)
        path, query = job_path(job), {"expect_id": expect_id}
        return await self._calls.ask(
            partial(decode, Job), "PATCH", path, query, patch, headers=headers
        )

    async def trigger_job(
        self,
        job: str,
        *,
        kwargs: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
    ) -> Run:
        """See `EngineClient.trigger_job`; without a key it has one of its own, as all runs do."""
        body = {"kwargs": kwargs}
        path = f"{job_path(job)}/trigger"
        return await self._calls.make(Run, path, body, idempotency_key, expect_id=expect_id)

    async def backfill_job(
        self,
        job: str,
        start: datetime | str,
        end: datetime | str | None = None,
        *,
        limit: int = 1_000,
        again: bool = False,
        kwargs: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
    ) -> Backfill:
        """See `EngineClient.backfill_job`."""
        body = {
            "start": typed(start, "start"),
            "end": None if end is None else typed(end, "end"),
            "limit": limit,
            "again": again,
            "kwargs": kwargs,
            "dry_run": dry_run,
        }
        path = f"{job_path(job)}/backfill"
        if idempotency_key is None:
            return await self._calls.post(Backfill, path, body, expect_id=expect_id)
        return await self._calls.make(Backfill, path, body, idempotency_key, expect_id=expect_id)

    async def cancel_backfill(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        """See `EngineClient.cancel_backfill`."""
        path, body = f"{job_path(job)}/backfill/cancel", {"reason": reason}
        query = {"expect_id": expect_id}
        return await self._calls.ask(decode_cancelled, "POST", path, query, body)

    async def run_function(
        self,
        function: str,
        kwargs: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Run:
        """See `EngineClient.run_function`."""
        try:
            group, name = split_name("function", function)
        except InvalidNameError:
            raise FunctionNotFoundError(function, "it is named 'group/name'") from None
        path = f"/functions/{quote(group, safe='')}/{quote(name, safe='')}/run"
        return await self._calls.make(Run, path, {"kwargs": kwargs or {}}, idempotency_key)

    async def cancel_run(self, run_id: int, *, reason: str = "", force: bool = False) -> Run:
        """See `EngineClient.cancel_run`."""
        body = {"reason": reason, "force": force}
        return await self._calls.post(Run, f"/runs/{run_id}/cancel", body)

    async def rerun(self, run_id: int, *, idempotency_key: str | None = None) -> Run:
        """See `EngineClient.rerun`."""
        return await self._calls.make(Run, f"/runs/{run_id}/rerun", None, idempotency_key)

    async def bulk(
        self,
        action: BulkAction,
        where: JobFilter,
        *,
        reason: str = "",
        until: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[BulkOutcome, ...]:
        """See `EngineClient.bulk`."""
        body = to_wire(where)
        if action is BulkAction.PAUSE:
            end = None if until is None else aware_utc(until, "until")
            body |= {"reason": reason, "until": end}
        read, path = partial(decode, Page[BulkOutcome]), f"/jobs/{action.value}"
        headers = {} if idempotency_key is None else {KEY_HEADER: header_of(idempotency_key)}
        page = await self._calls.ask(read, "POST", path, body=body, headers=headers, most=MAX_LIST)
        return page.items

    async def pause_engine(self, *, reason: str = "") -> EngineInfo:
        """See `EngineClient.pause_engine`."""
        return await self._calls.post(EngineInfo, "/engine/pause", {"reason": reason})

    async def resume_engine(self) -> EngineInfo:
        """See `EngineClient.resume_engine`."""
        return await self._calls.post(EngineInfo, "/engine/resume")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._wire.aclose()
