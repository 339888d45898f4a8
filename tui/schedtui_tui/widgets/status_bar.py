"""The first line: which engine, how the connection is, how many jobs, what time it is there."""

from __future__ import annotations

import time

from textual.content import Content
from textual.widget import Widget

from schedtui.models import Health
from schedtui_tui import times
from schedtui_tui.connection import Connection, LinkState
from schedtui_tui.model import JobList
from schedtui_tui.text import cut
from schedtui_tui.widgets.pieces import Pieces, spread

_COUNTS = (
    ("running", "$text-primary"),
    ("failed", "bold $text-error"),
    ("timed_out", "bold $text-error"),
    ("lost", "bold $text-error"),
    ("paused", "$text-warning"),
)
"""As the filter and the table call them."""


_ROOMY = 110  # from here on all of it is shown; below, always the same part
_LIVE_CELLS, _LOST_CELLS = 16, 40  # kept free beside the title: how the connection is
_LIVE_TITLE, _LOST_TITLE = 20, 9  # what the title keeps all the same
_LEFT_CELLS = 24  # of title and connection, before counts go


class StatusBar(Widget):
    """One line; red while there is no connection, and then first of all about that."""

    def __init__(self, title: str, jobs: JobList, *, embedded: bool, read_only: bool) -> None:
        super().__init__()
        self._title = title
        self._jobs = jobs
        self.connection = Connection()
        self.now_us = times.machine_now_us()
        self._embedded = embedded
        self._read_only = read_only

    def tell(self, connection: Connection, now_us: int) -> None:
        """Show this now."""
        self.connection = connection
        self.now_us = now_us
        self.set_class(connection.state is LinkState.LOST, "-lost")
        self.refresh()

    def render(self) -> Content:
        """The line."""
        connection = self.connection
        width = self.size.width
        lost = connection.state is LinkState.LOST
        right: Pieces = []
        if connection.engine is not None:
            mode = times.ZoneMode.UTC
            clock = f"  {times.clock(self.now_us, 'UTC', mode)}Z "
            if not lost or width >= _ROOMY:
                right += self._counts(width - _LEFT_CELLS - len(clock))
            if not lost or width >= _LOST_CELLS + _LIVE_TITLE:
                right.append((clock, ""))
        room = width - sum(len(text) for text, _ in right)
        reserved, least = (_LOST_CELLS, _LOST_TITLE) if lost else (_LIVE_CELLS, _LIVE_TITLE)
        title = _named(self._title, min(max(room - reserved, least), 40))
        left: Pieces = [(f" {title}", "bold")]
        left += self._state(room - len(left[0][0]))
        return spread(left, right, width)

    def _counts(self, room: int) -> Pieces:
        """How many jobs there are, and are so; the last ones only where there is room."""
        total = len(self._jobs)
        pieces: Pieces = [(f" {total:,} {'job' if total == 1 else 'jobs'}", "")]
        room -= len(pieces[0][0])
        for name, style in _COUNTS:
            count = self._jobs.counts[name]
            text = f"  {count:,} {name}"
            room -= len(text) if count > 0 else 0
            if count > 0 and room >= 0:
                pieces.append((text, style))
        return pieces

    def _state(self, room: int) -> Pieces:
        connection = self.connection
        if connection.state is LinkState.STARTING:
            return [("  starting …" if self._embedded else "  connecting …", "dim")]
        if connection.state is LinkState.LOST:
            now = time.monotonic()
            away = times.short(now - connection.lost_at)
            retry = max(round(connection.retry_at - now), 0)
            brief = f"  retry in {retry}s"
            whole = f"  disconnected {away},{brief[1:]}"
            text = whole if len(whole) <= room else brief
            if len(whole) + 5 < room:
                text = cut(f"{whole}: {connection.reason}", room - 1)
            return [(text, "bold")]
        pieces: Pieces = []
        if self._read_only:
            pieces.append(("  read-only", "$text-warning"))
        if connection.engine is not None and connection.engine.paused:
            by = cut(connection.engine.paused_by, 20)
            pieces.append((f"  PAUSED{f' by {by}' if by else ''}", "bold $text-warning"))
        if connection.engine is not None and connection.engine.revision:
            pieces.append((f"  rev {connection.engine.revision}", "dim"))
        if connection.engine is not None and connection.engine.health is not Health.OK:
            pieces.append((f"  {connection.engine.health.value}", "bold $text-error"))
        roomy = self.size.width >= _ROOMY
        where = "  engine in this console" if roomy else "  embedded"
        if not self._embedded:
            known = connection.address == self._title
            where = "" if known else f"  {cut(_plain(connection.address), 60)}"
        live = f"  live {connection.latency_s * 1000:.0f} ms"
        taken = sum(len(text) for text, _ in pieces)
        for text, style, wanted in (
            (where, "dim", roomy or self._embedded),
            (live, "$text-success", roomy or not self._embedded),
        ):
            if wanted and room - taken > len(text):
                pieces.append((text, style))
                taken += len(text)
        return pieces


def _named(title: str, room: int) -> str:
    """The title within some cells; of an address that is too long, the port stays."""
    plain = _plain(title)
    host, colon, port = plain.rpartition(":")
    kept = colon + port if port.isascii() and port.isdigit() and len(port) < 6 else ""
    return cut(host, room - len(kept)) + kept if kept else cut(plain, room)


def _plain(address: str) -> str:
    plain = address.removeprefix("http://")
    return plain if plain == address else plain.rstrip("/")
