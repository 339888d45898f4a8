"""The second line: where we are, the order, the filter; and the field to type the filter into."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from schedtui_tui.filters import EVERYTHING, Filter, FilterError, parse
from schedtui_tui.text import cut
from schedtui_tui.widgets.pieces import Pieces
from schedtui_tui.widgets.said import Said
from schedtui_tui.widgets.text_input import TextInput


class FilterInput(TextInput):
    """The field of the filter. It ends by itself, for keys of one burst wait in it.

    Those that follow the one that ends it are for what has the focus then.
    """

    def __init__(self, *, placeholder: str, ended: Callable[[str], bool]) -> None:
        """Make the field.

        Args:
            placeholder: Shown while it is empty.
            ended: Called with a key before the field sees it; whether the key ends the typing.
        """
        super().__init__(placeholder=placeholder)
        self._ended = ended

    def on_key(self, event: events.Key) -> None:
        """End, or pass on what is not for this field any more."""
        focused = self.screen.focused
        if focused is not self:
            target = focused or self.screen
            target.post_message(events.Key(event.key, event.character))
        elif not self._ended(event.key):
            return
        event.stop()
        event.prevent_default()


class FilterBar(Horizontal):
    """A line of crumbs that turns into a field."""

    def __init__(self, chosen: Callable[[Filter], None]) -> None:
        """Make the line.

        Args:
            chosen: Called at once with every new filter, so that it holds for the next key.
        """
        super().__init__()
        self._chosen = chosen
        self._back: Widget | None = None
        self._crumbs = Said(id="crumbs")
        self._input = FilterInput(
            placeholder="text  tag:x  state:failed  group:x  /regex/  !not", ended=self._ended
        )
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

    def open(self, back: Widget) -> None:
        """Let the person type; the last filter is still there.

        Args:
            back: What has the focus afterwards.
        """
        self._back = back
        self.add_class("-open")
        # At once, not with the next refresh: what is typed right after the key is for this field.
        self.screen.set_focus(self._input)

    def clear(self) -> None:
        """No filter any more."""
        with self.prevent(Input.Changed):
            self._input.value = ""
        self._apply()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while the person types."""
        event.stop()
        self._apply()

    def _apply(self) -> None:
        """Choose what is typed by now; a message about it may be one of several."""
        try:
            chosen = parse(self._input.value)
        except FilterError as error:
            self._error.say([(cut(str(error), 60), "$text-error")])
            return
        self._error.say([])
        if chosen.text != self._last:
            self._last = chosen.text
            self._chosen(chosen)

    _last = EVERYTHING.text

    def _ended(self, key: str) -> bool:
        """Back to the table: without a filter (Esc), or filtered."""
        if key not in ("enter", "down", "escape"):
            return False
        if key == "escape":
            self.clear()
        else:
            self._apply()
        self.remove_class("-open")
        self.screen.set_focus(self._back)
        return True
