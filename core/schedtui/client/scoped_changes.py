"""The stream of changes as a token of some groups sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from schedtui.models import Changes, EngineInfo, JobState, JobSummary, RunChange, Snapshot

ELSEWHERE = "something needs attention; who may see all groups is told what"


def engine_for(engine: EngineInfo, jobs: Iterable[JobSummary]) -> EngineInfo:
    """What an engine says of itself to those who see ``jobs`` alone.

    Its problems name jobs, functions and places of whichever group, so that only their being there
    is told.
    """
    rows = list(jobs)
    running = sum(row.running_id is not None for row in rows)
    return replace(
        engine,
        problems=(ELSEWHERE,) if engine.problems else (),
        jobs=len(rows),
        jobs_paused=sum(row.state is JobState.PAUSED for row in rows),
        runs_active=running,
        runs_queued=sum(row.active for row in rows) - running,
        given_up={},
        store="",
    )


class ScopedChanges:
    """Takes out of each frame what is of other groups.

    Args:
        start: All jobs, at or after the place where the stream begins.
        groups: Those whose changes are told.
        sees_run: Whether a run whose job is not known, or that has none, is of one of them.
    """

    def __init__(
        self,
        start: Snapshot,
        groups: frozenset[str],
        sees_run: Callable[[int], Awaitable[bool]],
    ) -> None:
        self._groups = groups
        self._sees_run = sees_run
        self._own = {row.id: row for row in start.jobs if row.group in groups}
        self._others = {row.id for row in start.jobs if row.group not in groups}

    async def of(self, frame: Changes) -> Changes:
        """What is to be seen of a frame."""
        for row in frame.jobs:
            if row.group in self._groups:
                self._own[row.id] = row
            else:
                self._others.add(row.id)
        jobs = tuple(row for row in frame.jobs if row.group in self._groups)
        runs = tuple([run for run in frame.runs if await self._sees(run)])
        removed = tuple(id_ for id_ in frame.removed if id_ not in self._others)
        for id_ in frame.removed:
            self._own.pop(id_, None)
        engine = None if frame.engine is None else engine_for(frame.engine, self._own.values())
        return Changes(cursor=frame.cursor, jobs=jobs, removed=removed, runs=runs, engine=engine)

    async def _sees(self, run: RunChange) -> bool:
        if run.job_id in self._own:
            return True
        if run.job_id in self._others:
            return False
        return await self._sees_run(run.id)
