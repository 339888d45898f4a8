"""The console: one app on one engine.

It paints before there is an engine, and from then on shows what the link reports. State is owned
here; workers and the link only post messages, and screens listen to the signals.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.geometry import Size
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.signal import Signal

from schedtui.models import JobSummary, RunChange
from schedtui_tui.actions import in_scopes
from schedtui_tui.connection import Connection
from schedtui_tui.keys import bindings, key_name
from schedtui_tui.link import (
    ChangesRead,
    EngineTime,
    Link,
    Linked,
    LinkFailed,
    LinkLost,
    Pinged,
    SnapshotRead,
    explain,
)
from schedtui_tui.model import Delta, JobList
from schedtui_tui.prefs import Prefs
from schedtui_tui.screens.base import ConsoleScreen, toast_text
from schedtui_tui.screens.confirm import Dialog
from schedtui_tui.screens.jobs import JobsScreen
from schedtui_tui.screens.loading import NEVER_STARTED, newest_started
from schedtui_tui.screens.quitting import Embedded, QuitChoice
from schedtui_tui.screens.small import TooSmall, fits

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

__all__ = ["Console", "Embedded", "QuitChoice"]

_REPAINT_S = 0.1
_TALL = 41  # rows from which on there is room for a second toast


class Console(App[QuitChoice]):
    """Watch and steer one engine.

    Its result says how it was left; see `QuitChoice`.
    """

    CSS_PATH = "schedtui.tcss"
    TITLE = "schedtui"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

    def __init__(
        self,
        connect: Callable[[], Awaitable[EngineClient]],
        *,
        title: str,
        embedded: Embedded | None,
        read_only: bool = False,
    ) -> None:
        """Make the console; ``run`` or ``run_async`` starts it.

        Args:
            connect: Starts or finds the engine. Called once, after the first paint; what it raises
                ends the console with `QuitChoice.FAILED`.
            title: What is looked at: a target's name, or an address.
            embedded: The engine in this process, which quitting must decide about; None for others.
            read_only: Hide every change.
        """
        super().__init__()
        self.animation_level = "none"
        self.name_shown = title
        self.embedded = embedded
        self.read_only = read_only
        self.failure: BaseException | None = None
        """Why it never had a connection, or lost its engine for good."""
        self.jobs = JobList()
        self.prefs = Prefs()
        self.clock = EngineTime()
        self.connection = Connection()
        self.link = Link(connect, self.post_message)
        self.jobs_changed: Signal[Delta] = Signal(self, "jobs changed")
        self.runs_changed: Signal[tuple[RunChange, ...]] = Signal(self, "runs changed")
        self.connection_changed: Signal[Connection] = Signal(self, "connection changed")
        self._changed: set[int] = set()
        self._reordered = False
        self._runs: list[RunChange] = []
        self._repaint_due = False
        self._begun = False  # from the first paint on, when the jobs are listening
        self._typed: deque[tuple[events.Key, object]] = deque(maxlen=64)
        self._untold: tuple[str, str] | None = None  # text and severity of the newest

    def get_default_screen(self) -> Screen[object]:
        """The jobs."""
        return cast("Screen[object]", JobsScreen())

    def on_mount(self) -> None:
        """Connect once the first frame is out."""
        self.call_after_refresh(self._begin)
        self._arm_tick()

    def on_resize(self, event: events.Resize) -> None:
        """Cover everything where there is no room for it; see `TooSmall`."""
        self._check_room(event.size)

    def _check_room(self, size: Size) -> None:
        covered = any(isinstance(screen, TooSmall) for screen in self.screen_stack)
        if self._begun and not covered and not fits(size):
            self.push_screen(TooSmall())

    def _begin(self) -> None:
        if not self._begun:
            self.run_worker(self.link.run(), group="link", exit_on_error=False)
            self._begun = True
            self._check_room(self.size)

    # --- what the link reports

    def on_linked(self, event: Linked) -> None:
        """There is a client."""
        self.connection = Connection(address=event.client.address)

    def on_snapshot_read(self, event: SnapshotRead) -> None:
        """All jobs anew."""
        engine = event.snapshot.engine
        self.clock.learn(engine, event.latency_s)
        self._connect(self.connection.up(engine, event.latency_s))
        self._note(self.jobs.load(event.snapshot.jobs))
        self._repaint()

    def on_changes_read(self, event: ChangesRead) -> None:
        """Some jobs changed; painted at most ten times a second."""
        if event.generation != self.link.generation or not self.connection.live:
            return
        if event.changes.engine is not None:
            self._connect(self.connection.up(event.changes.engine, self.connection.latency_s))
        self._note(self.jobs.apply(event.changes))
        self._runs.extend(event.changes.runs)
        if not self._repaint_due:
            self._repaint_due = True
            self.set_timer(_REPAINT_S, self._repaint)

    def on_pinged(self, event: Pinged) -> None:
        """The engine is there."""
        self.clock.learn(event.info, event.latency_s)
        if self.connection.live:
            self._connect(self.connection.up(event.info, event.latency_s))

    def on_link_lost(self, event: LinkLost) -> None:
        """Grey everything and count down."""
        reason = explain(event.error)
        self._connect(self.connection.down(reason, time.monotonic(), event.retry_s))

    def on_link_failed(self, event: LinkFailed) -> None:
        """End; the command line says why."""
        self.failure = event.error
        self.exit(QuitChoice.FAILED)

    def _connect(self, connection: Connection) -> None:
        self.connection = connection
        self.set_class(not connection.live, "-offline")
        self.connection_changed.publish(connection)

    def _note(self, delta: Delta) -> None:
        self._changed |= delta.changed
        self._reordered = self._reordered or delta.reordered

    def _repaint(self) -> None:
        self._repaint_due = False
        delta = Delta(changed=frozenset(self._changed), reordered=self._reordered)
        runs, self._runs = tuple(self._runs), []
        self._changed = set()
        self._reordered = False
        self.jobs_changed.publish(delta)
        if runs:
            self.runs_changed.publish(runs)

    # --- keys

    async def on_event(self, event: events.Event) -> None:
        """Give a key that was typed ahead to what it was typed for.

        Keys of one burst (a slow line delivers several at once) are all handed to what has the
        focus before the first of them has had its effect. One that nobody took comes back here;
        if the focus has moved meanwhile it goes there, and not to the keys of the old place.
        """
        if isinstance(event, events.Key):
            here = (self.screen, self.focused)
            if not event.is_forwarded:
                self._typed.append((event, here))
            elif any(typed is event and there != here for typed, there in self._typed):
                event.stop()
                target = self.focused or self.screen
                target.post_message(events.Key(event.key, event.character))
                return
        await super().on_event(event)

    # --- the one timer

    def _arm_tick(self) -> None:
        """Once a second, just after the engine's second began."""
        into = self.clock.now_us() % 1_000_000 / 1_000_000
        self.set_timer(1.005 - into, self._tick)

    def _tick(self) -> None:
        if not self.is_running:
            return
        self._arm_tick()
        if not self.is_headless and not _terminal_there():
            self.exit(QuitChoice.STOP if self.embedded is not None else QuitChoice.LEFT)
            return
        now_us = self.clock.now_us()
        for screen in reversed(self.screen_stack):
            if isinstance(screen, ConsoleScreen):
                if screen.ready:
                    self._begin()  # where a screen was opened before the first one's refresh
                    screen.tick(now_us)
                break

    # --- for the screens

    def toast(self, text: str, *, severity: str = "information") -> None:
        """Say something for a few seconds; ``text`` may come from anywhere.

        A question is not covered: what comes meanwhile is said after it.
        """
        if isinstance(self.screen, Dialog):
            self._untold = (text, severity)
            return
        self.notify(toast_text(text), severity=cast("SeverityLevel", severity), markup=False)

    def tell_untold(self) -> None:
        """Say what a question held back; for the screen that is to be seen again."""
        if self._untold is not None:
            (text, severity), self._untold = self._untold, None
            self.toast(text, severity=severity)

    def on_notify(self) -> None:
        """Make room for one more toast: a pile of them covers what they are about."""
        others = 1 if self.size.height >= _TALL else 0
        shown = [*self._notifications]
        for old in shown[: max(len(shown) - others, 0)]:
            self._unnotify(old, refresh=False)
        self.screen.query("ToastHolder:empty").remove()  # Textual leaves these behind

    def open_run(self, run_id: int, timezone: str) -> None:
        """Show a run."""
        from schedtui_tui.screens.run import RunScreen

        self.push_screen(RunScreen(run_id, timezone))

    def open_log(self, row: JobSummary) -> None:
        """Show the run that runs now, else the last one that started: no other has a log."""
        run_id = row.running_id if row.running_id is not None else row.last_id
        client = self.link.client
        if run_id is None:
            self.toast(f"{row.full_name} has not run yet", severity="warning")
        elif run_id == row.last_id and row.last_state in NEVER_STARTED and client is not None:
            self.run_worker(self._open_started(client, row, run_id), exit_on_error=False)
        else:
            self.open_run(run_id, row.timezone)

    async def _open_started(self, client: EngineClient, row: JobSummary, otherwise: int) -> None:
        screen = self.screen
        found = await newest_started(client, row.id)
        if self.screen is screen:  # the person has not gone elsewhere meanwhile
            self.open_run(otherwise if found is None else found, row.timezone)

    def await_job(self, job_id: int, name: str) -> None:
        """Put the cursor on a job that was just created, ``group/name``."""
        for screen in self.screen_stack:
            if isinstance(screen, JobsScreen):
                screen.await_job(job_id, name)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: the actions of the screen it was called from."""
        if not isinstance(screen, ConsoleScreen):
            return
        for action in in_scopes(screen.SCOPES, read_only=self.read_only):
            if action.id != "command_palette" and action.scope in (screen.SCOPES[0], "app"):
                key = action.keys.partition(",")[0]
                text = f"{key_name(action)}  {action.help}"
                yield SystemCommand(action.label, text, lambda key=key: self.simulate_key(key))

    # --- actions

    def action_help(self) -> None:
        """The keys of this view."""
        from schedtui_tui.screens.help import HelpScreen

        if isinstance(self.screen, ConsoleScreen):
            self.push_screen(HelpScreen(self.screen.SCOPES, read_only=self.read_only))

    def action_reload(self) -> None:
        """Read everything anew."""
        self.link.retry_now()

    def action_help_quit(self) -> None:
        """Ctrl+C."""
        self.action_leave()

    def action_leave(self) -> None:
        """Leave the console; with an engine in this process, ask what becomes of it."""
        from schedtui_tui.screens.quitting import quit_dialog

        if self.embedded is None:
            self.exit(QuitChoice.LEFT)
        elif self.embedded.demo or self.connection.engine is None:
            self.exit(QuitChoice.STOP)
        elif not isinstance(self.screen, Dialog):
            active, can_detach = self.embedded.active_runs(), self.embedded.can_detach
            dialog = quit_dialog(active, self.name_shown, can_detach=can_detach)
            self.push_screen(dialog, self._quit_answered)

    def _quit_answered(self, answer: str | None) -> None:
        if answer in (QuitChoice.STOP, QuitChoice.DETACH):
            self.exit(QuitChoice(answer))


def _terminal_there() -> bool:
    """Whether the terminal we read from still exists; without one the input loop would spin."""
    stdin = sys.__stdin__
    try:
        return stdin is not None and os.isatty(stdin.fileno())
    except (OSError, ValueError):
        return False
