"""The run history of a job, newest first."""

from __future__ import annotations

from datetime import datetime

from schedtui.clock import to_us
from schedtui.models import Run, RunState, Source, WaitReason
from schedtui_tui import times
from schedtui_tui.looks import RUN_LOOKS, fraction
from schedtui_tui.prefs import Prefs
from schedtui_tui.widgets.table import Cell, Column, RowTable

_SIZES = {"id": 8, "when": 11, "source": 8, "state": 11, "took": 5}
_WHEN_FULL = 24


class RunTable(RowTable):
    """Runs, by id."""

    def __init__(self, prefs: Prefs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.prefs = prefs
        self.runs: dict[int, Run] = {}
        self.timezone = "UTC"
        self.now_us = times.machine_now_us()

    def take(self, runs: tuple[Run, ...]) -> None:
        """Add runs, or replace those that are known already."""
        self.runs.update((run.id, run) for run in runs)
        self.show(sorted(self.runs, reverse=True))

    def tick(self, now_us: int) -> None:
        """A second has passed: paint what runs now, and the ages."""
        self.now_us = now_us
        for position in self.on_screen():
            run = self.runs[self.ids[position]]
            young = now_us - to_us(_when(run)) < 60 * times.SECOND_US
            if run.state is RunState.RUNNING or (young and not self.prefs.absolute):
                self.refresh_row(position)

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """The reason gets what is left."""
        sizes = dict(_SIZES)
        if self.prefs.absolute or width >= 100:
            sizes["when"] = _WHEN_FULL
        labels = {"id": "RUN", "took": "TOOK"}
        columns = [
            Column(name, labels.get(name, name.upper()), size, right=name in {"id", "took"})
            for name, size in sizes.items()
        ]
        left = width - sum(sizes.values()) - len(columns)
        return (*columns, Column("reason", "REASON OR ERROR", max(left, 0)))

    def cells(self, row_id: int, columns: tuple[Column, ...]) -> list[Cell]:
        """A run's cells."""
        run = self.runs[row_id]
        look = RUN_LOOKS[run.state]
        by_name = {
            "id": Cell(str(run.id), "muted"),
            "when": Cell(self._when(run, columns[1].width)),
            "source": Cell(run.source.value, "muted"),
            "state": Cell(f"{look.glyph} {look.word}", look.kind),
            "took": Cell(self._took(run)),
            "reason": Cell(reason(run), "failed" if run.error_type else "muted"),
        }
        return [by_name[column.id] for column in columns]

    def _when(self, run: Run, width: int) -> str:
        us = to_us(_when(run))
        age = times.ago(us, self.now_us)
        if width < _WHEN_FULL:
            return age
        return times.full(us, self.timezone, self.prefs.zone)

    def _took(self, run: Run) -> str:
        if run.started_at is None:
            return times.NONE
        started = to_us(run.started_at)
        if run.finished_at is None:
            return times.short_span(self.now_us - started)
        return times.duration(to_us(run.finished_at) - started)


def _when(run: Run) -> datetime:
    return run.started_at or run.scheduled_for or run.claimed_at


_WAITS = {
    WaitReason.SLOT: "waits for a slot",
    WaitReason.POOL: "waits for a place in its pool or group",
    WaitReason.OVERLAP: "waits for an earlier run to end",
    WaitReason.RETRY: "waits for its next attempt",
    WaitReason.JITTER: "waits: its due time is spread",
}


def reason(run: Run) -> str:
    """Why a run is as it is, in one line."""
    if run.range_count is not None and run.range_count > 1:
        return f"{run.range_count:,} due times: {run.reason}"
    if run.error_type:
        first, _, _ = (run.error or "").partition("\n")
        return f"{run.error_type.rpartition('.')[2]}: {first}"
    if run.reason:
        return run.reason
    if run.wait_reason is not None and run.state is RunState.QUEUED:
        return _WAITS[run.wait_reason]
    if run.progress is not None and run.state is RunState.RUNNING:
        return f"{fraction(run.progress):.0%} {run.progress_text}"
    if run.source is Source.CHAIN:
        return run.actor
    return run.actor and f"by {run.actor}"
