"""A text that is laid out anew only when it really says something else."""

from __future__ import annotations

from textual.widgets import Static

from schedtui_tui.widgets.pieces import Pieces, content


class Said(Static):
    """A `Static` for pieces that are told again and again."""

    _pieces: Pieces | None = None

    def say(self, pieces: Pieces) -> None:
        """Show this."""
        if pieces != self._pieces:
            self._pieces = pieces
            self.update(content(pieces))
