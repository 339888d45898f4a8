"""An engine in memory that does what a test tells it."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Collection, Iterable
from datetime import datetime
from typing import Any

from backfill_doubles import FakeBackfills
from console_rows import NASTY, info_of, job_of, now_us, run, summary
from dead_doubles import FakeDead
from files_doubles import FakeFiles
from measures_doubles import FakeMeasures
from preview_doubles import FakePreviews

from schedtui.errors import (
    ConflictError,
    EventGapError,
    JobNotFoundError,
    RunNotFoundError,
    UnreachableError,
)
from schedtui.models import (
    Attempt,
    AuditEvent,
    AuditFilter,
    BulkAction,
    BulkOutcome,
    Changes,
    EngineInfo,
    FunctionInfo,
    Job,
    JobFilter,
    JobPatch,
    JobSpec,
    JobState,
    JobSummary,
    LogHit,
    LogLine,
    LogPage,
    Page,
    Policies,
    Reload,
    Run,
    RunChange,
    RunFilter,
    RunState,
    Snapshot,
    Source,
)
from schedtui.policies import resolve, spell

__all__ = ["NASTY", "FakeEngine", "now_us", "run", "summary"]


class FakeEngine(FakeBackfills, FakeFiles, FakePreviews, FakeMeasures, FakeDead):
    """Implements `schedtui.protocols.EngineClient`."""

    def __init__(self, rows: Iterable[JobSummary] = ()) -> None:
        self.rows = {row.id: row for row in rows}
        self.address = "http://fake:8787"
        self.calls: list[tuple[Any, ...]] = []
        self.down: Exception | None = None
        self.trigger_state = RunState.QUEUED
        self.lines: dict[int, list[LogLine]] = {}
        self.all_runs: dict[int, Run] = {}
        self.function_list: tuple[FunctionInfo, ...] = ()
        self.create_error: Exception | None = None
        self.preview_gate: asyncio.Event | None = None
        self.group_zones: dict[str, str] = {}
        self.snapshots = 0
        self.attempt_list: tuple[Attempt, ...] = ()
        self.refuses: Exception | None = None
        self.paused_by = ""
        """Who paused the whole engine."""
        self.own = Policies()
        self.inherited = Policies()
        self.job_fields: dict[str, Any] = {}
        self.kwargs: dict[str, Any] = {"recipient": "ops@example.org", "limits": [1, 2]}
        self._queues: list[asyncio.Queue[Changes | Exception]] = []
        self._seq = itertools.count(1)
        self._ids = itertools.count(100_000)
        self._new_line = asyncio.Condition()

    async def connect(self) -> FakeEngine:
        return self

    # --- what a test does to it

    def change(self, *rows: JobSummary, removed: tuple[int, ...] = ()) -> None:
        for row in rows:
            self.rows[row.id] = row
        for id_ in removed:
            self.rows.pop(id_, None)
        self._send(Changes(cursor=f"b:{next(self._seq)}", jobs=rows, removed=removed))

    def move_run(self, run: Run) -> None:
        self.all_runs[run.id] = run
        moved = (RunChange(run.id, run.job_id, run.state),)
        self._send(Changes(cursor=f"b:{next(self._seq)}", runs=moved))

    def gap(self) -> None:
        self._send(EventGapError("too old"))

    def kill(self) -> None:
        self.down = UnreachableError("connection refused")
        self._send(self.down)

    def revive(self) -> None:
        self.down = None

    async def write(self, run_id: int, *texts: str, **fields: Any) -> None:
        lines = self.lines.setdefault(run_id, [])
        for text in texts:
            line = LogLine(len(lines) + 1, now_us(), "info", "log", text, 1)
            lines.append(line._replace(**fields))
        async with self._new_line:
            self._new_line.notify_all()

    def _send(self, event: Changes | Exception) -> None:
        for queue in self._queues:
            queue.put_nowait(event)

    def _check(self, *call: Any) -> None:
        self.calls.append(call)
        if self.down is not None:
            raise self.down

    def _asked(self, call: str, **seen: Any) -> None:
        self._check(call, *seen.values())

    def _note(self, call: str, **seen: Any) -> None:
        self._check(call, *seen.values())

    def _row(self, name: str, expect_id: int | None = None) -> JobSummary:
        for row in self.rows.values():
            if row.full_name == name:
                if expect_id not in (None, row.id):
                    raise ConflictError(f"{name} is another job now")
                return row
        raise JobNotFoundError(name)

    def named(self, kind: str) -> list[tuple[Any, ...]]:
        return [call for call in self.calls if call[0] == kind]

    # --- the protocol

    async def info(self) -> EngineInfo:
        self._check("info")
        return self._info()

    def _info(self) -> EngineInfo:
        return info_of(len(self.rows), self.paused_by)

    async def snapshot(
        self,
        where: JobFilter | None = None,  # noqa: ARG002 - the console asks for all
    ) -> Snapshot:
        self._check("snapshot")
        self.snapshots += 1
        cursor = f"b:{next(self._seq)}"
        return Snapshot(engine=self._info(), jobs=tuple(self.rows.values()), cursor=cursor)

    async def changes(
        self, cursor: str, *, groups: Collection[str] | None = None
    ) -> AsyncIterator[Changes]:
        del groups
        self._check("changes", cursor)
        queue: asyncio.Queue[Changes | Exception] = asyncio.Queue()
        self._queues.append(queue)
        try:
            while True:
                event = await queue.get()
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self._queues.remove(queue)

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        self._check("functions", group)
        return self.function_list

    async def groups(self) -> tuple[str, ...]:
        return tuple(sorted({row.group for row in self.rows.values()}))

    async def jobs(
        self, where: JobFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Job]:
        self._check("jobs", where, limit, cursor)
        return Page(items=tuple(self._job(row) for row in list(self.rows.values())[:limit]))

    async def job(self, job: str) -> Job:
        self._check("job", job)
        return self._job(self._row(job))

    def _job(self, row: JobSummary) -> Job:
        rules = spell(resolve(self.own, self.inherited))
        fields = {"policies": self.own, "effective": rules, "kwargs": self.kwargs}
        fields |= self.job_fields
        return job_of(row, **fields)

    async def create_job(
        self,
        spec: JobSpec,
        *,
        replace: bool = False,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        assert (version, idempotency_key) == (None, None)
        self._check("create_job", spec, *(("replace",) if replace else ()))
        if self.create_error is not None:
            raise self.create_error
        group, _, function = spec.function.partition("/")
        row = summary(next(self._ids), spec.name or function, group=spec.group or group)
        self.change(row)
        return self._job(row)

    async def edit_job(
        self, job: str, patch: JobPatch, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        self._check("edit_job", job, patch, version)
        return self._job(self._row(job, expect_id))

    async def delete_job(self, job: str, *, expect_id: int | None = None, **_given: Any) -> None:
        self._check("delete_job", job, expect_id)
        self.change(removed=(self._row(job, expect_id).id,))

    async def pause_job(
        self,
        job: str,
        *,
        reason: str = "",
        until: datetime | None = None,  # noqa: ARG002 - the protocol's signature
        version: int | None = None,  # noqa: ARG002 - likewise
        expect_id: int | None = None,
    ) -> Job:
        self._check("pause_job", job, expect_id)
        row = self._row(job, expect_id)._replace(
            state=JobState.PAUSED, next_due_us=None, pause_reason=reason
        )
        self.change(row)
        return self._job(row)

    async def revert_job(self, job: str, *, expect_id: int | None = None, **_given: Any) -> Job:
        self._check("revert_job", job, expect_id)
        row = self._row(job, expect_id)._replace(overridden=False)
        self.change(row)
        return self._job(row)

    async def reload(self) -> Reload:
        return Reload(ok=True, generation=1, modules=())

    async def resume_job(self, job: str, *, expect_id: int | None = None, **_given: Any) -> Job:
        self._check("resume_job", job, expect_id)
        row = self._row(job, expect_id)._replace(
            state=JobState.SCHEDULED, next_due_us=now_us() + 60_000_000
        )
        self.change(row)
        return self._job(row)

    async def trigger_job(self, job: str, **given: Any) -> Run:
        kwargs, expect_id = given.get("kwargs"), given.get("expect_id")
        self._check("trigger_job", job, expect_id, kwargs)
        row = self._row(job, expect_id)
        reason = "run 7 is still active" if self.trigger_state is RunState.SKIPPED else ""
        return run(next(self._ids), row.id, state=self.trigger_state, reason=reason)

    async def cancel_run(self, run_id: int, *, reason: str = "", force: bool = False) -> Run:
        self._check("cancel_run", run_id, reason, force)
        asked = dataclasses.replace(self._run(run_id), reason="asked to end: cancelled by me")
        self.move_run(asked)
        return asked

    async def rerun(self, run_id: int, **_given: Any) -> Run:
        self._check("rerun", run_id)
        again = dataclasses.replace(
            self._run(run_id),
            id=next(self._ids),
            source=Source.RERUN,
            state=self.trigger_state,
            parent_id=run_id,
            finished_at=None,
            reason="run 7 is still active" if self.trigger_state is RunState.SKIPPED else "",
        )
        self.move_run(again)
        return again

    async def bulk(
        self,
        action: BulkAction,
        where: JobFilter,
        *,
        reason: str = "",
        until: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[BulkOutcome, ...]:
        raise AssertionError("bulk", action, where, reason, until, idempotency_key)

    async def pause_engine(self, *, reason: str = "") -> EngineInfo:
        self._check("pause_engine", reason)
        return self._engine_paused("me")

    async def resume_engine(self) -> EngineInfo:
        self._check("resume_engine")
        return self._engine_paused("")

    def _engine_paused(self, by: str) -> EngineInfo:
        if self.refuses is not None:
            raise self.refuses
        self.paused_by = by
        info = self._info()
        self._send(Changes(cursor=f"b:{next(self._seq)}", engine=info))
        return info

    async def runs(
        self, where: RunFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Run]:
        self._check("runs", where, cursor)
        wanted = [
            one
            for one in sorted(self.all_runs.values(), key=lambda one: -one.id)
            if where is None or where.job_id in (None, one.job_id)
        ]
        if cursor is not None:
            wanted = [one for one in wanted if one.id < int(cursor)]
        page = tuple(wanted[:limit])
        return Page(items=page, cursor=str(page[-1].id) if len(wanted) > limit else None)

    async def run(self, run_id: int) -> Run:
        self._check("run", run_id)
        return self._run(run_id)

    def _run(self, run_id: int) -> Run:
        if run_id not in self.all_runs:
            raise RunNotFoundError(run_id)
        return self.all_runs[run_id]

    async def attempts(self, run_id: int) -> tuple[Attempt, ...]:
        self._check("attempts", run_id)
        return self.attempt_list

    def _page(self, run_id: int, lines: list[LogLine]) -> LogPage:
        found = self.all_runs.get(run_id)
        kept = self.lines.get(run_id, [])
        done = found is None or found.state not in (RunState.RUNNING, RunState.QUEUED)
        return LogPage(lines=tuple(lines), last=kept[-1].seq if kept else 0, done=done)

    async def logs(self, run_id: int, *, after: int = 0, limit: int = 1000) -> LogPage:
        self._check("logs", run_id, after, limit)
        kept = self.lines.get(run_id, [])
        return self._page(run_id, [line for line in kept if line.seq > after][:limit])

    async def log_tail(self, run_id: int, *, count: int = 1000) -> LogPage:
        self._check("log_tail", run_id, count)
        return self._page(run_id, self.lines.get(run_id, [])[-count:])

    async def follow(self, run_id: int, *, after: int = 0) -> AsyncIterator[LogPage]:
        self._check("follow", run_id, after)
        while True:
            page = await self.logs(run_id, after=after)
            if page.lines or page.done:
                yield page
            if page.done:
                return
            after = page.last
            async with self._new_line:
                await self._new_line.wait()

    async def search_logs(self, query: str, *, limit: int = 100) -> tuple[LogHit, ...]:
        raise AssertionError("search_logs", query, limit)

    async def run_function(self, function: str, kwargs: Any = None, **given: Any) -> Run:
        raise AssertionError("run_function", function, kwargs, given)

    async def audit(
        self, where: AuditFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[AuditEvent]:
        raise AssertionError("audit", where, limit, cursor)

    async def aclose(self) -> None:
        self.calls.append(("aclose",))
