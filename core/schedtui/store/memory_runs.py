"""The runs that fit, in the store in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice

from schedtui.models import Run, RunFilter
from schedtui.models.stats import Figures, StatsBy
from schedtui.protocols import Finish
from schedtui.store import rows
from schedtui.store.memory_data import Data
from schedtui.store.memory_filter import group_of, run_filter
from schedtui.store.memory_stats import run_figures


class RunReads:
    """The part of the store that lists and counts them."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Data]:
        """What is in it, while nobody writes."""

    def runs(
        self,
        where: RunFilter,
        *,
        limit: int,
        before: int | None,
        among: Collection[int] | None = None,
    ) -> list[Run]:
        """Runs with an id below ``before``, newest first."""
        with self._reading() as data:
            fits = run_filter(where, data)
            newest = _of_jobs(data, among)[::-1]
            ids = (i for i in newest if (before is None or i < before) and fits(data.runs[i]))
            return [whole_run(data, run_id) for run_id in islice(ids, rows.bounded(max(limit, 0)))]

    def dead_letters(
        self,
        where: RunFilter,
        *,
        limit: int,
        after: int = 0,
        groups: Collection[str] | None = None,
        among: Collection[int] | None = None,
    ) -> tuple[int, list[Run]]:
        """How many dead letters fit, and the oldest of them."""
        with self._reading() as data:
            fits = run_filter(replace(where, dead=True), data)
            later = [run_id for run_id in _of_jobs(data, among) if run_id > after]
            if groups is not None:
                seen = frozenset(groups)
                later = [run_id for run_id in later if group_of(data.runs[run_id], data) in seen]
            ids = [run_id for run_id in later if fits(data.runs[run_id])]
            page = ids[: rows.bounded(max(limit, 0))]
            return len(ids), [whole_run(data, run_id) for run_id in page]

    def run_figures(
        self, where: RunFilter, by: StatsBy, *, among: Collection[int] | None = None
    ) -> tuple[bool, list[Figures]]:
        """The runs that fit in numbers, by name, and whether they are all there are."""
        with self._reading() as data:
            fits = run_filter(where, data, alone=True)
            newest = (data.runs[run_id] for run_id in reversed(_of_jobs(data, among)))
            return run_figures(data, filter(fits, newest), by)

    def run(self, run_id: int) -> Run | None:
        """A run."""
        with self._reading() as data:
            return whole_run(data, run_id) if run_id in data.runs else None


def _of_jobs(data: Data, among: Collection[int] | None) -> list[int]:
    """The ids of the runs of some jobs, or of all runs, oldest first."""
    jobs = None if among is None else frozenset(among)
    return sorted(i for i, run in data.runs.items() if jobs is None or run.job_id in jobs)


def whole_run(data: Data, run_id: int) -> Run:
    """A run, with what its end added."""
    end = data.ends.get(run_id)
    extra = _NO_END if end is None else end[_FIRST_OF_END:]
    row = (*data.runs[run_id], *extra, data.handled.get(run_id))
    return rows.run_of(row, data.name_of(run_id))


_FIRST_OF_END = Finish._fields.index("error_type")
_NO_END = (None, None, None, None, False, 0, 0, None, None, None, None)
