"""A text that is laid out anew only when it really says something else."""

from __future__ import annotations

from textual.widget import Widget
from textual.widgets import Static

from schedtui_tui.widgets.pieces import Pieces, content


class Said(Static):
    """A `Static` for pieces that are told again and again."""

    _pieces: Pieces | None = None

    def say(self, pieces: Pieces) -> None:
        """Show this."""
        if pieces != self._pieces:
            self._pieces = pieces
            self.update(content(pieces), layout=False)
            self.clear_cached_dimensions()
            if not self._keeps_its_size():
                self.refresh(layout=True)

    def _keeps_its_size(self) -> bool:
        """Whether nothing else moves; else the whole screen is laid out and painted thrice."""
        width, height = self.content_size
        parent = self.parent
        if not width or self.styles.is_auto_width or not isinstance(parent, Widget):
            return False
        if not self.styles.is_auto_height:
            return True
        container, viewport = parent.scrollable_content_region.size, self.app.size
        rows = self.get_content_height(container, viewport, width)
        least = self.styles.min_height
        if least is not None:
            rows = max(rows, int(least.resolve(container, viewport)))
        return rows == height
