"""The lines of a run: a ring of which only the visible part is decoded and drawn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from schedtui.models import LogLine
from schedtui_tui import times
from schedtui_tui.keys import bindings
from schedtui_tui.prefs import Prefs
from schedtui_tui.text import clean_log, fit, is_marks, log_cells

RING = 100_000
FLUSH_S = 0.05
_LEVELS = {"warning": ("W", "warn"), "error": ("E", "failed"), "critical": ("C", "failed")}
_STREAM_GLYPHS = {"stderr": "!", "stdout": " "}
_PREFIX = 11  # "HH:MM:SS L "


@dataclass
class EarlierWanted(Message):
    """The first line is on the screen and there are earlier ones."""

    to_top: bool
    """All of them, to go to the very first one."""


class LogView(ScrollView, can_focus=True):
    """A log that can be followed."""

    BINDINGS = bindings("log")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--time", "log--warn", "log--failed", "log--note"}

    following: reactive[bool] = reactive(True, repaint=False)
    wrap: reactive[bool] = reactive(True, repaint=False)
    empty_text: reactive[str] = reactive("")

    def __init__(self, prefs: Prefs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.lines: list[LogLine] = []
        self.timezone = "UTC"
        self.unread = 0
        """Lines that came since the reader stopped following."""
        self._prefs = prefs
        self._pending: list[LogLine] = []
        self._flush_due = False
        self._ends: list[int] = []  # rows up to and with each line, while lines are wrapped
        self._widest = 0
        self._wrapped_at = -1
        self._styles: dict[str, Style] = {}

    # --- lines

    @property
    def first_seq(self) -> int:
        """The number of the first line that is held; 0 for none."""
        return self.lines[0].seq if self.lines else 0

    @property
    def last_seq(self) -> int:
        """The number of the newest line that has come; 0 for none."""
        newest = self._pending or self.lines
        return newest[-1].seq if newest else 0

    def append(self, lines: Sequence[LogLine]) -> None:
        """Add lines at the end; they are painted at most twenty times a second."""
        self._pending.extend(lines)
        if self._pending and not self._flush_due:
            self._flush_due = True
            self.set_timer(FLUSH_S, self.flush)

    def prepend(self, lines: Sequence[LogLine]) -> None:
        """Add earlier lines; what is on the screen stays there."""
        room = max(RING - len(self.lines), 0)
        earlier = list(lines)[-room:] if room else []
        if not earlier:
            return
        before = self._row_count
        self.lines[:0] = earlier
        self._measure_all()
        self._resize_content()
        self._jump(self.scroll_offset.y + self._row_count - before)
        self.refresh()

    def flush(self) -> None:
        """Take over what has come."""
        self._flush_due = False
        pending, self._pending = self._pending, []
        if not pending:
            return
        self.lines.extend(pending)
        if len(self.lines) > RING + RING // 10:
            self._trim()
        else:
            self._measure(pending)
        self._resize_content()
        if self.following:
            self._jump(self._row_count)
        else:
            self.unread += len(pending)
        self.refresh()

    def _trim(self) -> None:
        before = self._row_count
        del self.lines[: len(self.lines) - RING]
        self._measure_all()
        if not self.following:
            self._jump(self.scroll_offset.y - max(before - self._row_count, 0))

    # --- rows

    @property
    def _text_width(self) -> int:
        return max(self.size.width - _PREFIX, 10)

    @property
    def _row_count(self) -> int:
        return (self._ends[-1] if self._ends else 0) if self.wrap else len(self.lines)

    def _measure_all(self) -> None:
        self._ends = []
        self._widest = 0
        self._wrapped_at = self._text_width
        self._measure(self.lines)

    def _measure(self, lines: Sequence[LogLine]) -> None:
        """Count the rows that lines take."""
        end = self._ends[-1] if self._ends else 0
        width = self._text_width
        widest = self._widest
        ends = self._ends
        for line in lines:
            cells = log_cells(line.text)
            if cells > widest:
                widest = cells
            if cells > width and not is_marks(line.text):
                # wide characters may leave a cell at the end of a row; an empty row does no harm
                end += -(-cells // (width - (1 if line.text.isascii() else 2)))
            else:
                end += 1
            ends.append(end)
        self._widest = widest

    def _resize_content(self) -> None:
        self.styles.overflow_x = "hidden" if self.wrap else "auto"
        width = self.size.width if self.wrap else max(_PREFIX + self._widest, self.size.width)
        self.virtual_size = Size(width, self._row_count)

    def _jump(self, row: int) -> None:
        top = max(0, min(row, self._row_count - self.size.height))
        self.scroll_to(y=top, animate=False, force=True, immediate=True)

    def on_resize(self, _: events.Resize) -> None:
        """Wrap anew for the new width."""
        if self._wrapped_at != self._text_width:
            self._measure_all()
        self._resize_content()
        if self.following:
            self._jump(self._row_count)
        self.refresh()

    def watch_wrap(self) -> None:
        """Count rows the other way."""
        self._measure_all()
        self._resize_content()
        self.scroll_to(x=0, animate=False, force=True, immediate=True)
        if self.following:
            self._jump(self._row_count)
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling up stops following; reaching the first line asks for earlier ones."""
        super().watch_scroll_y(old_value, new_value)
        at_end = round(new_value) >= self._row_count - self.size.height
        if at_end:
            self.unread = 0
        self.following = at_end
        if new_value <= 0 and old_value > 0 and self.first_seq > 1:
            self.post_message(EarlierWanted(to_top=False))

    # --- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some rows of the widget; styles are worked out once for all of them."""
        self._styles.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One row of the widget."""
        width = self.size.width
        row = self.scroll_offset.y + y
        base = self._style()
        if row >= self._row_count:
            if not self.lines and y == 0 and self.empty_text:
                return Strip([Segment(fit(self.empty_text, width), self._style("note"))], width)
            return Strip.blank(width, base)
        if not self.wrap:
            return self._line(self.lines[row], 0, None).crop_extend(
                self.scroll_offset.x, self.scroll_offset.x + width, base
            )
        number = bisect_right(self._ends, row)
        start = self._ends[number - 1] if number else 0
        return self._line(self.lines[number], row - start, self._text_width).crop_extend(
            0, width, base
        )

    def _line(self, line: LogLine, part: int, width: int | None) -> Strip:
        letter, kind = _LEVELS.get(line.level, (_STREAM_GLYPHS.get(line.stream, " "), ""))
        if part:
            segments = [Segment(" " * _PREFIX, self._style())]
        else:
            at = times.clock(line.at_us, self.timezone, self._prefs.zone)
            segments = [Segment(f"{at} {letter} ", self._style("time"))]
        base = self._style(kind)
        for text, style in _pieces(line.text, part, width):
            segments.append(Segment(text, base + style if style is not None else base))
        return Strip(segments)

    def _style(self, name: str = "") -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self.rich_style
            if name:
                style += self.get_component_rich_style(f"log--{name}", partial=True)
            self._styles[name] = style
        return style

    # --- keys

    def action_follow(self) -> None:
        """Jump to the newest line and stay there."""
        self.following = True
        self._jump(self._row_count)

    action_bottom = action_follow

    def action_wrap(self) -> None:
        """Wrap long lines or not."""
        self.wrap = not self.wrap

    def action_top(self) -> None:
        """To the first line; asks for earlier ones."""
        if self.first_seq > 1:
            self.post_message(EarlierWanted(to_top=True))
        self.show_top()

    def show_top(self) -> None:
        """To the first line that is held."""
        with self.prevent(EarlierWanted):
            self._jump(0)

    def action_line_down(self) -> None:
        """One line down."""
        self._jump(self.scroll_offset.y + 1)

    def action_line_up(self) -> None:
        """One line up."""
        self._jump(self.scroll_offset.y - 1)

    def action_half_down(self) -> None:
        """Half a page down."""
        self._jump(self.scroll_offset.y + self.size.height // 2)

    def action_half_up(self) -> None:
        """Half a page up."""
        self._jump(self.scroll_offset.y - self.size.height // 2)


@lru_cache(maxsize=512)
def _decoded(text: str) -> Text:
    return clean_log(text)


@lru_cache(maxsize=2048)
def _pieces(text: str, part: int, width: int | None) -> list[tuple[str, Style | None]]:
    """The pieces of a line with their styles; of its ``part``-th row where lines are wrapped."""
    decoded = _decoded(text)
    if width is not None and decoded.cell_len > width and not is_marks(text):
        # one cell less than there is, because a wide character may not fit at the end of a row
        rows = _wrapped(text, width - 1)
        decoded = rows[part] if part < len(rows) else Text("")
    pieces: list[tuple[str, Style | None]] = []
    plain, position = decoded.plain, 0
    for span in decoded.spans:
        if span.start > position:
            pieces.append((plain[position : span.start], None))
        style = span.style
        pieces.append((plain[span.start : span.end], style if isinstance(style, Style) else None))
        position = span.end
    if position < len(plain):
        pieces.append((plain[position:], None))
    return pieces


@lru_cache(maxsize=64)
def _wrapped(text: str, width: int) -> list[Text]:
    decoded = _decoded(text)
    offsets, cells = [], 0
    for index, char in enumerate(decoded.plain):
        size = cell_len(char)
        if cells + size > width:
            offsets.append(index)
            cells = 0
        cells += size
    return list(decoded.divide(offsets))
