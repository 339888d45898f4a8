"""Lines made of cleaned pieces of text with a style each; never of markup."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

Piece = tuple[str, str]
"""Text, and a style such as ``bold $text-error``; empty for the style of the widget."""
Pieces = list[Piece]

KIND_STYLES = {
    "ok": "$text-success",
    "failed": "bold $text-error",
    "warn": "$text-warning",
    "running": "bold $text-primary",
    "paused": "$text-warning",
    "muted": "dim",
    "": "",
}
"""Styles of the kinds of `schedtui_tui.looks`, for text outside tables."""


def content(pieces: Pieces) -> Content:
    """The pieces, one after the other."""
    return Content.assemble(*pieces)


def spread(left: Pieces, right: Pieces, width: int) -> Content:
    """Some pieces at the left edge and some at the right one, ``width`` cells in all."""
    used = sum(cell_len(text) for text, _ in left) + sum(cell_len(text) for text, _ in right)
    gap = max(width - used, 0)
    return content([*left, (" " * gap, ""), *right])
