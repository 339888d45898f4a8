"""The jobs as the console holds them: rows by id, and a sorted, filtered view of ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from schedtui.models import Changes, JobSummary
from schedtui_tui.filters import EVERYTHING, Filter
from schedtui_tui.looks import FAILURES, KINDS, job_look
from schedtui_tui.text import cells
from schedtui_tui.times import schedule_cells

_NEVER = 1 << 62


class Sort(StrEnum):
    """What the view is ordered by."""

    NAME = "name"
    NEXT = "next"
    LAST = "last"
    STATE = "state"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delta:
    """What a change did to the rows and to the view."""

    changed: frozenset[int] = frozenset()
    """Ids of rows that look different."""
    reordered: bool = False
    """Rows came, went or moved."""


def _name_key(row: JobSummary) -> tuple[Any, ...]:
    return (row.name.casefold(), row.group.casefold(), row.id)


_STATE_RANK = {"failed": 0, "running": 1, "warn": 2, "ok": 3, "muted": 4, "paused": 5}
assert set(_STATE_RANK) == set(KINDS)  # noqa: S101 - a new kind needs a place in the order

_SORT_KEYS: dict[Sort, Callable[[JobSummary], tuple[Any, ...]]] = {
    Sort.NAME: _name_key,
    Sort.NEXT: lambda row: (_NEVER if row.next_due_us is None else row.next_due_us, row.id),
    Sort.LAST: lambda row: (-(row.last_at_us or 0), row.id),
    Sort.STATE: lambda row: (_STATE_RANK[job_look(row).kind], *_name_key(row)),
}


class JobList:
    """All jobs, and the ids of those that are shown, in order."""

    def __init__(self) -> None:
        self.rows: dict[int, JobSummary] = {}
        self.view: list[int] = []
        self.sort = Sort.NAME
        self.inverted = False
        self.filter: Filter = EVERYTHING
        self.counts: Counter[str] = Counter()
        """How many jobs are ``running`` and ``paused``, and what the last run of others was:
        ``failed``, ``timed_out``, ``lost``."""
        self.groups: Counter[str] = Counter()
        """How many jobs each group has."""
        self._names: Counter[int] = Counter()
        self._schedules: Counter[int] = Counter()
        self._positions: dict[int, int] | None = None
        self._stale_order = False

    def __len__(self) -> int:
        return len(self.rows)

    def position(self, job_id: int | None) -> int | None:
        """Where a job is in the view; None when it is not shown."""
        if job_id is None:
            return None
        if self._positions is None:
            self._positions = {id_: at for at, id_ in enumerate(self.view)}
        return self._positions.get(job_id)

    def load(self, rows: Iterable[JobSummary]) -> Delta:
        """Replace everything, as after a snapshot."""
        old = self.view
        self.rows = {row.id: row for row in rows}
        self.counts = Counter()
        self.groups = Counter()
        self._names = Counter()
        self._schedules = Counter()
        for row in self.rows.values():
            self._count(row, 1)
        self.rebuild()
        return Delta(changed=frozenset(self.rows), reordered=old != self.view)

    def apply(self, changes: Changes) -> Delta:
        """Take over changes. An order by something that changes all the time waits for `resort`."""
        structural = False
        for job_id in changes.removed:
            gone = self.rows.pop(job_id, None)
            if gone is not None:
                self._count(gone, -1)
                structural = True
        for row in changes.jobs:
            before = self.rows.get(row.id)
            if before is not None:
                self._count(before, -1)
            self.rows[row.id] = row
            self._count(row, 1)
            structural = structural or self._moves(before, row)
        if structural:
            self.rebuild()
        elif changes.jobs and self.sort is not Sort.NAME:
            self._stale_order = True
        return Delta(changed=frozenset(row.id for row in changes.jobs), reordered=structural)

    def _moves(self, before: JobSummary | None, row: JobSummary) -> bool:
        """Whether a row joins or leaves the view, or changes its place by name."""
        shown = self.filter.accepts(row)
        if before is None:
            return shown
        if shown != self.filter.accepts(before):
            return True
        return shown and (before.name, before.group) != (row.name, row.group)

    def resort(self) -> bool:
        """Bring the order up to date; whether anything moved."""
        if not self._stale_order:
            return False
        old = self.view
        self.rebuild()
        return old != self.view

    def order(self, sort: Sort, *, inverted: bool) -> None:
        """Order the view by something else."""
        self.sort, self.inverted = sort, inverted
        self.rebuild()

    def narrow(self, chosen: Filter) -> None:
        """Show only what ``chosen`` accepts."""
        self.filter = chosen
        self.rebuild()

    def rebuild(self) -> None:
        """Make the view anew from the rows."""
        rows: Iterable[JobSummary] = self.rows.values()
        if self.filter.text:
            rows = filter(self.filter.accepts, rows)
        ordered = sorted(rows, key=_SORT_KEYS[self.sort], reverse=self.inverted)
        self.view = [row.id for row in ordered]
        self._positions = None
        self._stale_order = False

    @property
    def widest_group(self) -> int:
        """Cells of the longest name of a group."""
        return max((cells(group) for group, jobs in self.groups.items() if jobs), default=0)

    @property
    def widest_name(self) -> int:
        """Cells of the longest name of a job."""
        return max((width for width, jobs in self._names.items() if jobs), default=0)

    @property
    def widest_schedule(self) -> int:
        """Cells of the longest schedule, as the table shows it."""
        return max((width for width, jobs in self._schedules.items() if jobs), default=0)

    def _count(self, row: JobSummary, step: int) -> None:
        self.groups[row.group] += step
        self._names[cells(row.name)] += step
        self._schedules[schedule_cells(row.schedule)] += step
        if row.running_id is not None:
            self.counts["running"] += step
        if row.last_state in FAILURES:
            self.counts[row.last_state.value] += step
        if row.state == "paused":
            self.counts["paused"] += step
