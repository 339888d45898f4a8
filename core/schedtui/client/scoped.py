"""An engine as a token of some groups sees it: what is of other groups is not there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar, cast

from schedtui.client.local import MAX_PAGE
from schedtui.client.scoped_changes import ScopedChanges, engine_for
from schedtui.client.scoped_dead import ScopedDead
from schedtui.client.scoped_steering import ScopedSteering
from schedtui.errors import (
    ForbiddenError,
    FunctionNotFoundError,
    JobNotFoundError,
    RunNotFoundError,
)
from schedtui.models import (
    After,
    Attempt,
    AuditEvent,
    AuditFilter,
    Backfill,
    BulkAction,
    BulkOutcome,
    Changes,
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
    Run,
    RunFilter,
    Snapshot,
    Statistics,
)
from schedtui.protocols import EngineClient

T = TypeVar("T")

MAX_PAGES = 50
"""How many pages one call looks through; the page is shorter then, and its cursor goes on."""
REFUSED = frozenset({"pause_engine", "reload", "resume_engine"})
"""What concerns all groups: no token of some of them may do it."""
_OF_GROUPS = ("job.", "run.", "function.")


class ScopedClient(ScopedSteering, ScopedDead):
    """`EngineClient` for some groups only.

    What is named and is of another group is answered as if it did not exist. A call that is not
    written down here is refused: a new one is nobody's until somebody has thought about it.

    Args:
        inner: The engine.
        groups: Whose jobs, functions and runs there are.
    """

    def __init__(self, inner: EngineClient, groups: tuple[str, ...]) -> None:
        self._inner = inner
        self._groups = frozenset(groups)

    @property
    def typed(self) -> EngineClient:
        """This, as what it is by `__getattr__`."""
        return cast(EngineClient, self)

    @property
    def address(self) -> str:
        """Where the engine is."""
        return self._inner.address

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if name.startswith("_") or not hasattr(self._inner, name):
            raise AttributeError(f"an engine has no {name!r}")

        async def refuse(*args: Any, **kwargs: Any) -> Any:
            del args, kwargs
            raise self._forbidden("this concerns all of them")

        return refuse

    # --- the engine -------------------------------------------------------------------------------

    async def info(self) -> EngineInfo:
        """The engine, with the numbers of these groups."""
        return (await self.snapshot()).engine

    async def snapshot(self) -> Snapshot:
        """The jobs of these groups."""
        whole = await self._inner.snapshot()
        jobs = tuple(row for row in whole.jobs if row.group in self._groups)
        return replace(whole, engine=engine_for(whole.engine, jobs), jobs=jobs)

    async def cursor(self) -> str:
        """Where `changes` begins now."""
        return (await self._inner.snapshot()).cursor

    async def changes(self, cursor: str) -> AsyncGenerator[Changes]:
        """What changes in these groups."""
        stream = self._inner.changes(cursor)
        seen = ScopedChanges(await self._inner.snapshot(), self._groups, self._sees_run)
        try:
            async for frame in stream:
                yield await seen.of(frame)
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        """The functions of these groups."""
        found = await self._inner.functions(group)
        return tuple(one for one in found if one.group in self._groups)

    async def groups(self) -> tuple[str, ...]:
        """Those of these groups that there are."""
        return tuple(name for name in await self._inner.groups() if name in self._groups)

    async def audit(
        self, where: AuditFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[AuditEvent]:
        """What was done to jobs, functions and runs of these groups."""
        return await self._page(
            limit,
            cursor,
            lambda count, start: self._inner.audit(where, limit=count, cursor=start),
            lambda line: line.action.startswith(_OF_GROUPS) and self._has(line.object),
        )

    # --- jobs -------------------------------------------------------------------------------------

    async def jobs(self, *, limit: int = 100, cursor: str | None = None) -> Page[Job]:
        """The jobs of these groups."""
        return await self._page(
            limit,
            cursor,
            lambda count, start: self._inner.jobs(limit=count, cursor=start),
            lambda job: job.group in self._groups,
        )

    async def job(self, job: str) -> Job:
        """One job."""
        return await self._inner.job(self._job(job))

    async def create_job(self, spec: JobSpec, **how: Any) -> Job:
        """Create a job in these groups, on a function of theirs."""
        self._function(spec.function)
        if spec.group is not None and spec.group not in self._groups:
            raise self._forbidden(f"group {spec.group!r} is none of them")
        self._after(spec.after)
        return await self._inner.create_job(spec, **how)

    async def edit_job(
        self, job: str, patch: JobPatch, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """Change a job."""
        self._job(job)
        if patch.function is not None:
            self._function(patch.function)
        self._after(patch.after or ())
        return await self._inner.edit_job(job, patch, version=version, expect_id=expect_id)

    async def trigger_job(
        self,
        job: str,
        *,
        kwargs: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
    ) -> Run:
        """Run a job now."""
        return await self._inner.trigger_job(
            self._job(job), kwargs=kwargs, idempotency_key=idempotency_key, expect_id=expect_id
        )

    async def backfill_job(self, job: str, *args: Any, **kwargs: Any) -> Backfill:
        """Queue runs for due times of the past."""
        return await self._inner.backfill_job(self._job(job), *args, **kwargs)

    async def cancel_backfill(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        """Cancel the queued backfill runs of a job."""
        return await self._inner.cancel_backfill(self._job(job), reason=reason, expect_id=expect_id)

    async def cancel_retries(self, job: str, **how: Any) -> int:
        """Cancel the runs of a job that wait for a retry."""
        return await self._inner.cancel_retries(self._job(job), **how)

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:
        """How long the runs of a job took."""
        return await self._inner.statistics(self._job(job), limit=limit)

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None:
        """Begin a job's statistics anew."""
        await self._inner.clear_statistics(self._job(job), expect_id=expect_id)

    async def bulk(
        self, action: BulkAction, where: JobFilter, **how: Any
    ) -> tuple[BulkOutcome, ...]:
        """Do one thing to every job of these groups that ``where`` finds."""
        if where.empty:  # is refused, and must not come to mean all of a group
            return await self._inner.bulk(action, where, **how)
        if where.group is not None:
            wanted = [where] if where.group in self._groups else []
        else:
            wanted = [replace(where, group=group) for group in sorted(self._groups)]
        found: list[BulkOutcome] = []
        for one in wanted:
            found += await self._inner.bulk(action, one, **how)
        return tuple(sorted(found, key=lambda outcome: outcome.id))

    async def next_due(self, job: str, *, count: int = 5) -> Preview:
        """The next due times of a job."""
        return await self._inner.next_due(self._job(job), count=count)

    async def explain(self, job: str, at: datetime | str | None = None) -> Explanation:
        """Why a job ran, or did not."""
        return await self._inner.explain(self._job(job), at)

    async def preview(
        self,
        trigger: Mapping[str, Any],
        *,
        timezone: str | None = None,
        group: str | None = None,
        count: int = 5,
    ) -> Preview:
        """What a trigger means."""
        if group is not None and group not in self._groups:
            raise self._forbidden(f"group {group!r} is none of them")
        return await self._inner.preview(trigger, timezone=timezone, group=group, count=count)

    # --- runs -------------------------------------------------------------------------------------

    async def run_function(
        self,
        function: str,
        kwargs: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Run:
        """Run a function of these groups now."""
        self._function(function)
        return await self._inner.run_function(function, kwargs, idempotency_key=idempotency_key)

    async def runs(
        self, where: RunFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Run]:
        """The history of these groups."""
        where = where or RunFilter()
        if where.job is not None:
            self._job(where.job)
        if where.group is not None and where.group not in self._groups:
            return Page(items=())
        return await self._page(
            limit,
            cursor,
            lambda count, start: self._inner.runs(where, limit=count, cursor=start),
            lambda run: self._has(run.job),
        )

    async def run(self, run_id: int) -> Run:
        """One run."""
        run = await self._inner.run(run_id)
        if not self._has(run.job):
            raise RunNotFoundError(run_id)
        return run

    async def attempts(self, run_id: int) -> tuple[Attempt, ...]:
        """The ended attempts of a run."""
        return await self._inner.attempts((await self.run(run_id)).id)

    async def cancel_run(self, run_id: int, *, reason: str = "", force: bool = False) -> Run:
        """End a run before its time."""
        return await self._inner.cancel_run((await self.run(run_id)).id, reason=reason, force=force)

    async def rerun(self, run_id: int, *, idempotency_key: str | None = None) -> Run:
        """Run what a run ran once more."""
        return await self._inner.rerun((await self.run(run_id)).id, idempotency_key=idempotency_key)

    async def logs(self, run_id: int, *, after: int = 0, limit: int = 1000) -> LogPage:
        """Lines of a run."""
        return await self._inner.logs((await self.run(run_id)).id, after=after, limit=limit)

    async def log_tail(self, run_id: int, *, count: int = 1000) -> LogPage:
        """The last lines of a run."""
        return await self._inner.log_tail((await self.run(run_id)).id, count=count)

    async def follow(self, run_id: int, *, after: int = 0) -> AsyncGenerator[LogPage]:
        """Lines of a run as they come."""
        await self.run(run_id)
        pages: AsyncIterator[LogPage] = self._inner.follow(run_id, after=after)
        try:
            async for page in pages:
                yield page
        finally:
            if isinstance(pages, AsyncGenerator):
                await pages.aclose()

    async def search_logs(self, query: str, *, limit: int = 100) -> tuple[LogHit, ...]:
        """Lines of these groups' runs, among the newest `MAX_PAGE` of all that are found."""
        if not 1 <= limit <= MAX_PAGE:
            return await self._inner.search_logs(query, limit=limit)  # which refuses it
        hits = await self._inner.search_logs(query, limit=MAX_PAGE)
        return tuple(hit for hit in hits if self._has(hit.job))[:limit]

    async def aclose(self) -> None:
        """Nothing of its own is open."""

    # --- what is whose ----------------------------------------------------------------------------

    def _has(self, full_name: str) -> bool:
        return full_name.partition("/")[0] in self._groups

    def _job(self, job: str) -> str:
        if not self._has(job):
            raise JobNotFoundError(job)
        return job

    def _function(self, function: str) -> None:
        if not self._has(function):
            raise FunctionNotFoundError(function)

    def _after(self, after: tuple[str | After, ...]) -> None:
        for one in after:
            self._job(one.job if isinstance(one, After) else str(one))

    async def _sees_run(self, run_id: int) -> bool:
        try:
            await self.run(run_id)
        except RunNotFoundError:
            return False
        return True

    def _forbidden(self, why: str) -> ForbiddenError:
        names = ", ".join(sorted(self._groups))
        return ForbiddenError(
            f"this token is for the groups {names} alone, and {why}: use one without --group"
        )

    async def _page(
        self,
        limit: int,
        cursor: str | None,
        read: Callable[[int, str | None], Awaitable[Page[T]]],
        wanted: Callable[[T], bool],
    ) -> Page[T]:
        """One page of those that are wanted; never reads past the last one that it gives."""
        found: list[T] = []
        for _ in range(MAX_PAGES):
            page = await read(limit - len(found), cursor)
            found += [item for item in page.items if wanted(item)]
            cursor = page.cursor
            if cursor is None or len(found) >= limit:
                break
        return Page(items=tuple(found), cursor=cursor)
