"""One run: what became of it, and its log."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll

from schedtui.errors import JobNotFoundError, RunNotFoundError
from schedtui.models import TERMINAL, Attempt, LogLine, LogPage, Run, RunChange, RunState
from schedtui.protocols import EngineClient
from schedtui_tui.connection import Connection
from schedtui_tui.keys import bindings
from schedtui_tui.link import explain
from schedtui_tui.screens.dead_letters import Which
from schedtui_tui.screens.run_commands import Chosen, RunCommands
from schedtui_tui.text import block, cut
from schedtui_tui.widgets.key_bar import KeyBar
from schedtui_tui.widgets.log_view import RING, EarlierWanted, LogView
from schedtui_tui.widgets.pieces import Pieces
from schedtui_tui.widgets.run_summary import run_pieces
from schedtui_tui.widgets.said import Said
from schedtui_tui.widgets.status_bar import StatusBar

_TAIL = 1000
_RETRY_S = 2.0
_MARGINS = 3  # left and right of the summary, and its scroll bar


class RunScreen(RunCommands):
    """A run's summary above its log, which is followed while the run goes on."""

    SCOPES: ClassVar[tuple[str, ...]] = ("run", "log", "app")
    BINDINGS = bindings("run")
    AUTO_FOCUS = "LogView"

    def __init__(self, run_id: int, timezone: str) -> None:
        super().__init__()
        self.run_id = run_id
        self._timezone = timezone
        self._run: Run | None = None
        self._attempts: tuple[Attempt, ...] = ()
        self._retries: int | None = None
        self._stale = False
        self._note = ""

    def compose(self) -> ComposeResult:
        """The views."""
        console = self.console
        yield self.status_bar()
        yield Said(id="crumbs")
        with Container(id="body"):
            with VerticalScroll(id="summary"):
                yield Said(id="summary-text")
            yield Said(id="log-title")
            yield LogView(console.prefs)
        yield KeyBar(self.SCOPES, read_only=console.read_only)

    def on_mount(self) -> None:
        """Read, and listen."""
        console = self.console
        self._log_view = self.query_one(LogView)
        self._log_view.timezone = self._timezone
        self._log_view.empty_text = "Reading the log …"
        self._status = self.query_one(StatusBar)
        self._status.tell(console.connection, console.clock.now_us())
        console.runs_changed.subscribe(self, self._moved_runs)
        console.connection_changed.subscribe(self, self._connection)
        self._titles()
        self._load()
        self._follow()
        self.ready = True

    # --- what comes

    def _moved_runs(self, runs: tuple[RunChange, ...]) -> None:
        if any(run.id == self.run_id for run in runs) and not self._stale:
            self._stale = True
            self.set_timer(0.2, self._again)

    def _again(self) -> None:
        self._stale = False
        self._load()

    def _connection(self, connection: Connection) -> None:
        was = self._status.connection.live
        self._status.tell(connection, self.console.clock.now_us())
        if connection.live and not was:
            self._load()

    def on_resize(self, _: events.Resize) -> None:
        """Wrap anew."""
        if self.ready:
            self._titles()
            self._show()

    def tick(self, now_us: int) -> None:
        """A second has passed; how far a run is, is read: the engine tells only new states."""
        self._status.tell(self.console.connection, now_us)
        self._titles()
        self._show()
        if self._run is not None and self._run.state not in TERMINAL and not self._is_reading():
            self._load()

    # --- reading

    def _is_reading(self) -> bool:
        workers = (worker for worker in self.workers if worker.node is self)
        return any(worker.group == "run" and not worker.is_finished for worker in workers)

    @work(exclusive=True, group="run", exit_on_error=False)
    async def _load(self) -> None:
        client = self.console.link.client
        if client is None or not self.console.connection.live:
            return
        try:
            self._run = run = await client.run(self.run_id)
            waits = run.state is RunState.QUEUED and run.attempt > 0
            if run.attempt > 1 or waits:
                self._attempts = await client.attempts(self.run_id)
            if waits:
                rules = (await client.job(run.job)).effective
                self._retries = None if rules is None else rules.retries
        except JobNotFoundError:
            pass  # deleted meanwhile; it only would have told how many retries there are
        except Exception as error:  # noqa: BLE001 - shown, whatever it is
            text = f"Run {self.run_id} cannot be read: {explain(error)}"
            self._summary([(block(text), "$text-warning")])
            return
        dead = self._run is not None and self._run.is_dead
        self.query_one(KeyBar).urge("letters" if dead else "")
        self._show()

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _follow(self) -> None:
        """The last lines, then new ones as they come; picks up again after a lost connection."""
        while True:
            client = self.console.link.client
            if client is not None and self.console.connection.live:
                try:
                    await self._read_log(client)
                except RunNotFoundError:
                    self._log_view.empty_text = "This run is not there any more"
                except Exception as error:  # noqa: BLE001 - tried again, whatever it is
                    self._note = f"stopped: {explain(error)}; trying again"
                    self._titles()
                    await asyncio.sleep(_RETRY_S)
                    continue
                return
            await asyncio.sleep(_RETRY_S / 4)

    async def _read_log(self, client: EngineClient) -> None:
        view = self._log_view
        if view.last_seq == 0:
            page = await client.log_tail(self.run_id, count=_TAIL)
            self._add(page)
            if page.done:
                return
        async for page in client.follow(self.run_id, after=view.last_seq):
            self._add(page)

    def _add(self, page: LogPage) -> None:
        view = self._log_view
        newest = view.last_seq
        view.append([line for line in page.lines if line.seq > newest])
        view.empty_text = "It logged nothing" if page.done else "No lines yet"
        if page.done and page.last == 0:
            self.add_class("-no-log")
            self.query_one("#summary").focus()
        parts = [f"{page.last:,} {'line' if page.last == 1 else 'lines'}" if page.last else ""]
        if page.dropped:
            parts.append(f"{page.dropped:,} did not fit and were dropped")
        parts.append("" if page.done else "following")
        self._note = ", ".join(part for part in parts if part)
        self._titles()

    @on(EarlierWanted)
    @work(exclusive=True, group="earlier", exit_on_error=False)
    async def _earlier(self, event: EarlierWanted) -> None:
        client = self.console.link.client
        view = self._log_view
        first = view.first_seq
        if client is None or not self.console.connection.live or first <= 1:
            return
        room = max(RING - len(view.lines), 0) if event.to_top else _TAIL
        after = max(first - 1 - room, 0)
        earlier: list[LogLine] = []
        try:
            while after < first - 1 and len(earlier) < room:
                page = await client.logs(self.run_id, after=after, limit=_TAIL)
                earlier += [line for line in page.lines if line.seq < first]
                if not page.lines or page.lines[-1].seq <= after:
                    break
                after = page.lines[-1].seq
        except Exception as error:  # noqa: BLE001 - shown, whatever it is
            self.toast(f"Earlier lines cannot be read: {explain(error)}", severity="error")
        if view.first_seq == first:
            view.prepend(earlier[-room:])
            if event.to_top:
                view.show_top()
            self._titles()

    # --- drawing

    def _titles(self) -> None:
        name = cut(self._run.job, max(self.size.width - 30, 20)) if self._run else ""
        self.query_one("#crumbs", Said).say(
            [
                (" jobs > ", "dim"),
                (name, "bold"),
                (f"{' > ' if name else ''}run {self.run_id}", "bold"),
            ]
        )
        view = self._log_view
        note = f"  {self._note}" if self._note else ""
        if view.first_seq > 1:
            note += f"; {view.first_seq - 1:,} earlier lines: g"
        if not view.following and view.unread:
            note += f"; +{view.unread:,} new: 0"
        self.query_one("#log-title", Said).say(
            [(" Log", "bold"), (cut(note, max(self.size.width - 6, 10)), "dim")]
        )

    def _show(self) -> None:
        if self._run is not None:
            now_us = self.console.clock.now_us()
            self._summary(
                run_pieces(
                    self._run,
                    self._attempts,
                    self._timezone,
                    self.console.prefs,
                    now_us,
                    max(self.size.width - _MARGINS, 20),
                    retries=self._retries,
                )
            )
            self._titles()

    def _summary(self, pieces: Pieces) -> None:
        self.query_one("#summary-text", Said).say(pieces)

    # --- actions

    def run_to_cancel(self) -> Chosen | None:
        """This one."""
        run = self._run
        if run is None or run.state in TERMINAL:
            word = "is not read yet" if run is None else f"has ended already: {run.state.value}"
            self.toast(f"Run {self.run_id} {word}", severity="warning")
            return None
        return Chosen(run.id, run.job)

    def run_to_repeat(self) -> Chosen | None:
        """This one."""
        run = self._run
        if run is None or run.state not in TERMINAL:
            word = "is not read yet" if run is None else "has not ended yet; x ends it"
            self.toast(f"Run {self.run_id} {word}", severity="warning")
            return None
        return Chosen(run.id, run.job)

    def letters(self) -> tuple[Which, str] | None:
        """This one, where it failed."""
        return [self.run_id], f"run {self.run_id}"

    def repeated(self, run_id: int) -> None:
        """Show the new run; back from there is this one."""
        self.console.open_run(run_id, self._timezone)

    def action_full(self) -> None:
        """The log over the whole screen, and back."""
        self.toggle_class("-full")

    def action_zone(self) -> None:
        """Another zone for clock times."""
        self.toast(f"Times in {self.console.prefs.next_zone()}")
        self._show()
        self._log_view.refresh()

    def action_absolute(self) -> None:
        """Clock times or ages."""
        self.console.prefs.absolute = not self.console.prefs.absolute
        self._show()

    def action_back(self) -> None:
        """Where we came from."""
        self.dismiss()
