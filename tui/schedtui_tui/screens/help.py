"""The keys of a view, from the registry."""

from __future__ import annotations

import textwrap

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from schedtui_tui.actions import in_scopes
from schedtui_tui.keys import key_name
from schedtui_tui.widgets.pieces import Pieces, content

_WIDTH = 60  # cells of an explanation
_TITLES = {
    "jobs": "Jobs",
    "job": "One job",
    "run": "One run",
    "form": "The form",
    "functions": "Functions",
    "table": "In a table",
    "log": "In a log",
    "app": "Everywhere",
}


class HelpScreen(ModalScreen[None]):
    """What can be done here, with its key and its command line."""

    BINDINGS = [("escape,q,question_mark,f1", "leave", "Back")]  # noqa: RUF012 - as Textual wants it
    AUTO_FOCUS = "#help-text"

    def __init__(self, scopes: tuple[str, ...], *, read_only: bool) -> None:
        super().__init__()
        self._scopes = scopes
        self._read_only = read_only

    def compose(self) -> ComposeResult:
        """One text."""
        with Vertical(id="help"):
            yield Static(content([("Keys", "bold"), ("   Esc closes", "dim")]))
            with VerticalScroll(id="help-text"):
                yield Static(content(help_pieces(self._scopes, read_only=self._read_only)))

    def action_leave(self) -> None:
        """Back."""
        self.dismiss()


def help_pieces(scopes: tuple[str, ...], *, read_only: bool) -> Pieces:
    """The help for these scopes."""
    pieces: Pieces = []
    for scope in scopes:
        pieces.append((f"\n{_TITLES[scope]}\n", "bold $text-accent"))
        for action in in_scopes((scope,), read_only=read_only):
            keys = key_name(action, every=True)
            first, *rest = textwrap.wrap(action.help, _WIDTH)
            pieces += [(f" {keys:<10} ", "bold"), (f"{first}\n", "")]
            pieces += [(f"{'':12}{line}\n", "") for line in rest]
            if action.command:
                pieces.append((f"{'':12}{action.command}\n", "dim"))
    return pieces
