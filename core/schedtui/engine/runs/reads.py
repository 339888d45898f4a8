"""What is asked about runs and logs: the store's rows, and over them what is newer in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from schedtui.clock import from_us
from schedtui.engine.jobs.found import found
from schedtui.engine.running import Running
from schedtui.engine.runs.statistics import statistics
from schedtui.errors import InvalidError, JobNotFoundError, RunNotFoundError, SchedtuiError
from schedtui.models import (
    TERMINAL,
    JobFilter,
    LogLine,
    LogPage,
    Page,
    Revision,
    Run,
    RunFilter,
    Statistics,
    Stats,
    StatsBy,
)
from schedtui.models.names import split_name

FOLLOW_S = 0.05
"""Between two pages of a followed log."""
STATS_S = 86_400.0
"""The while that counts and times are of where none is named."""
POLL_S = 1.0
"""How long a follower waits for news before it looks by itself."""


class Reads:
    """Queries of one started engine; from any event loop."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._store = running.store
        self._off_loop = running.core.off_loop

    async def runs(self, where: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        """A page of the history, newest first."""
        before = position(cursor)
        where, among = await self.chosen(where)
        rows = await self._off_loop(
            self._store.runs, where, limit=limit + 1, before=before, among=among
        )
        page = tuple(self._live(run) for run in rows[:limit])
        return Page(items=page, cursor=str(page[-1].id) if len(rows) > limit else None)

    async def chosen(self, where: RunFilter) -> tuple[RunFilter, tuple[int, ...] | None]:
        """A filter as a store takes it, and the ids of the jobs that have its tag.

        Raises:
            InvalidError: it names a job in both ways.
            JobNotFoundError: no job ever had the name.
        """
        tag, where = where.tag, await self._resolved(replace(where, tag=None))
        return where, None if tag is None else await self._tagged(tag)

    async def _resolved(self, where: RunFilter) -> RunFilter:
        """A filter that names a job by its id, if at all."""
        if where.job is None:
            return where
        if where.job_id is not None:
            raise InvalidError.one("job_id", where.job_id, "either job or job_id, not both")
        group, name = split_name("job", where.job)
        live = self._running.core.jobs.find(group, name)
        job_id = live.id if live is not None else None
        if job_id is None:
            tombstone = await self._off_loop(self._store.deleted_job, group, name)
            job_id = None if tombstone is None else tombstone.id
        if job_id is None:
            raise JobNotFoundError(where.job, self._of_function(where.job))
        return replace(where, job=None, job_id=job_id)

    async def _tagged(self, tag: str) -> tuple[int, ...]:
        """The ids of the jobs that have a tag."""
        jobs = self._running.core.jobs
        tagged = await self._running.on_loop(lambda: found(jobs, JobFilter(tag=tag)))
        return tuple(live.id for live in tagged)

    def _of_function(self, name: str) -> str:
        """What to say to who looks for the runs of a function by its name; else empty."""
        try:
            self._running.core.registry.resolve(name)
        except SchedtuiError:
            return ""
        return "that is a function, and its runs without a job are in the list of all runs alone"

    async def revisions(self, limit: int, cursor: str | None) -> Page[Revision]:
        """A page of the revisions of the jobs, newest first."""
        before = position(cursor)
        rows = await self._off_loop(self._store.revisions, limit=limit + 1, before=before)
        page = tuple(rows[:limit])
        return Page(items=page, cursor=str(page[-1].number) if len(rows) > limit else None)

    async def revision(self, number: int) -> Revision:
        """One of them, with its text."""
        return await self._running.revisions.revision(number)

    async def run(self, run_id: int) -> Run:
        """One run, with what it has said since its row was written."""
        row = await self._off_loop(self._store.run, run_id)
        if row is None:
            raise RunNotFoundError(run_id)
        return self._live(row)

    async def statistics(self, job: str, limit: int) -> Statistics:
        """How long the newest runs of a living job took that succeeded."""
        group, name = split_name("job", job)
        live = self._running.core.jobs.find(group, name)
        if live is None:
            raise JobNotFoundError(job)
        return await self._off_loop(statistics, self._store, live.id, live.full_name, limit)

    async def stats(self, where: RunFilter, by: StatsBy) -> Stats:
        """Counts and times of the runs of a while; of the last 24 hours where none is named."""
        where, among = await self.chosen(where)
        since = where.since
        if since is None:
            end = where.until or from_us(self._running.clock.now_us())
            since = end - timedelta(seconds=STATS_S)
        where = replace(where, since=since)
        whole, items = await self._off_loop(self._store.run_figures, where, by, among=among)
        return Stats(since=since, until=where.until, by=by, complete=whole, items=tuple(items))

    async def logs(self, run_id: int, after: int, limit: int) -> LogPage:
        """Lines above ``after``."""
        run = await self.run(run_id)
        sink = self._running.logs.sink(run_id)
        # The sink first: what it hands to the store between the two reads is then seen twice,
        # never not at all.
        fresh = sink.lines_after(after) if sink is not None else []
        stored = await self._off_loop(self._store.log_lines, run_id, after=after, limit=limit)
        return _page(run, stored, fresh, limit, after)

    async def tail(self, run_id: int, count: int) -> LogPage:
        """The last ``count`` lines."""
        run = await self.run(run_id)
        sink = self._running.logs.sink(run_id)
        fresh = sink.lines_after(0) if sink is not None else []
        stored = await self._off_loop(self._store.log_tail, run_id, count)
        page = _page(run, stored, fresh, count + len(fresh))
        return replace(page, lines=page.lines[-count:] if count else ())

    async def follow(self, run_id: int, after: int) -> AsyncIterator[LogPage]:
        """Lines as they come, until the run has ended and all are told."""
        while True:
            page = await self.logs(run_id, after, 1000)
            if page.lines:
                after = page.lines[-1].seq
            finished = page.done and after >= page.last
            if page.lines or finished:
                yield page
            if finished:
                return
            if page.lines:
                await asyncio.sleep(FOLLOW_S)
            else:
                await self._running.on_loop(lambda: self._running.logs.changed(run_id, POLL_S))

    def _live(self, run: Run) -> Run:
        if run.state in TERMINAL:
            return run
        live = self._running.supervisor.running.get(run.id)
        asked = live.asked if live is not None else None
        if asked is not None:
            run = replace(run, reason=f"asked to end: {asked[1]}")
        sink = self._running.logs.sink(run.id)
        if sink is None:
            return run
        return replace(
            run,
            log_lines=sink.last_seq,
            log_dropped=sink.dropped,
            progress=sink.progress,
            progress_text=sink.progress_text,
        )


def _page(
    run: Run, stored: list[LogLine], fresh: list[LogLine], limit: int, after: int = 0
) -> LogPage:
    known = stored[-1].seq if stored else 0
    lines = stored
    if len(stored) < limit:
        lines = [*stored, *(line for line in fresh if line.seq > known)][:limit]
    last = max(run.log_lines, fresh[-1].seq if fresh else 0, lines[-1].seq if lines else 0)
    done = run.state in TERMINAL
    if done and len(lines) < limit:
        last = lines[-1].seq if lines else after  # what is not there by now was dropped
    return LogPage(lines=tuple(lines), last=last, done=done, dropped=run.log_dropped)


def position(cursor: str | None) -> int | None:
    """The id that a page's cursor stands for: the last one of that page.

    Raises:
        InvalidError: no page has such a cursor.
    """
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise InvalidError.one("cursor", cursor, "the cursor of the page before")
    return int(cursor)
