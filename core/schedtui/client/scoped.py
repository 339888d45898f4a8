"""An engine as a token of some groups sees it: what is of other groups is not there."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
)
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar, cast

from schedtui.client.closing import closing
from schedtui.client.local import MAX_PAGE
from schedtui.client.pages import newest_of
from schedtui.client.scoped_changes import Tally
from schedtui.client.scoped_dead import ScopedDead
from schedtui.client.scoped_measures import ScopedMeasures
from schedtui.client.scoped_steering import ScopedSteering
from schedtui.errors import RunNotFoundError
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
    JobSummary,
    LogHit,
    LogPage,
    Page,
    Preview,
    Run,
    RunFilter,
    Snapshot,
)
from schedtui.protocols import EngineClient
from schedtui.protocols.files import FilesClient

T = TypeVar("T")

MAX_PAGES = 50
"""How many pages one call looks through; the page is shorter then, and its cursor goes on."""
REFUSED = frozenset({"metrics", "pause_engine", "reload", "resume_engine"}) | {
    name for name in vars(FilesClient) if not name.startswith("_")
}
"""What concerns all groups: no token of some of them may do it."""
_OF_GROUPS = ("job.", "run.", "function.")


class ScopedClient(ScopedMeasures, ScopedSteering, ScopedDead):
    """`EngineClient` for some groups only.

    What is named and is of another group is answered as if it did not exist. A call that is not
    written down here is refused: a new one is nobody's until somebody has thought about it.

    Args:
        inner: The engine.
        groups: Whose jobs, functions and runs there are.
    """

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

    async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
        """The jobs of these groups."""
        parts = await self._parts(self._groups)
        first = parts[0] if parts else replace(await self._inner.snapshot(), jobs=())
        # What changes between two parts comes again with the changes after the first one's cursor.
        own = _rows(parts)
        jobs = tuple(row for row in own if where is None or _fits(row, where))
        return replace(first, engine=Tally(own).told(first.engine), jobs=jobs)

    async def _parts(self, groups: Collection[str]) -> list[Snapshot]:
        """A snapshot of each of some of these groups."""
        return [await self._inner.snapshot(JobFilter(group=group)) for group in sorted(groups)]

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

    async def cursor(self) -> str:
        """Where `changes` begins now."""
        ask = getattr(self._inner, "cursor", None)
        cursor: str = (await self.snapshot()).cursor if ask is None else await ask()
        return cursor

    def among(self, groups: Collection[str] | None) -> frozenset[str]:
        """Those of the groups asked for, None: of all, that the token is for.

        Raises:
            ForbiddenError: there is none.
        """
        among = self._groups if groups is None else self._groups.intersection(groups)
        if not among:
            raise self._forbidden("what is asked for is of none of them")
        return among

    async def changes(
        self, cursor: str, *, groups: Collection[str] | None = None
    ) -> AsyncGenerator[Changes]:
        """What changes in these groups; the engine's numbers are of them too.

        Nothing where all that changed is of others: how much that is, is theirs.
        """
        among = self.among(groups)
        tally: Tally | None = None
        async with closing(self._inner.changes(cursor, groups=among)) as stream:
            async for frame in stream:
                if tally is not None:
                    tally.follow(frame)
                if frame.engine is None:
                    if frame.jobs or frame.removed or frame.runs:
                        yield frame  # the same for all who watch these groups
                    continue
                if tally is None:
                    tally = Tally(_rows(await self._parts(among)))
                yield replace(frame, engine=tally.told(frame.engine))

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

    async def jobs(
        self, where: JobFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Job]:
        """The jobs of these groups."""
        found: list[Job] = []
        more = False
        for one in self._each(where or JobFilter()):
            page = await self._inner.jobs(one, limit=limit, cursor=cursor)
            found += page.items
            more |= page.cursor is not None
        found.sort(key=lambda job: job.id)
        more |= len(found) > limit
        # Where a page ends is told by the id of its last job.
        last = str(found[:limit][-1].id) if more else None
        return Page(items=tuple(found[:limit]), cursor=last)

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

    async def bulk(
        self, action: BulkAction, where: JobFilter, **how: Any
    ) -> tuple[BulkOutcome, ...]:
        """Do one thing to every job of these groups that ``where`` finds."""
        if where.empty:  # is refused, and must not come to mean all of a group
            return await self._inner.bulk(action, where, **how)
        found: list[BulkOutcome] = []
        for one in self._each(where):
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
        elif where.group is not None and where.group not in self._groups:
            return Page(items=())
        if where.job is not None or where.job_id is not None or where.group is not None:
            return await self._own_runs(where, limit, cursor)
        parts = [replace(where, group=group) for group in sorted(self._groups)]
        if where.tag is None and not where.dead:  # a group's dead ones are also its functions'
            parts.append(replace(where, job_id=0))  # of their functions, without a job
        return newest_of([await self._own_runs(part, limit, cursor) for part in parts], limit)

    async def _own_runs(self, where: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
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

    def _each(self, where: JobFilter) -> list[JobFilter]:
        """The same filter for each of these groups that it may mean."""
        if where.group is not None:
            return [where] if where.group in self._groups else []
        return [replace(where, group=group) for group in sorted(self._groups)]

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


def _rows(parts: Iterable[Snapshot]) -> list[JobSummary]:
    return sorted((row for part in parts for row in part.jobs), key=lambda row: row.id)


def _fits(row: JobSummary, where: JobFilter) -> bool:
    return (
        where.group in (None, row.group)
        and (where.tag is None or where.tag in row.tags)
        and where.state in (None, row.state)
    )
