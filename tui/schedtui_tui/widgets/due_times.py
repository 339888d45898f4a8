"""The next times of a trigger that is being typed."""

from __future__ import annotations

from schedtui.clock import to_us
from schedtui.models import Preview
from schedtui_tui import times
from schedtui_tui.text import cut
from schedtui_tui.widgets.pieces import Pieces
from schedtui_tui.widgets.said import Said

COUNT = 5
"""How many are shown."""


class DueTimes(Said):
    """What a trigger means and when it is due next, or a word on why that is not known."""

    _first_us: int | None = None

    def say(self, pieces: Pieces) -> None:
        """Show this instead of times."""
        self._first_us = None
        super().say(pieces)

    def show(self, preview: Preview, now_us: int) -> None:
        """Show these times, asked for at ``now_us``."""
        self.say(_pieces(preview))
        first_us = to_us(preview.next[0].at) if preview.next else now_us
        if first_us > now_us:  # else the clocks differ, and asking again helps nobody
            self._first_us = first_us

    def outdated(self, now_us: int) -> bool:
        """Whether the first of the times has passed since; says so once."""
        if self._first_us is None or now_us < self._first_us:
            return False
        self._first_us = None
        return True


def _pieces(preview: Preview) -> Pieces:
    words = times.in_zone(preview.description, preview.timezone)
    pieces: Pieces = [(f"{cut(words, 200)}\n", "bold")]
    if not preview.next:
        pieces.append(("never due", "$text-warning"))
    for due in preview.next[:COUNT]:
        at = times.moment(to_us(due.at), preview.timezone)
        weekday = f"{at:%a} " if at is not None else ""
        pieces.append((f"{weekday}{times.full(to_us(due.at), preview.timezone)}\n", ""))
    return pieces
