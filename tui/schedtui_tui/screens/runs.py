"""One job: its details and its run history."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container

from schedtui.models import TERMINAL, Figures, JobSummary, RunChange, RunFilter
from schedtui_tui.connection import Connection
from schedtui_tui.keys import bindings
from schedtui_tui.link import explain
from schedtui_tui.model import Delta
from schedtui_tui.screens.commands import JobCommands
from schedtui_tui.screens.dead_letters import Which
from schedtui_tui.screens.loading import load_detail, load_figures
from schedtui_tui.screens.run_commands import Chosen, RunCommands
from schedtui_tui.text import cut
from schedtui_tui.widgets.detail import Detail, DetailPane
from schedtui_tui.widgets.key_bar import KeyBar
from schedtui_tui.widgets.run_table import RunTable
from schedtui_tui.widgets.said import Said
from schedtui_tui.widgets.status_bar import StatusBar
from schedtui_tui.widgets.table import RowMoved, RowOpened

_PAGE = 100
_REFRESH_S = 0.5
_FIGURES_US = 10_000_000  # between two looks at the numbers of a day


class JobScreen(JobCommands, RunCommands):
    """A job's history, and everything about the job."""

    SCOPES: ClassVar[tuple[str, ...]] = ("job", "table", "app")
    BINDINGS = bindings("job")
    AUTO_FOCUS = "RunTable"

    def __init__(self, row: JobSummary) -> None:
        super().__init__()
        self._row = row
        self._gone = False
        self._cursor: str | None = None
        self._stale = False
        self._detail_known = Detail(summary=row)
        self._figures: Figures | None = None
        self._figures_at_us = 0

    def compose(self) -> ComposeResult:
        """The views."""
        console = self.console
        yield self.status_bar()
        yield Said(id="crumbs")
        with Container(id="body"):
            yield RunTable(console.prefs)
            yield DetailPane(console.prefs)
        yield KeyBar(self.SCOPES, read_only=console.read_only)

    def on_mount(self) -> None:
        """Read, and listen."""
        console = self.console
        self._table = self.query_one(RunTable)
        self._table.timezone = self._row.timezone
        self._table.now_us = console.clock.now_us()
        self._table.empty_text = "Reading the history …"
        self._status = self.query_one(StatusBar)
        self._crumbs()
        self._connection(console.connection)
        console.jobs_changed.subscribe(self, self._take)
        console.runs_changed.subscribe(self, self._moved_runs)
        console.connection_changed.subscribe(self, self._connection)
        self.call_after_refresh(self._show_detail)
        self._load()
        self._load_detail()
        self.ready = True

    # --- what comes

    def _take(self, delta: Delta) -> None:
        row = self.console.jobs.rows.get(self._row.id)
        if row is not None and self._row.id in delta.changed:
            self._row = row
            self._later()
        elif self._gone == (row is None):
            return
        self._gone = row is None
        self._crumbs()
        self._show_detail()

    def _moved_runs(self, runs: tuple[RunChange, ...]) -> None:
        if any(run.job_id == self._row.id for run in runs):
            self._later()

    def _connection(self, connection: Connection) -> None:
        was = self._status.connection.live
        self._status.tell(connection, self.console.clock.now_us())
        if connection.live and not was:
            self._later()

    def tick(self, now_us: int) -> None:
        """A second has passed."""
        self._table.tick(now_us)
        self._status.tell(self.console.connection, now_us)

    def _later(self) -> None:
        """Read the newest page again, but not for every change of many."""
        if not self._stale:
            self._stale = True
            self.set_timer(_REFRESH_S, self._again)

    def _again(self) -> None:
        self._stale = False
        self._load()
        self._load_detail()

    def _crumbs(self) -> None:
        state = " (deleted; its history stays)" if self._gone else ""
        name = cut(self._row.full_name, max(self.size.width - 40, 20))
        self.query_one("#crumbs", Said).say(
            [(" jobs > ", "dim"), (name, "bold"), (state, "$text-warning")]
        )

    # --- reading

    @work(exclusive=True, group="runs", exit_on_error=False)
    async def _load(self) -> None:
        client = self.console.link.client
        if client is None or not self.console.connection.live:
            return
        try:
            page = await client.runs(RunFilter(job_id=self._row.id), limit=_PAGE)
        except Exception as error:  # noqa: BLE001 - shown, whatever it is
            self._table.empty_text = cut(f"The history cannot be read: {explain(error)}", 200)
            return
        if self._cursor is None:
            self._cursor = page.cursor
        elif page.cursor and all(run.id not in self._table.runs for run in page.items):
            # More came than a page holds: what lies between would never be read.
            self._table.runs.clear()
            self._cursor = page.cursor
        self._table.empty_text = "No runs yet"
        self._table.take(page.items)

    @work(exclusive=True, group="older", exit_on_error=False)
    async def _load_older(self, cursor: str) -> None:
        client = self.console.link.client
        if client is None or not self.console.connection.live:
            return
        try:
            page = await client.runs(RunFilter(job_id=self._row.id), limit=_PAGE, cursor=cursor)
        except Exception as error:  # noqa: BLE001 - shown, whatever it is
            self.toast(f"Older runs cannot be read: {explain(error)}", severity="error")
            return
        if self._cursor == cursor:
            self._cursor = page.cursor or ""
            self._table.take(page.items)

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def _load_detail(self) -> None:
        client = self.console.link.client
        if client is None or not self.console.connection.live or self._gone:
            return
        self._detail_known = await load_detail(client, self._row)
        self._show_detail()
        now_us = self.console.clock.now_us()
        if now_us - self._figures_at_us >= _FIGURES_US:
            self._figures_at_us = now_us
            self._figures = await load_figures(client, self._row)
            self._show_detail()

    def _show_detail(self) -> None:
        known = self._detail_known
        self.query_one(DetailPane).tell(
            Detail(
                summary=self._row,
                job=known.job,
                preview=known.preview,
                run=known.run,
                tail=known.tail,
                figures=self._figures,
                problem=known.problem,
            )
        )

    @on(RowMoved)
    def _moved(self, event: RowMoved) -> None:
        event.stop()
        if self._cursor and self._table.ids and event.row_id == self._table.ids[-1]:
            self._load_older(self._cursor)

    # --- actions

    def targets(self) -> list[JobSummary]:
        """The job."""
        return [] if self._gone else [self._row]

    def run_to_cancel(self) -> Chosen | None:
        """The run under the cursor where it has not ended, else the one that runs."""
        run_id = self._table.cursor_id
        if run_id is None or self._table.runs[run_id].state in TERMINAL:
            run_id = self._row.running_id
        if run_id is None:
            self.toast("No run is chosen that has not ended", severity="warning")
            return None
        return Chosen(run_id, self._row.full_name)

    def run_to_repeat(self) -> Chosen | None:
        """The run under the cursor."""
        run_id = self._table.cursor_id
        return None if run_id is None else Chosen(run_id, self._row.full_name)

    def letters(self) -> tuple[Which, str] | None:
        """Those of the job."""
        return RunFilter(job_id=self._row.id), self._row.full_name

    @on(RowOpened)
    def action_open(self) -> None:
        """The run under the cursor."""
        run_id = self._table.cursor_id
        if run_id is not None:
            self.console.open_run(run_id, self._row.timezone)

    def action_log(self) -> None:
        """The log of the newest run."""
        self.console.open_log(self._row)

    def action_zone(self) -> None:
        """Another zone for clock times."""
        self.toast(f"Times in {self.console.prefs.next_zone()}")
        self._table.refresh()
        self._show_detail()

    def action_absolute(self) -> None:
        """Clock times or ages."""
        self.console.prefs.absolute = not self.console.prefs.absolute
        self._table.forget_columns()

    def action_back(self) -> None:
        """To the jobs."""
        self.dismiss()
