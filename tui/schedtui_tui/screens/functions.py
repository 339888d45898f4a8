"""The first step of a new job: which function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.widgets import Input, Static

from schedtui.models import FunctionInfo
from schedtui.protocols import EngineClient
from schedtui_tui.connection import Connection
from schedtui_tui.keys import bindings
from schedtui_tui.link import explain
from schedtui_tui.screens.base import ConsoleScreen
from schedtui_tui.text import block, clean, cut
from schedtui_tui.widgets.key_bar import KeyBar
from schedtui_tui.widgets.pieces import content
from schedtui_tui.widgets.said import Said
from schedtui_tui.widgets.status_bar import StatusBar
from schedtui_tui.widgets.table import Cell, Column, RowMoved, RowOpened, RowTable
from schedtui_tui.widgets.text_input import TextInput


class FunctionTable(RowTable):
    """Functions by their number in the list."""

    def __init__(self) -> None:
        super().__init__()
        self.functions: Mapping[int, FunctionInfo] = {}

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """Name, group, and the first line of the documentation."""
        name, group = max(width * 3 // 10, 12), max(width // 5, 8)
        return (
            Column("name", "FUNCTION", name),
            Column("group", "GROUP", group),
            Column("doc", "WHAT IT DOES", max(width - name - group - 2, 0)),
        )

    def cells(self, row_id: int, columns: tuple[Column, ...]) -> list[Cell]:  # noqa: ARG002 - as in the base
        """A function's cells."""
        function = self.functions[row_id]
        first, _, _ = function.doc.strip().partition("\n")
        return [Cell(function.name), Cell(function.group, "muted"), Cell(first, "muted")]


class FunctionsScreen(ConsoleScreen[None]):
    """A list to choose from; typing narrows it."""

    SCOPES: ClassVar[tuple[str, ...]] = ("functions", "table", "app")
    BINDINGS = bindings("functions")
    AUTO_FOCUS = "#function-filter"

    def __init__(self) -> None:
        super().__init__()
        self._functions: dict[int, FunctionInfo] = {}

    def compose(self) -> ComposeResult:
        """A field, the list, the documentation of the chosen one."""
        console = self.console
        yield self.status_bar()
        yield Static(content([(" jobs > ", "dim"), ("new: which function?", "bold")]), id="crumbs")
        yield TextInput(placeholder="type to narrow the list", id="function-filter")
        yield FunctionTable()
        yield Said(id="function-doc")
        yield KeyBar(self.SCOPES, read_only=console.read_only, typing=True)

    def on_mount(self) -> None:
        """Ask the engine for its functions, as soon as it is there."""
        console = self.console
        self._table = self.query_one(FunctionTable)
        self._status = self.query_one(StatusBar)
        console.connection_changed.subscribe(self, self._connection)
        self._connection(console.connection)
        self.ready = True

    def _connection(self, connection: Connection) -> None:
        was = self._status.connection.live
        self._status.tell(connection, self.console.clock.now_us())
        client = self.console.link.client
        if connection.live and not was and client is not None:
            self._table.empty_text = "Reading the functions …"
            self._load(client)
        elif not connection.live and not self._functions:
            text = self.starting_text() or f"Not connected: {connection.reason}"
            self._table.empty_text = cut(text, 300)

    def tick(self, now_us: int) -> None:
        """A second has passed."""
        self._status.tell(self.console.connection, now_us)

    @work(exclusive=True, group="functions", exit_on_error=False)
    async def _load(self, client: EngineClient) -> None:
        try:
            functions = await client.functions()
        except Exception as error:  # noqa: BLE001 - shown, whatever it is
            self._table.empty_text = cut(f"The functions cannot be read: {explain(error)}", 200)
            return
        self._functions = dict(enumerate(functions))
        self._table.functions = self._functions
        self._narrow(self.query_one("#function-filter", Input).value)

    @on(Input.Changed, "#function-filter")
    def _typed(self, event: Input.Changed) -> None:
        if self._functions:
            self._narrow(event.value)

    def _narrow(self, text: str) -> None:
        words = text.casefold().split()
        shown = [
            number
            for number, function in self._functions.items()
            if all(word in f"{function.full_name} {function.doc}".casefold() for word in words)
        ]
        if self._functions:
            self._table.empty_text = "No function matches"
        else:
            self._table.empty_text = "No functions are registered; @group.function() registers one"
        self._table.show(shown)
        self._describe()

    @on(RowMoved)
    def _describe(self) -> None:
        function = self._functions.get(
            -1 if self._table.cursor_id is None else self._table.cursor_id
        )
        text = "" if function is None else block(function.doc.strip(), max_lines=4, max_chars=600)
        where = f"{cut(function.file, 60)}:{function.line}" if function and function.file else ""
        self.query_one("#function-doc", Said).say([(f"{clean(where)}\n", "dim"), (text, "")])

    def _chosen(self) -> FunctionInfo | None:
        cursor = self._table.cursor_id
        return None if cursor is None else self._functions.get(cursor)

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while the field has the focus."""
        moves = {
            "down": self._table.action_cursor_down,
            "up": self._table.action_cursor_up,
            "pagedown": self._table.action_page_down,
            "pageup": self._table.action_page_up,
        }
        if event.key in moves and not self._table.has_focus:
            event.stop()
            moves[event.key]()

    @on(Input.Submitted, "#function-filter")
    @on(RowOpened)
    def action_choose(self) -> None:
        """Go on with this function."""
        function = self._chosen()
        client = self.client() if function is not None else None
        if function is not None and client is not None:
            from schedtui_tui.screens.create import CreateScreen

            self.app.switch_screen(CreateScreen(client, function))

    def action_back(self) -> None:
        """Back to the jobs."""
        self.dismiss()
