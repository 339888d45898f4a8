"""The list of all jobs; where the console starts and where quitting begins."""

from __future__ import annotations

import time
from typing import ClassVar, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container

from schedtui.models import JobSummary
from schedtui_tui.connection import Connection
from schedtui_tui.filters import Filter
from schedtui_tui.keys import bindings
from schedtui_tui.model import Delta, Sort
from schedtui_tui.screens.commands import JobCommands
from schedtui_tui.screens.engine_commands import EngineCommands
from schedtui_tui.screens.loading import load_detail
from schedtui_tui.screens.run_commands import Chosen, RunCommands
from schedtui_tui.text import cut
from schedtui_tui.widgets.detail import Detail, DetailPane
from schedtui_tui.widgets.filter_bar import FilterBar
from schedtui_tui.widgets.job_table import JobTable
from schedtui_tui.widgets.key_bar import KeyBar
from schedtui_tui.widgets.pieces import Pieces
from schedtui_tui.widgets.status_bar import StatusBar
from schedtui_tui.widgets.table import RowOpened

_DETAIL_AFTER_S = 0.15
_DETAIL_AGAIN_S = 0.5
_AWAIT_S = 2.0  # for the row of a new job; without one by then, the keys are for what is there


class _Awaited(NamedTuple):
    """A job that was just created, and is not in the table yet."""

    id: int
    name: str
    """``group/name``."""


