"""The table of jobs, with live countdowns."""

from __future__ import annotations

from schedtui.models import JobSummary
from schedtui_tui import looks, times
from schedtui_tui.model import Delta, JobList
from schedtui_tui.prefs import Prefs
from schedtui_tui.text import fit
from schedtui_tui.widgets.table import Cell, Column, Piece, RowTable, draw

_LIVE = frozenset({"next", "last", "took"})
_GAPS = 7
# Cells of each column at 80 columns, and what they get where names and schedules leave room.
_NARROW = {"next": 11, "state": 11, "last": 4, "took": 5, "recent": 10}
_GROWTH = (("next", 3), ("last", 4), ("state", 4), ("next", 4))
_GROUP = 7
# Cells of name and schedule for which columns go, the first of these first, and what the others
# go for; a name or a schedule that needs more is cut.
_COMFORT = {"name": 32, "schedule": 24}
_DROPPED_FIRST = ("took", "last")
_NAMES_MIN = 22
_DROPPED_LAST = ("recent", "group")
_WISH = 40
_KEPT = 1_000  # rows that are kept as they were drawn


class JobTable(RowTable):
    """All jobs that the filter lets through."""

    def __init__(self, jobs: JobList, prefs: Prefs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.jobs = jobs
        self.prefs = prefs
        self.now_us = times.machine_now_us()
        self._held = False
        self._needs: dict[str, int] = {}
        self._painted: dict[int, tuple[str, ...]] = {}
        self._kept: dict[int, tuple[JobSummary, tuple[Column, ...], list[list[Piece] | None]]] = {}

    def position(self, row_id: int | None) -> int | None:
        """Where a job is in the view."""
        return self.jobs.position(row_id)

    # --- changes

    def hold(self, held: bool) -> None:
        """Say whether the whole engine is paused: then what is due is not late, but held."""
        if held != self._held:
            self._held = held
            self.refresh()

    def take(self, delta: Delta, now_us: int) -> None:
        """Show what changed."""
        self.now_us = now_us
        if self._needs != self._measure():
            self.forget_columns()
        if delta.reordered:
            self.marks &= self.jobs.rows.keys()
            self._painted.clear()
            self.show(self.jobs.view)
            return
        for position in self.on_screen():
            if self.ids[position] in delta.changed:
                self.refresh_row(position)

    def tick(self, now_us: int) -> None:
        """A second has passed: paint the cells whose times read differently now."""
        self.now_us = now_us
        live = [
            (number, column) for number, column in enumerate(self.columns) if column.id in _LIVE
        ]
        painted = {}
        stale: list[tuple[int, int]] = []
        for position in self.on_screen():
            row = self.jobs.rows.get(self.ids[position])
            if row is None:
                continue  # removed; the table is told in a moment
            texts = tuple(self._cell(row, column).text for _, column in live)
            before = self._painted.get(row.id, ())
            painted[row.id] = texts
            if len(before) != len(texts):
                self.refresh_row(position)
                continue
            stale += [
                (position, number)
                for (number, _), old, new in zip(live, before, texts, strict=True)
                if old != new
            ]
        self.refresh_cells(stale)
        self._painted = painted
        if len(self._kept) > _KEPT:
            self._kept.clear()

    # --- drawing

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """What the longest name and schedule need; where it is narrow, the least telling go."""
        needs = self._needs = self._measure()
        sizes = dict(_NARROW)
        sizes["group"] = max(min(needs["group"], _GROUP), 5)
        left = width - _GAPS - sum(sizes.values())
        comfort = sum(min(needs[name], cells) for name, cells in _COMFORT.items())
        for names, least in (
            (_DROPPED_FIRST, comfort),
            (_DROPPED_LAST, min(comfort, _NAMES_MIN)),
        ):
            for name in names:
                if left < least:
                    left += sizes.pop(name) + 1
        wish = min(needs["name"], _WISH) + min(needs["schedule"], _WISH)
        group = min(needs["group"] - _GROUP, left - wish)
        for name, more in (("group", max(group, 0)), *_GROWTH):
            if left - more >= wish and name in sizes:
                sizes[name] += more
                left -= more
        sizes["schedule"] = _share(needs["schedule"], needs["name"], left)
        sizes["name"] = max(left - sizes["schedule"], 0)
        return tuple(
            Column(name, self._label(name), sizes[name], right=name == "took")
            for name in ("name", "group", "schedule", "next", "state", "last", "took", "recent")
            if name in sizes
        )

    def _measure(self) -> dict[str, int]:
        """Cells that nothing is cut in, the headers included."""
        jobs = self.jobs
        return {
            "name": max(jobs.widest_name, len("JOB ↑")),
            "group": jobs.widest_group,
            "schedule": max(jobs.widest_schedule, len("SCHEDULE")),
        }

    def _label(self, name: str) -> str:
        arrow = "↓" if self.jobs.inverted else "↑"
        label = {"name": "JOB", "took": "TOOK", "recent": "LAST 10"}.get(name, name.upper())
        return f"{label} {arrow}" if self.jobs.sort == name and name != "last" else label

    def cells(self, row_id: int, columns: tuple[Column, ...]) -> list[Cell]:
        """A job's cells."""
        row = self.jobs.rows.get(row_id)
        if row is None:
            return [Cell("") for _ in columns]
        return [self._cell(row, column) for column in columns]

    def pieces(self, row_id: int, columns: tuple[Column, ...]) -> list[Piece]:
        """A job as it is drawn; each second anew, so what does not tell the time is kept."""
        row = self.jobs.rows.get(row_id)
        if row is None:
            return super().pieces(row_id, columns)
        kept = self._kept.get(row_id)
        if kept is None or kept[0] is not row or kept[1] is not columns:
            still = [
                None if column.id in _LIVE else draw(column, self._cell(row, column))
                for column in columns
            ]
            kept = self._kept[row_id] = row, columns, still
        pieces = []
        for column, known in zip(columns, kept[2], strict=True):
            pieces += draw(column, self._cell(row, column)) if known is None else known
        return pieces

    def _cell(self, row: JobSummary, column: Column) -> Cell:
        match column.id:
            case "name":
                return Cell(row.name)
            case "group":
                return Cell(row.group, "muted")
            case "schedule":
                text = times.schedule(row.schedule, self.now_us, row.timezone, width=column.width)
                return Cell(text)
            case "next":
                return self._next(row, column.width)
            case "state":
                return _state(row, column.width)
            case "last":
                return Cell(self._last(row, column.width), "muted")
            case "took":
                return Cell(self._took(row), "running" if row.running_since_us else "muted")
            case _:
                return _recent(row, column.width)

    def _next(self, row: JobSummary, width: int) -> Cell:
        if self._held and row.next_due_us is not None and row.next_due_us <= self.now_us:
            return Cell("held", "paused")
        text = times.next_due(
            row.next_due_us,
            self.now_us,
            row.timezone,
            width=width,
            mode=self.prefs.zone,
            absolute=self.prefs.absolute,
        )
        return Cell(text, "warn" if text.startswith("late") else "")

    def _last(self, row: JobSummary, width: int) -> str:
        if row.last_at_us is None:
            return times.NONE
        if self.prefs.absolute and width >= 8:
            return times.clock(row.last_at_us, row.timezone, self.prefs.zone)
        seconds = (self.now_us - row.last_at_us) / times.SECOND_US
        return times.ago(row.last_at_us, self.now_us) if width >= 8 else times.short(seconds)

    def _took(self, row: JobSummary) -> str:
        """Of the run that runs now in whole seconds, else of the last one."""
        if row.running_since_us is not None:
            return times.short_span(self.now_us - row.running_since_us)
        return times.duration(row.last_duration_us)


def _share(wanted: int, beside: int, room: int) -> int:
    """Cells of the schedule where the name needs ``beside``: the rest, or its part of too few."""
    if wanted + beside <= room:
        return room - beside
    return min(wanted, max(room * 2 // 5, room - beside))


def _state(row: JobSummary, width: int) -> Cell:
    look = looks.job_look(row)
    percent = ""
    if row.running_id is not None and row.progress is not None and width >= 14:
        percent = f" {looks.fraction(row.progress):.0%}"
    return Cell(f"{look.glyph} {look.word}{percent}", look.kind)


def _recent(row: JobSummary, width: int) -> Cell:
    drawn = looks.bars(row)
    if not drawn:
        return Cell(fit(times.NONE, width), "muted")
    return Cell("", parts=tuple(drawn))
