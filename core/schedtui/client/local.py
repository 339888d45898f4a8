"""The client of an engine in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from schedtui.client.beat import until_next_s
from schedtui.client.local_dead import LocalDead
from schedtui.client.local_files import LocalFiles
from schedtui.client.local_measures import LocalMeasures
from schedtui.client.local_steering import LocalSteering
from schedtui.client.previews import preview_of
from schedtui.engine import Engine
from schedtui.engine.defaults import defaults
from schedtui.engine.jobs.found import found, is_meant
from schedtui.engine.runs.reads import position
from schedtui.errors import InvalidError
from schedtui.models import (
    Attempt,
    AuditEvent,
    AuditFilter,
    Backfill,
    BulkAction,
    BulkOutcome,
    Changes,
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
from schedtui.models.names import check_groups, check_name
from schedtui.models.secret import shown
from schedtui.protocols import OffLoop
from schedtui.triggers import Trigger, parse_trigger

MAX_PREVIEW = 1_000
MAX_PAGE = 1_000
MAX_LINES = 10_000
"""The most of a list that one call gives; the same behind HTTP."""


class LocalClient(LocalFiles, LocalSteering, LocalMeasures, LocalDead):
    """`EngineClient` on an `Engine` of this process; from any thread's event loop.

    Args:
        engine: A started engine.
        actor: Who is named in the audit trail.
    """

    def __init__(self, engine: Engine, *, actor: str = "local") -> None:
        super().__init__(engine, actor)

    @property
    def address(self) -> str:
        """``here``."""
        return "here"

    @property
    def _off_loop(self) -> OffLoop:
        return self._engine.off_loop

    async def info(self) -> EngineInfo:
        """The engine now."""

        async def ask() -> EngineInfo:
            return self._engine.running.info()

        return await self._engine.on_loop(ask)

    async def reload(self) -> Reload:
        """Load the code again."""
        return await self._engine.reload(actor=self._actor)

    async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
        """All jobs, and where changes go on from."""
        running, meant = self._engine.running, where or JobFilter()

        async def take() -> Snapshot:
            # In slices, so that a hundred thousand jobs do not stop the tick: what changes in
            # between comes again with the changes after the cursor.
            cursor, rows = running.core.hub.cursor, []
            for number, live in enumerate(running.core.jobs.of(meant.group)):
                if not live.removed and is_meant(live, meant):
                    rows.append(live.summary())
                if number % 1_000 == 999:
                    await asyncio.sleep(0)
            return Snapshot(engine=running.info(), jobs=tuple(rows), cursor=cursor)

        return await self._engine.on_loop(take)

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        """The registered functions."""
        found = await self._engine.off_loop(self._engine.registry.functions, group)
        return tuple(map(self._engine.running.core.secrets.told, found))

    async def groups(self) -> tuple[str, ...]:
        """The names of all groups: those of the code, and those only jobs have."""
        names = set(self._engine.registry.groups)

        async def living() -> set[str]:
            return {live.job.group for live in self._engine.running.core.jobs}

        return tuple(sorted(names | await self._engine.on_loop(living)))

    async def defaults(self) -> Defaults:
        """What jobs have of their groups and of their engine."""

        async def read() -> Defaults:
            return defaults(self._engine.running)

        return await self._engine.on_loop(read)

    async def cursor(self) -> str:
        """Where `changes` begins now, for who needs no snapshot."""

        async def ask() -> str:
            return self._engine.running.core.hub.cursor

        return await self._engine.on_loop(ask)

    async def changes(
        self, cursor: str, *, groups: Collection[str] | None = None
    ) -> AsyncIterator[Changes]:
        """What changes after ``cursor``."""
        hub, among = self._engine.running.core.hub, check_groups(groups)
        while True:
            frame = await self._engine.on_loop(partial(hub.after, cursor, among))
            cursor = frame.cursor
            yield frame
            await asyncio.sleep(until_next_s(frame))

    async def jobs(
        self, where: JobFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Job]:
        """Jobs in the order of their ids."""
        _check_limit(limit)
        after = position(cursor) or 0

        async def read() -> Page[Job]:
            jobs = self._engine.running.core.jobs
            living = await found(jobs, where or JobFilter(), after=after, limit=limit + 1)
            page = tuple(shown(live.current()) for live in living[:limit])
            return Page(items=page, cursor=str(page[-1].id) if len(living) > limit else None)

        return await self._engine.on_loop(read)

    async def job(self, job: str) -> Job:
        """One job."""

        async def read() -> Job:
            return shown(self._engine.running.core.jobs.named(job).current())

        return await self._engine.on_loop(read)

    async def create_job(
        self,
        spec: JobSpec,
        *,
        replace: bool = False,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Create a dynamic job, or replace the one of its name."""
        return await self._engine.submit_spec(
            spec,
            replace=replace,
            version=version,
            idempotency_key=idempotency_key,
            actor=self._actor,
        )

    async def edit_job(
        self, job: str, patch: JobPatch, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """Change a job."""
        return await self._engine.edit_job(
            job, patch, version=version, expect_id=expect_id, actor=self._actor
        )

    async def trigger_job(
        self,
        job: str,
        *,
        kwargs: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
    ) -> Run:
        """Run a job now, once."""
        return await self._engine.trigger_job(
            job,
            kwargs=kwargs,
            idempotency_key=idempotency_key,
            expect_id=expect_id,
            actor=self._actor,
        )

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
        """Queue runs for due times of the past."""
        return await self._engine.backfill_job(
            job,
            start,
            end,
            limit=limit,
            again=again,
            kwargs=kwargs,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
            expect_id=expect_id,
            actor=self._actor,
        )

    async def cancel_backfill(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        """Cancel all queued backfill runs of a job."""
        return await self._engine.cancel_backfill(
            job, reason=reason, expect_id=expect_id, actor=self._actor
        )

    async def run_function(
        self,
        function: str,
        kwargs: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Run:
        """Run a function now, once, without a job."""
        return await self._engine.run_function(
            function, kwargs, idempotency_key=idempotency_key, actor=self._actor
        )

    async def cancel_run(self, run_id: int, *, reason: str = "", force: bool = False) -> Run:
        """End a run before its time."""
        return await self._engine.cancel_run(run_id, reason=reason, force=force, actor=self._actor)

    async def rerun(self, run_id: int, *, idempotency_key: str | None = None) -> Run:
        """Run what a run ran once more."""
        return await self._engine.rerun(run_id, idempotency_key=idempotency_key, actor=self._actor)

    async def bulk(
        self,
        action: BulkAction,
        where: JobFilter,
        *,
        reason: str = "",
        until: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[BulkOutcome, ...]:
        """Do one thing to every job that ``where`` finds."""
        return await self._engine.bulk(
            action,
            where,
            reason=reason,
            until=until,
            idempotency_key=idempotency_key,
            actor=self._actor,
        )

    async def pause_engine(self, *, reason: str = "") -> EngineInfo:
        """Claim nothing more, of no job."""
        return await self._engine.pause_engine(reason=reason, actor=self._actor)

    async def resume_engine(self) -> EngineInfo:
        """Claim again."""
        return await self._engine.resume_engine(actor=self._actor)

    async def next_due(self, job: str, *, count: int = 5) -> Preview:
        """The next due times of a job."""
        _check_limit(count, MAX_PREVIEW, "count")

        async def read() -> tuple[Trigger | None, str, str, int]:
            core = self._engine.running.core
            live = core.jobs.named(job)
            after_us = max(core.clock.now_us(), live.last_due_us or 0)
            return live.trigger, live.job.timezone, live.problem, after_us

        trigger, timezone, problem, after_us = await self._engine.on_loop(read)
        if trigger is None:
            return Preview(description=problem, timezone=timezone, next=())
        running, known = self._engine.running, trigger
        look = partial(preview_of, known, timezone, after_us, count)
        return await running.on_loop(lambda: running.core.off_loop_asking(known, look))

    async def explain(self, job: str, at: datetime | str | None = None) -> Explanation:
        """Why a job ran, or did not, at a moment."""
        return await self._engine.explain(job, at)

    async def preview(
        self,
        trigger: Mapping[str, Any],
        *,
        timezone: str | None = None,
        group: str | None = None,
        count: int = 5,
    ) -> Preview:
        """What a trigger means."""
        _check_limit(count, MAX_PREVIEW, "count")
        core = self._engine.running.core
        zone = core.zone_for(timezone, None if group is None else check_name("group", group))
        now_us = core.clock.now_us()
        # Off the loop: triggers may be long to read, and the preview asks about unfinished ones.
        try:
            parsed = await self._off_loop(parse_trigger, trigger, zone, now_us)
        except InvalidError as error:
            raise error.below("trigger") from error
        return await self._off_loop(preview_of, parsed, parsed.timezone or zone, now_us, count)

    async def runs(
        self, where: RunFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Run]:
        """The history, newest first."""
        _check_limit(limit)
        page = await self._engine.reads.runs(where or RunFilter(), limit, cursor)
        return replace(page, items=tuple(map(shown, page.items)))

    async def run(self, run_id: int) -> Run:
        """One run."""
        return shown(await self._engine.reads.run(run_id))

    async def attempts(self, run_id: int) -> tuple[Attempt, ...]:
        """The ended attempts of a run."""
        await self._engine.reads.run(run_id)
        return tuple(await self._off_loop(self._engine.store.attempts, run_id))

    async def logs(self, run_id: int, *, after: int = 0, limit: int = 1000) -> LogPage:
        """Lines of a run."""
        _check_limit(limit, MAX_LINES)
        return await self._engine.reads.logs(run_id, after, limit)

    async def log_tail(self, run_id: int, *, count: int = 1000) -> LogPage:
        """The last lines of a run."""
        _check_limit(count, MAX_LINES, "count")
        return await self._engine.reads.tail(run_id, count)

    def follow(self, run_id: int, *, after: int = 0) -> AsyncIterator[LogPage]:
        """Lines of a run as they come."""
        return self._engine.reads.follow(run_id, after)

    async def search_logs(self, query: str, *, limit: int = 100) -> tuple[LogHit, ...]:
        """Lines of all runs that hold every word."""
        _check_limit(limit)
        hits = await self._off_loop(self._engine.store.search_logs, query, limit=limit)
        return tuple(hits)

    async def audit(
        self, where: AuditFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[AuditEvent]:
        """The audit trail, newest first."""
        _check_limit(limit)
        before = position(cursor)
        store = self._engine.store
        rows = await self._off_loop(store.audit_trail, where, limit=limit + 1, before=before)
        page = tuple(rows[:limit])
        return Page(items=page, cursor=str(page[-1].id) if len(rows) > limit else None)

    async def aclose(self) -> None:
        """Nothing to let go of."""


def _check_limit(limit: int, high: int = MAX_PAGE, field: str = "limit") -> None:
    if not 1 <= limit <= high:
        raise InvalidError.one(field, limit, f"a whole number from 1 to {high}")
