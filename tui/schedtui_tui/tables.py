"""What commands print: a table for people, or one ASCII-safe JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TextIO

from schedtui.clock import to_us
from schedtui.models import Run
from schedtui.models.wire import to_wire
from schedtui_tui.exits import note

PLAIN_WIDTH = 10_000  # columns of a table that no terminal limits: nothing is cut

STYLES = {
    "succeeded": "green",
    "scheduled": "green",
    "running": "cyan",
    "queued": "cyan",
    "failed": "red",
    "timed_out": "red",
    "lost": "red",
    "broken": "red",
    "missed": "yellow",
    "skipped": "yellow",
    "paused": "yellow",
    "orphaned": "red",
}
"""Colours of the states; a state is always a word too."""


def print_json(value: Any) -> None:
    """Print ``value`` (models, or plain JSON values) as one document that is pure ASCII."""
    sys.stdout.write(json.dumps(to_wire(value), ensure_ascii=True, indent=2) + "\n")


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print rows, cleaned; on a terminal in colour and as wide as it is, else whole.

    Args:
        headers: One heading for each column.
        rows: The cells; a cell that names a state gets its colour.
        empty: What to say, on stderr, where there is no row.
    """
    from rich.console import Console  # 40 ms that --json and --help do not need
    from rich.table import Table
    from rich.text import Text

    from schedtui_tui.text import clean

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(Text(header), overflow="fold")
    for row in rows:
        table.add_row(*(Text(clean(cell), style=STYLES.get(cell, "")) for cell in row))
    if not table.row_count:
        note(empty)
    elif sys.stdout.isatty():
        Console().print(table)
    else:
        console = Console(width=PLAIN_WIDTH, color_system=None)
        with console.capture() as capture:
            console.print(table)
        for line in capture.get().splitlines():
            sys.stdout.write(line.rstrip() + "\n")


def print_line(text: str, stream: TextIO | None = None) -> None:
    """Print one line, cleaned, on ``stream``; None: on stdout."""
    from schedtui_tui.text import clean

    (stream or sys.stdout).write(clean(text) + "\n")


def moment(at: datetime | None, zone: str | None = None) -> str:
    """``2026-12-24 18:00:00 CET``, in ``zone`` or else in this machine's own time."""
    return "" if at is None else moment_us(to_us(at), zone)


def moment_us(us: int | None, zone: str | None = None) -> str:
    """`moment` for microseconds since 1970."""
    from schedtui_tui.times import ZoneMode, full

    if us is None:
        return ""
    return full(us, zone or "", ZoneMode.LOCAL if zone is None else ZoneMode.JOB)


def took(run: Run) -> str:
    """How long a run took, empty while it has not ended."""
    seconds = run.duration_s
    return "" if seconds is None else took_us(round(seconds * 1_000_000))


def took_us(us: int | None) -> str:
    """`took` for microseconds."""
    from schedtui_tui.times import duration

    return "" if us is None else duration(us)
