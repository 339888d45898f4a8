"""The stream of changes as a token of some groups sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schedtui.models import EngineInfo, JobState, JobSummary

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
