"""Measuring an engine in this process, and its runs."""

from __future__ import annotations

import importlib

from schedtui.engine import Engine
from schedtui.engine.metrics import measure
from schedtui.errors import InvalidError
from schedtui.models import RunFilter, Statistics, Stats, StatsBy
from schedtui.models.metrics import Metrics

MAX_RUNS = 1_000
"""The most runs that statistics are of; the same behind HTTP."""


class LocalMeasures:
    """`schedtui.protocols.measures.Measures` on an `Engine`; a part of `LocalClient`."""

    _engine: Engine
    _actor: str

    async def metrics(self) -> str:
        """The engine in numbers."""

        async def ask() -> Metrics:
            return await measure(self._engine.running)

        # Imported when it is asked for first: most engines are never scraped.
        prometheus = importlib.import_module("schedtui.client.prometheus")
        text: str = prometheus.exposition(await self._engine.on_loop(ask))
        return text

    async def statistics(self, job: str, *, limit: int = 500) -> Statistics:
        """How long the runs of a job took."""
        if not 1 <= limit <= MAX_RUNS:
            raise InvalidError.one("limit", limit, f"a whole number from 1 to {MAX_RUNS}")
        return await self._engine.reads.statistics(job, limit)

    async def stats(self, where: RunFilter | None = None, *, by: StatsBy = StatsBy.JOB) -> Stats:
        """Counts and times of the runs of a while."""
        return await self._engine.reads.stats(where or RunFilter(), by)

    async def clear_statistics(self, job: str, *, expect_id: int | None = None) -> None:
        """Begin a job's statistics anew."""
        await self._engine.clear_statistics(job, expect_id=expect_id, actor=self._actor)
