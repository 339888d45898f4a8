"""Doubles for the tests of the API and of its client: a scripted engine, tokens, a raw server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace as changed
from datetime import datetime
from typing import Any

import httpx
from api_measures import NotedMeasures
from api_rows import INFO, NOW, RUN, make_explanation, make_job, make_page, make_row
from backfill_doubles import make_backfill
from dead_doubles import FakeDead
from fastapi import FastAPI
from files_doubles import FakeFiles

from schedtui.api.access import Access, digest
from schedtui.api.app import create_app
from schedtui.errors import (
    ConflictError,
    FunctionNotFoundError,
    JobNotFoundError,
    RunNotFoundError,
    VersionConflictError,
)
from schedtui.models import (
    Attempt,
    AuditEvent,
    AuditFilter,
    Backfill,
    BulkAction,
    BulkOutcome,
    Changes,
    DueTime,
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
    RunState,
    Snapshot,
    Source,
)
from schedtui.protocols import EngineClient, Token

__all__ = ["INFO", "NOW", "RUN", "make_job", "make_page", "make_row"]

SECRETS = {role: f"sched_{role}-secret" for role in ("viewer", "operator", "admin")}


class FakeEngine:
    """What all the fake clients of one engine share; tests look at it and script it."""

    def __init__(self) -> None:
        self.jobs = {"g/a": make_job()}
        self.calls: list[tuple[str, str]] = []
        """Actor and call."""
        self.failure: Exception | None = None
        """Raised by every call."""
        rows = (make_row(1), make_row(2, recent=()))
        self.table = Snapshot(engine=INFO, jobs=rows, cursor="b1:5")
        self.frames: list[Changes | Exception] = []
        self.pages: list[LogPage | Exception] = []
        self.seen: dict[str, Any] = {}
        """The arguments of the last call of a name."""
        self.keys: list[str | None] = []
        """The idempotency keys of calls that make runs."""
        self.streams = 0
        """How many streams are open."""

    def client(self, actor: str) -> EngineClient:
        return FakeClient(self, actor)


class FakeClient(FakeFiles, NotedMeasures, FakeDead):
    """Answers what `FakeEngine` holds."""

    def __init__(self, engine: FakeEngine, actor: str) -> None:
        self._engine = engine
        self._actor = actor

    def _note(self, call: str, **seen: Any) -> None:
        self._engine.calls.append((self._actor, call))
        self._engine.seen[call] = seen
        if self._engine.failure is not None:
            raise self._engine.failure

    _asked = _note

    def _job(self, job: str) -> Job:
        if job not in self._engine.jobs:
            raise JobNotFoundError(job)
        return self._engine.jobs[job]

    def _run(self, run_id: int) -> Run:
        if run_id != RUN.id:
            raise RunNotFoundError(run_id)
        return RUN

    @property
    def address(self) -> str:
        return "here"

    async def info(self) -> EngineInfo:
        self._note("info")
        return self._engine.table.engine

    async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
        self._note("snapshot", where=where)
        return self._engine.table

    async def changes(
        self, cursor: str, *, groups: Collection[str] | None = None
    ) -> AsyncIterator[Changes]:
        self._note("changes", cursor=cursor, groups=groups)
        async for frame in self._scripted(self._engine.frames):
            yield frame

    async def _scripted(self, script: list[Any]) -> AsyncIterator[Any]:
        self._engine.streams += 1
        try:
            for one in script:
                if isinstance(one, Exception):
                    raise one
                yield one
            await asyncio.Event().wait()
        finally:
            self._engine.streams -= 1

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        self._note("functions", group=group)
        return (FunctionInfo(group="g", name="a", doc="Does.", parameters={"type": "object"}),)

    async def groups(self) -> tuple[str, ...]:
        self._note("groups")
        return ("g",)

    async def jobs(
        self, where: JobFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Job]:
        self._note("jobs", where=where, limit=limit, cursor=cursor)
        return Page(items=tuple(self._engine.jobs.values())[:limit], cursor="next")

    async def job(self, job: str) -> Job:
        self._note("job", job=job)
        return self._job(job)

    async def create_job(
        self,
        spec: JobSpec,
        *,
        replace: bool = False,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        self._note("create_job", spec=spec, replace=replace, version=version)
        self._engine.keys.append(idempotency_key)
        if replace and (found := self._engine.jobs.get(f"{spec.group}/{spec.name}")) is not None:
            return changed(found, version=found.version + 1)
        made = changed(make_job(spec.name or "made", id_=2), kwargs=spec.kwargs)
        if made.full_name in self._engine.jobs:
            raise ConflictError(f"a job {made.full_name} exists already")
        self._engine.jobs[made.full_name] = made
        return made

    async def edit_job(
        self, job: str, patch: JobPatch, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        self._note("edit_job", patch=patch, version=version, expect_id=expect_id)
        found = self._job(job)
        if version is not None and version != found.version:
            raise VersionConflictError(f"{job} has version {found.version}")
        if patch.name == "taken":
            raise ConflictError("a job g/taken exists already")
        return changed(found, version=found.version + 1)

    async def delete_job(self, job: str, **given: Any) -> None:
        self._note("delete_job", expect_id=given["expect_id"])
        del self._engine.jobs[self._job(job).full_name]

    async def pause_job(
        self,
        job: str,
        *,
        reason: str = "",
        until: datetime | None = None,
        version: int | None = None,  # noqa: ARG002 - of the engine's
        expect_id: int | None = None,
    ) -> Job:
        self._note("pause_job", reason=reason, until=until, expect_id=expect_id)
        return changed(self._job(job), paused=True, pause_reason=reason, paused_until=until)

    async def resume_job(self, job: str, **given: Any) -> Job:
        self._note("resume_job", expect_id=given["expect_id"])
        return self._job(job)

    async def revert_job(self, job: str, **given: Any) -> Job:
        self._note("revert_job", expect_id=given["expect_id"])
        return self._job(job)

    async def reload(self) -> Reload:
        self._note("reload")
        return Reload(ok=True, generation=1, modules=())

    async def trigger_job(
        self,
        job: str,
        *,
        kwargs: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
    ) -> Run:
        self._note("trigger_job", kwargs=kwargs, expect_id=expect_id)
        self._engine.keys.append(idempotency_key)
        self._job(job)
        return self._once(RUN, idempotency_key)

    async def backfill_job(
        self, job: str, start: datetime | str, end: datetime | str | None = None, **asked: Any
    ) -> Backfill:
        self._note("backfill_job", start=start, end=end, **asked)
        self._job(job)
        return make_backfill(job, dry_run=asked["dry_run"])

    async def cancel_backfill(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        self._note("cancel_backfill", reason=reason, expect_id=expect_id)
        self._job(job)
        return 3

    def _once(self, run: Run, key: str | None) -> Run:
        return changed(run, replayed=key is not None and self._engine.keys.count(key) > 1)

    async def run_function(
        self,
        function: str,
        kwargs: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Run:
        self._note("run_function", function=function, kwargs=kwargs)
        self._engine.keys.append(idempotency_key)
        if function != "g/a":
            raise FunctionNotFoundError(function)
        return self._once(changed(RUN, job_id=0), idempotency_key)

    async def cancel_run(self, run_id: int, *, reason: str = "", force: bool = False) -> Run:
        self._note("cancel_run", run_id=run_id, reason=reason, force=force)
        return self._run(run_id)

    async def rerun(self, run_id: int, *, idempotency_key: str | None = None) -> Run:
        self._note("rerun", run_id=run_id)
        self._engine.keys.append(idempotency_key)
        again = changed(self._run(run_id), id=8, source=Source.RERUN, parent_id=run_id)
        return self._once(again, idempotency_key)

    async def bulk(
        self,
        action: BulkAction,
        where: JobFilter,
        *,
        reason: str = "",
        until: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[BulkOutcome, ...]:
        self._note("bulk", action=action, where=where, reason=reason, until=until)
        self._engine.keys.append(idempotency_key)
        return (
            BulkOutcome(job="g/a", id=1, done=True, run_id=7),
            BulkOutcome(job="g/b", id=2, done=False, problem="it is declared in code"),
        )

    async def pause_engine(self, *, reason: str = "") -> EngineInfo:
        self._note("pause_engine", reason=reason)
        return changed(INFO, paused=True, pause_reason=reason)

    async def resume_engine(self) -> EngineInfo:
        self._note("resume_engine")
        return INFO

    async def next_due(self, job: str, *, count: int = 5) -> Preview:
        self._note("next_due", count=count)
        self._job(job)
        due = DueTime(at=NOW, local=NOW.isoformat())
        return Preview(description="every minute", timezone="UTC", next=(due,) * count)

    async def explain(self, job: str, at: datetime | str | None = None) -> Explanation:
        self._note("explain", job=job, at=at)
        self._job(job)
        return make_explanation(job)

    async def preview(
        self,
        trigger: Mapping[str, Any],
        *,
        timezone: str | None = None,
        group: str | None = None,
        count: int = 5,
    ) -> Preview:
        self._note("preview", trigger=trigger, timezone=timezone, group=group, count=count)
        return Preview(description="every minute", timezone=timezone or "UTC", next=())

    async def runs(
        self, where: RunFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Run]:
        self._note("runs", where=where, limit=limit, cursor=cursor)
        return Page(items=(RUN,))

    async def run(self, run_id: int) -> Run:
        self._note("run", run_id=run_id)
        return self._run(run_id)

    async def attempts(self, run_id: int) -> tuple[Attempt, ...]:
        self._note("attempts", run_id=run_id)
        return (
            Attempt(
                run_id=run_id, number=1, state=RunState.FAILED, started_at=NOW, finished_at=NOW
            ),
        )

    async def logs(self, run_id: int, *, after: int = 0, limit: int = 1000) -> LogPage:
        self._note("logs", run_id=run_id, after=after, limit=limit)
        return make_page(after + 1)

    async def log_tail(self, run_id: int, *, count: int = 1000) -> LogPage:
        self._note("log_tail", run_id=run_id, count=count)
        return make_page(9)

    async def follow(self, run_id: int, *, after: int = 0) -> AsyncIterator[LogPage]:
        self._note("follow", run_id=run_id, after=after)
        async for page in self._scripted(self._engine.pages):
            yield page

    async def search_logs(self, query: str, *, limit: int = 100) -> tuple[LogHit, ...]:
        self._note("search_logs", query=query, limit=limit)
        return (LogHit(run_id=7, job="g/a", line=make_page(1).lines[0]),)

    async def audit(
        self, where: AuditFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[AuditEvent]:
        self._note("audit", where=where, limit=limit, cursor=cursor)
        event = AuditEvent(id=1, at=NOW, actor="me", action="job.create", object="g/a")
        return Page(items=(event,))

    async def aclose(self) -> None:
        self._note("aclose")


def make_tokens() -> list[Token]:
    """A token for each role."""
    return [
        Token(
            id=number,
            name=f"my {role}",
            role=role,
            sha256=digest(secret),
            created_at_us=0,
            expires_at_us=None,
        )
        for number, (role, secret) in enumerate(SECRETS.items())
    ]


def make_app(engine: FakeEngine, closing: asyncio.Event | None = None) -> FastAPI:
    """The application on a fake engine, with a token for each role."""
    return create_app(engine.client, auth=Access(make_tokens), closing=closing or asyncio.Event())


def http_on(app: Any, role: str | None = "admin", **headers: str) -> httpx.AsyncClient:
    """A client that speaks to ``app`` without a socket."""
    if role is not None:
        headers["Authorization"] = f"Bearer {SECRETS[role]}"
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://127.0.0.1:8787",
        headers=headers,
    )


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """The problem document of a response, checked for its form."""
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "errors", "retryable"} <= problem.keys()
    assert problem["status"] == response.status_code
    assert problem["detail"]
    assert all({"field", "got", "expected"} == error.keys() for error in problem["errors"])
    return problem
