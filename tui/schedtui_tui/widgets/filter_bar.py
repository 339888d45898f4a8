"""The second line: where we are, the order, the filter; and the field to type the filter into."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from schedtui_tui.filters import EVERYTHING, Filter, FilterError, parse
from schedtui_tui.text import cut
from schedtui_tui.widgets.pieces import Pieces
from schedtui_tui.widgets.said import Said
from schedtui_tui.widgets.text_input import TextInput


@dataclass
class Filtered(Message):
    """The filter is another one."""

    chosen: Filter


class FilterClosed(Message):
    """The person is done typing."""


class FilterBar(Horizontal):
    """A line of crumbs that turns into a field."""

    def __init__(self) -> None:
        super().__init__()
        self._crumbs = Said(id="crumbs")
        self._input = TextInput(placeholder="text  tag:x  state:failed  group:x  /regex/  !not")
        self._error = Said(id="filter-error")

    def compose(self) -> ComposeResult:
        """The crumbs, the field, and what is wrong with it."""
        yield self._crumbs
        yield Static("/", id="filter-sign")
        yield self._input
        yield self._error

    def tell(self, pieces: Pieces) -> None:
        """Show these crumbs."""
        self._crumbs.say(pieces)

    def open(self) -> None:
        """Let the person type; the last filter is still there."""
        self.add_class("-open")
        # At once, not with the next refresh: what is typed right after the key is for this field.
        self.screen.set_focus(self._input)

    def clear(self) -> None:
        """No filter any more."""
        with self.prevent(Input.Changed):
            self._input.value = ""
        self._error.say([])
        self.post_message(Filtered(EVERYTHING))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while the person types."""
        event.stop()
        try:
            chosen = parse(event.value)
        except FilterError as error:
            self._error.say([(cut(str(error), 60), "$text-error")])
            return
        self._error.say([])
        self.post_message(Filtered(chosen))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the table, filtered."""
        event.stop()
        self._close()

    def key_escape(self) -> None:
        """Back to the table, without a filter."""
        if self.has_class("-open"):
            self.clear()
            self._close()

    def key_down(self) -> None:
        """Back to the table, filtered."""
        self._close()

    def _close(self) -> None:
        self.remove_class("-open")
        self.post_message(FilterClosed())
