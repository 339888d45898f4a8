"""A virtual table: draws only the rows that are visible, and knows rows by id, never by number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from schedtui_tui.keys import bindings
from schedtui_tui.looks import KINDS
from schedtui_tui.text import clean, fit

HEADER_ROWS = 1
_GUTTER = {
    (False, False): " ",
    (False, True): "*",
    (True, False): ">",
    (True, True): "»",
}
"""The first cell of a row, by whether the cursor is on it and whether it is marked."""


class Column(NamedTuple):
    """A column as it is drawn now."""

    id: str
    label: str
    width: int
    right: bool = False


Piece = tuple[str, str]
"""A cleaned text, and the kind of its style."""


class Cell(NamedTuple):
    """A cell: its text, and the kind of its style (empty for plain)."""

    text: str
    kind: str = ""
    parts: tuple[Piece, ...] = ()
    """Its pieces, instead of ``text``, where their kinds differ."""


@dataclass
class RowOpened(Message):
    """A row was double-clicked."""

    row_id: int


@dataclass
class RowMoved(Message):
    """The cursor is on another row, or on none."""

    row_id: int | None


class RowTable(ScrollView, can_focus=True):
    """The base of all tables; who derives from it says which rows, columns and cells there are."""

    BINDINGS = bindings("table")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--blurred",
        "table--empty",
        *(f"state--{kind}" for kind in KINDS),
    }

    cursor_id: reactive[int | None] = reactive(None, repaint=False)
    empty_text: reactive[str] = reactive("")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.ids: Sequence[int] = ()
        self.marks: set[int] = set()
        self._columns: tuple[Column, ...] = ()
        self._columns_width = -1
        self._styles: dict[tuple[str, str], Style] = {}

    # --- what a table is made of

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """The columns that fit into ``width`` cells."""
        raise NotImplementedError

    def cells(self, row_id: int, columns: tuple[Column, ...]) -> list[Cell]:
        """The cells of a row, one for each column."""
        raise NotImplementedError

    def pieces(self, row_id: int, columns: tuple[Column, ...]) -> list[Piece]:
        """The same as it is drawn."""
        cells = zip(columns, self.cells(row_id, columns), strict=True)
        return [piece for column, cell in cells for piece in draw(column, cell)]

    def position(self, row_id: int | None) -> int | None:
        """Where a row is; None when it is not there."""
        try:
            return self.ids.index(row_id) if row_id is not None else None
        except ValueError:
            return None

    # --- rows

    def show(self, ids: Sequence[int]) -> None:
        """Show these rows; the cursor stays on its row, and its row where it is on the screen."""
        old_position = self._cursor_position
        self.ids = ids
        self.virtual_size = Size(self.size.width, len(ids) + HEADER_ROWS)
        position = self.position(self.cursor_id)
        if position is None and ids:
            position = min(old_position, len(ids) - 1)
            self.cursor_id = ids[position]
        elif position is None:
            position = 0
            self.cursor_id = None
        moved = position - old_position
        self._cursor_position = position
        if moved and self.scroll_offset.y:
            self._scroll(self.scroll_offset.y + moved)
        self._show_cursor()
        self.refresh()

    _cursor_position = 0

    @property
    def cursor_place(self) -> tuple[int | None, int]:
        """The row under the cursor, and how far down the screen it is."""
        return self.cursor_id, self._cursor_position - self.scroll_offset.y

    def select(self, row_id: int) -> bool:
        """Put the cursor on a row. False where it is not shown, or not shown yet."""
        position = self.position(row_id)
        # `position` may know of rows that the next `show` brings.
        if position is None or position >= len(self.ids) or self.ids[position] != row_id:
            return False
        self._move_to(position)
        return True

    def _move_to(self, position: int) -> None:
        if not self.ids:
            return
        position = max(0, min(position, len(self.ids) - 1))
        old = self._cursor_position
        self._cursor_position = position
        self.cursor_id = self.ids[position]
        self.refresh_row(old)
        self.refresh_row(position)
        self._show_cursor()

    def watch_cursor_id(self, cursor_id: int | None) -> None:
        """Tell the screen."""
        self.post_message(RowMoved(cursor_id))

    def _show_cursor(self) -> None:
        height = self._page
        top = self.scroll_offset.y
        at = self._cursor_position
        if at < top:
            self._scroll(at)
        elif height > 0 and at >= top + height:
            self._scroll(at - height + 1)

    def _scroll(self, top: int) -> None:
        # forced: the scrollbar that would allow it may not be laid out yet
        self.scroll_to(y=top, animate=False, force=True, immediate=True)

    @property
    def _page(self) -> int:
        return max(self.size.height - HEADER_ROWS, 1)

    def on_screen(self) -> range:
        """The positions of the rows that are on the screen."""
        top = self.scroll_offset.y
        return range(top, min(top + self._page, len(self.ids)))

    def refresh_row(self, position: int) -> None:
        """Paint one row again, where it is visible."""
        y = position - self.scroll_offset.y + HEADER_ROWS
        if HEADER_ROWS <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def refresh_cells(self, cells: Iterable[tuple[int, int]]) -> None:
        """Paint some cells again: the position of a row on the screen, the number of a column."""
        starts = list(accumulate((column.width + 1 for column in self.columns), initial=1))
        down = HEADER_ROWS - self.scroll_offset.y
        regions = [
            Region(starts[number], position + down, self.columns[number].width, 1)
            for position, number in cells
        ]
        if regions:
            self.refresh(*regions)

    # --- drawing

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns at the present width."""
        return self._columns_at(self.size.width)

    def _columns_at(self, width: int) -> tuple[Column, ...]:
        if width != self._columns_width:
            self._columns = self.columns_for(width - 1)  # one cell for the cursor
            self._columns_width = width
        return self._columns

    def forget_columns(self) -> None:
        """Lay the columns out anew."""
        self._columns_width = -1
        self.refresh()

    def on_resize(self, _: events.Resize) -> None:
        """Lay the columns out for the new width."""
        self.virtual_size = Size(self.size.width, len(self.ids) + HEADER_ROWS)
        self._show_cursor()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some lines of the widget; styles are worked out once for all of them."""
        self._styles.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of the widget: the header, a row, or what is said when there is none."""
        width = self.size.width
        if y < HEADER_ROWS:
            return self._header(width)
        position = self.scroll_offset.y + y - HEADER_ROWS
        if position < len(self.ids):
            return self._row(position, width)
        base = self._style("")
        if not self.ids and y == 2 and self.empty_text:
            style = base + self.get_component_rich_style("table--empty", partial=True)
            return Strip([Segment(fit("  " + self.empty_text, width), style)], width)
        return Strip.blank(width, base)

    def _header(self, width: int) -> Strip:
        style = self.get_component_rich_style("table--header")
        parts = [" "]
        parts += [fit(column.label, column.width, right=column.right) for column in self.columns]
        return Strip([Segment(fit_line(parts, width), style)], width)

    def _row(self, position: int, width: int) -> Strip:
        row_id = self.ids[position]
        at_cursor = position == self._cursor_position
        look = ("table--cursor" if self.has_focus else "table--blurred") if at_cursor else ""
        columns = self._columns_at(width)
        used = 1 + sum(column.width + 1 for column in columns)
        segments = []
        text, kind = _GUTTER[at_cursor, row_id in self.marks], ""
        # Joined where they look alike: each segment costs 40 bytes on the way to the terminal.
        for piece, its_kind in self.pieces(row_id, columns):
            if its_kind == kind:
                text += piece
            else:
                segments.append(Segment(text, self._style(kind, look)))
                text, kind = piece, its_kind
        segments.append(Segment(text, self._style(kind, look)))
        return Strip(segments, used).adjust_cell_length(width, self._style("", look))

    def _style(self, kind: str, look: str = "") -> Style:
        """The style of a kind of cell in a row that looks like ``look``, a component's name."""
        style = self._styles.get((kind, look))
        if style is None:
            if kind:
                part = self.get_component_rich_style(f"state--{kind}", partial=True)
                style = self._style("", look) + part
            elif look:
                style = self._style("") + self.get_component_rich_style(look, partial=True)
            else:
                style = self.rich_style
            self._styles[kind, look] = style
        return style

    # --- the mouse and the focus

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there; a double click opens."""
        position = self.scroll_offset.y + event.y - HEADER_ROWS
        if event.y >= HEADER_ROWS and position < len(self.ids):
            self._move_to(position)
            if event.chain == 2:
                self.post_message(RowOpened(self.ids[position]))

    def on_focus(self) -> None:
        """The cursor looks different with the focus."""
        self.refresh_row(self._cursor_position)

    def on_blur(self) -> None:
        """The cursor looks different without the focus."""
        self.refresh_row(self._cursor_position)

    # --- keys

    def action_cursor_down(self) -> None:
        """One row down."""
        self._move_to(self._cursor_position + 1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self._move_to(self._cursor_position - 1)

    def action_first(self) -> None:
        """To the first row."""
        self._move_to(0)

    def action_last(self) -> None:
        """To the last row."""
        self._move_to(len(self.ids) - 1)

    def action_half_down(self) -> None:
        """Half a page down."""
        self._move_to(self._cursor_position + self._page // 2)

    def action_half_up(self) -> None:
        """Half a page up."""
        self._move_to(self._cursor_position - self._page // 2)

    def action_page_down(self) -> None:
        """A page down."""
        self._move_to(self._cursor_position + self._page)

    def action_page_up(self) -> None:
        """A page up."""
        self._move_to(self._cursor_position - self._page)


def draw(column: Column, cell: Cell) -> list[Piece]:
    """What a cell is drawn as, with the space behind it."""
    if not cell.parts:
        return [(f"{fit(cell.text, column.width, right=column.right)} ", cell.kind)]
    used = sum(len(text) for text, _ in cell.parts)
    return [*cell.parts, (" " * (column.width - used + 1), "")]


def fit_line(parts: list[str], width: int) -> str:
    """The gutter and the columns of a line, one space between columns."""
    return fit(clean(parts[0] + " ".join(parts[1:])), width)
