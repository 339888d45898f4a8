"""What an engine says of itself to a token of some groups, as its stream of changes goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from schedtui.models import Changes, EngineInfo, JobState, JobSummary

ELSEWHERE = "something needs attention; who may see all groups is told what"


class _Of(NamedTuple):
    """What a job adds to the numbers of its engine."""

    paused: int
    running: int
    queued: int


class Tally:
    """How many jobs of some groups there are, and their runs; kept up from frames.

    Args:
        rows: The jobs.
    """

    def __init__(self, rows: Iterable[JobSummary] = ()) -> None:
        self._of: dict[int, _Of] = {}
        self._paused = self._running = self._queued = 0
        for row in rows:
            self._put(row)

    def follow(self, frame: Changes) -> None:
        """Count what a frame of these groups says, which is newer than all before."""
        for row in frame.jobs:
            self._put(row)
        for job_id in frame.removed:
            self._drop(job_id)

    def told(self, engine: EngineInfo) -> EngineInfo:
        """What an engine says of itself to those who see these jobs alone.

        Its problems name jobs, functions and places of whichever group, so that only their being
        there is told.
        """
        return replace(
            engine,
            problems=(ELSEWHERE,) if engine.problems else (),
            jobs=len(self._of),
            jobs_paused=self._paused,
            runs_active=self._running,
            runs_queued=self._queued,
            given_up={},
            store="",
        )

    def _put(self, row: JobSummary) -> None:
        self._drop(row.id)
        running = row.running_id is not None
        self._of[row.id] = _Of(row.state is JobState.PAUSED, running, row.active - running)
        self._add(self._of[row.id], 1)

    def _drop(self, job_id: int) -> None:
        gone = self._of.pop(job_id, None)
        if gone is not None:
            self._add(gone, -1)

    def _add(self, one: _Of, sign: int) -> None:
        self._paused += sign * one.paused
        self._running += sign * one.running
        self._queued += sign * one.queued
