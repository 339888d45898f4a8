"""What all screens of the console share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.screen import Screen

from schedtui_tui.actions import allowed, find
from schedtui_tui.connection import LinkState
from schedtui_tui.text import clean
from schedtui_tui.widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from textual.app import App

    from schedtui.protocols import EngineClient
    from schedtui_tui.app import Console

T = TypeVar("T")
TOAST_CELLS = 300


class ConsoleScreen(Screen[T]):
    """A screen that knows its scopes, and with them its keys, its footer and its help."""

    SCOPES: ClassVar[tuple[str, ...]] = ()
    """Its own scope, those of its widgets, and ``app``, in the order of the help."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide"), (132, "-widest")]  # noqa: RUF012 - as Textual wants it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - as Textual wants it

    ready = False
    """Whether it is mounted and may be told of passing seconds."""

    def tick(self, now_us: int) -> None:
        """A second has passed on the engine's clock; called while the screen is to be seen."""

    def on_screen_resume(self) -> None:
        """It is to be seen again: what tells the time must not show when it was covered."""
        if self.ready:
            self.tick(self.console.clock.now_us())
        self.console.tell_untold()

    @property
    def console(self) -> Console:
        """The app."""
        return cast("Console", cast("App[object]", self.app))

    def status_bar(self) -> StatusBar:
        """The first line, for `compose`."""
        console = self.console
        return StatusBar(
            console.name_shown,
            console.jobs,
            embedded=console.embedded is not None,
            read_only=console.read_only,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """Hide what read-only mode does not allow."""
        for scope in self.SCOPES:
            entry = find(scope, action)
            if entry is not None:
                return allowed(entry, read_only=self.console.read_only)
        return True

    def client(self) -> EngineClient | None:
        """The engine, for a command; None, and a word about it, while there is no connection."""
        client = self.console.link.client
        if client is None or not self.console.connection.live:
            why = "Not connected"
            if self.console.connection.state is LinkState.STARTING:
                why = (
                    "The engine is still starting" if self.console.embedded else "Still connecting"
                )
            self.toast(f"{why}: nothing was done", severity="warning")
            return None
        return client

    def starting_text(self) -> str:
        """What goes on before there was a connection; empty from the first one on."""
        if self.console.connection.state is not LinkState.STARTING:
            return ""
        return "Starting the engine …" if self.console.embedded else "Connecting …"

    def toast(self, text: str, *, severity: str = "information") -> None:
        """Say something for a few seconds."""
        self.console.toast(text, severity=severity)


def toast_text(text: str) -> str:
    """A message of the engine, cleaned and short enough for a toast."""
    return clean(text[:TOAST_CELLS] + ("…" if len(text) > TOAST_CELLS else ""), lines=True)
