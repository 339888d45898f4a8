"""What is shown where nothing else fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import App

    from schedtui_tui.app import Console

LEAST = Size(40, 10)
"""Cells below which tables, forms and logs cannot be told from one another."""


def fits(size: Size) -> bool:
    """Whether the console can be used in a terminal of this size."""
    return size.width >= LEAST.width and size.height >= LEAST.height


class TooSmall(ModalScreen[None]):
    """Asks for a larger terminal, and goes when it is one; what it covers stays as it is.

    It takes the keys too: none of them should do what cannot be seen.
    """

    BINDINGS = [("q,ctrl+c,ctrl+q", "leave", "Quit")]  # noqa: RUF012 - as Textual wants it

    def compose(self) -> ComposeResult:
        """A sentence."""
        yield Static(id="too-small", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        """Say it anew, or go."""
        self._look(event.size)

    def on_screen_resume(self) -> None:
        """The terminal may have grown while a dialog was open."""
        self._look(self.app.size)

    def _look(self, size: Size) -> None:
        if fits(size):
            if self.is_current:
                self.dismiss()
            return
        self.query_one(Static).update(
            f"Too small: {size.width} x {size.height}.\n"
            f"The console needs {LEAST.width} x {LEAST.height}.\n"
            "Make the terminal larger,\nor press q to leave."
        )

    def action_leave(self) -> None:
        """As in the jobs."""
        cast("Console", cast("App[object]", self.app)).action_leave()