class JobsScreen(JobCommands, RunCommands, EngineCommands):
    """Status, filter, table, details, keys."""

    SCOPES: ClassVar[tuple[str, ...]] = ("jobs", "table", "app")
    BINDINGS = bindings("jobs")
    AUTO_FOCUS = "JobTable"

    def compose(self) -> ComposeResult:
        """The views."""
        console = self.console
        yield self.status_bar()
        yield FilterBar(self._filtered)
        with Container(id="body"):
            yield JobTable(console.jobs, console.prefs)
            yield DetailPane(console.prefs)
        yield KeyBar(self.SCOPES, read_only=console.read_only)

    def on_mount(self) -> None:
        """Listen to the app."""
        console = self.console
        self._table = self.query_one(JobTable)
        self._detail = self.query_one(DetailPane)
        self._status = self.query_one(StatusBar)
        self._detail_timer = self.set_timer(_DETAIL_AFTER_S, self._load_detail, pause=True)
        self._awaited: _Awaited | None = None
        self._await_timer = self.set_timer(_AWAIT_S, self._await_no_more, pause=True)
        self._taking = False
        console.jobs_changed.subscribe(self, self._take)
        console.connection_changed.subscribe(self, self._connection)
        # not by `RowMoved`, which comes later: the row and its details are one paint
        self.watch(self._table, "cursor_id", self._moved, init=False)
        self._connection(console.connection)
        self._crumbs()
        self.ready = True

    # --- what comes

    def _take(self, delta: Delta) -> None:
        table = self._table
        place = table.cursor_place
        if delta.reordered:
            table.forget_columns()
        self._taking = True
        table.take(delta, self.console.clock.now_us())
        if place[0] is not None and table.cursor_place != place:
            self.moved_at = time.monotonic()
        self._look_for_awaited()
        self._taking = False
        self._words()
        self._crumbs()
        self._status.refresh()
        if table.cursor_id in delta.changed:
            self._show_summary()
            self._later(_DETAIL_AGAIN_S)

    def _connection(self, connection: Connection) -> None:
        self._status.tell(connection, self.console.clock.now_us())
        self._table.hold(connection.engine is not None and connection.engine.paused)
        self._words()

    def tick(self, now_us: int) -> None:
        """A second has passed."""
        if self.console.jobs.resort():
            self._take(Delta(reordered=True))
        self._table.tick(now_us)
        self._status.tell(self.console.connection, now_us)

    def _words(self) -> None:
        """What an empty table says."""
        console = self.console
        if starting := self.starting_text():
            text = starting
        elif console.jobs.filter.text:
            text = f"No job matches {cut(console.jobs.filter.text, 40)}; Esc clears the filter"
        elif console.connection.engine is None:
            text = cut(f"Not connected: {console.connection.reason}", 300)
        else:
            text = "No jobs yet" if console.read_only else "No jobs yet; n creates one"
        self._table.empty_text = text

    def _crumbs(self) -> None:
        jobs, table, prefs = self.console.jobs, self._table, self.console.prefs
        arrow = "↓" if jobs.inverted else "↑"
        pieces: Pieces = [(" jobs", "bold"), (f"   sort: {jobs.sort} {arrow}", "dim")]
        pieces.append((f"   times: {prefs.zone}", "dim"))
        if table.marks:
            pieces.append((f"   {len(table.marks)} marked", "$text-warning"))
        if jobs.filter.text:
            shown = f"   {len(jobs.view):,} of {len(jobs):,} match "
            pieces += [(shown, ""), (cut(jobs.filter.text, 40), "bold $text-accent")]
        self.query_one(FilterBar).tell(pieces)

    # --- the details beside the table

    def _moved(self) -> None:
        if not self._taking:
            self._await_no_more()  # a person chose another row
        self._show_summary()
        self._later(_DETAIL_AFTER_S)

    def _show_summary(self) -> None:
        row = self.current()
        self._detail.tell(None if row is None else self._known(row))

    _last_detail: Detail | None = None

    def _known(self, row: JobSummary) -> Detail:
        """The new summary with what was last read of the same job."""
        last = self._last_detail
        if last is None or last.summary.id != row.id:
            return Detail(summary=row)
        return Detail(summary=row, job=last.job, preview=last.preview, run=last.run, tail=last.tail)

    def _later(self, seconds: float) -> None:
        if self._detail.display and self.current() is not None:
            self._detail_timer.stop()
            self._detail_timer = self.set_timer(seconds, self._load_detail)

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def _load_detail(self) -> None:
        row, client = self.current(), self.console.link.client
        if row is None or client is None or not self.console.connection.live:
            return
        detail = await load_detail(client, row)
        if self._table.cursor_id == row.id:
            self._last_detail = detail
            self._detail.tell(detail)

    # --- the filter

    def _filtered(self, chosen: Filter) -> None:
        self.console.jobs.narrow(chosen)
        self._take(Delta(reordered=True))
        self.moved_at = float("-inf")

    # --- actions

    def current(self) -> JobSummary | None:
        """The job under the cursor."""
        cursor = self._table.cursor_id
        return None if cursor is None else self.console.jobs.rows.get(cursor)

    def targets(self) -> list[JobSummary]:
        """The marked jobs, else the one under the cursor."""
        rows = self.console.jobs.rows
        marked = [rows[id_] for id_ in self.console.jobs.view if id_ in self._table.marks]
        current = self.current()
        return marked or ([current] if current is not None else [])

    def acted(self) -> None:
        """The marks have served."""
        self.action_unmark()

    def run_to_cancel(self) -> Chosen | None:
        """The run of the job under the cursor that runs now."""
        row = self.current()
        if row is None or self.awaits() or self.just_moved("end a run"):
            return None
        if row.running_id is None:
            more = "; ⏎ shows those that wait" if row.active else ""
            self.toast(f"No run of {row.full_name} runs now{more}", severity="warning")
            return None
        return Chosen(row.running_id, row.full_name)

    # --- a job that was just created

    def await_job(self, job_id: int, name: str) -> None:
        """Put the cursor on a job as soon as it is there; until then no key acts on another one.

        Args:
            job_id: Of the job.
            name: Its ``group/name``.
        """
        self._awaited = _Awaited(job_id, name)
        self._await_timer.stop()
        self._await_timer = self.set_timer(_AWAIT_S, self._await_no_more)
        self._look_for_awaited()

    def _look_for_awaited(self) -> None:
        """Go to the new job where the table has it by now; say so where the filter hides it."""
        awaited, jobs = self._awaited, self.console.jobs
        if awaited is None:
            return
        row = jobs.rows.get(awaited.id)
        if self._table.select(awaited.id):
            self._await_no_more()
        elif row is not None and not jobs.filter.accepts(row):
            self._await_no_more()
            self.toast(f"{awaited.name} is hidden by the filter", severity="warning")

    def _await_no_more(self) -> None:
        self._awaited = None

    def awaits(self) -> bool:
        """Whether the cursor is about to go to a new job; says so, and that nothing was done."""
        if self._awaited is None:
            return False
        self.toast(f"Wait for {self._awaited.name}: nothing was done", severity="warning")
        return True

    # --- opening, filtering, marking, ordering

    @on(RowOpened)
    def action_open(self) -> None:
        """The details and the history of the job."""
        row = self.current()
        if row is not None and not self.awaits():
            from schedtui_tui.screens.runs import JobScreen

            self.app.push_screen(JobScreen(row))

    action_history = action_open

    def action_log(self) -> None:
        """The log of the newest run."""
        row = self.current()
        if row is not None and not self.awaits():
            self.console.open_log(row)

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open(self._table)

    def action_leave_filter(self) -> None:
        """Clear the marks, then the filter."""
        if self._table.marks:
            self.action_unmark()
        elif self.console.jobs.filter.text:
            self.query_one(FilterBar).clear()

    def action_mark(self) -> None:
        """Mark the job or not, and go on to the next one."""
        cursor = self._table.cursor_id
        if cursor is not None and not self.awaits():
            self._table.marks ^= {cursor}
            self._table.action_cursor_down()
            self._table.refresh()
            self._crumbs()

    def action_unmark(self) -> None:
        """No marks."""
        self._table.marks.clear()
        self._table.refresh()
        self._crumbs()

    def action_sort(self) -> None:
        """Order by the next thing."""
        jobs = self.console.jobs
        sorts = list(Sort)
        self._order(sorts[(sorts.index(jobs.sort) + 1) % len(sorts)], inverted=jobs.inverted)

    def action_invert(self) -> None:
        """Turn the order round."""
        self._order(self.console.jobs.sort, inverted=not self.console.jobs.inverted)

    def _order(self, sort: Sort, *, inverted: bool) -> None:
        self.console.jobs.order(sort, inverted=inverted)
        self._take(Delta(reordered=True))
        self.moved_at = float("-inf")

    def action_zone(self) -> None:
        """Another zone for clock times."""
        self.console.prefs.next_zone()
        self._table.refresh()
        self._show_summary()
        self._crumbs()

    def action_absolute(self) -> None:
        """Clock times or countdowns."""
        self.console.prefs.absolute = not self.console.prefs.absolute
        self._table.refresh()

    def action_create(self) -> None:
        """Create a job; without a connection too, or what is typed next would be commands."""
        from schedtui_tui.screens.functions import FunctionsScreen

        self.app.push_screen(FunctionsScreen())

    def action_quit(self) -> None:
        """Leave the console."""
        self.console.action_leave()
