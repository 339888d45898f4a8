"""Texts that are told again and again: laid out anew when they need other room, and only then."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll

import schedtui_tui
from schedtui_tui.prefs import Prefs
from schedtui_tui.widgets.detail import DetailPane
from schedtui_tui.widgets.said import Said


class Pane(App[None]):
    CSS_PATH = Path(schedtui_tui.__file__).with_name("schedtui.tcss")

    def __init__(self, pane: VerticalScroll) -> None:
        super().__init__()
        self.pane = pane
        self.layouts = 0

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, self.count)

    def count(self, _: object) -> None:
        self.layouts += 1


async def test_a_text_that_outgrows_its_pane_can_be_scrolled_and_shrinks_again() -> None:
    app = Pane(DetailPane(Prefs()))
    async with app.run_test(size=(40, 20)) as pilot:
        said = app.query_one(Said)
        await pilot.pause(0.1)  # the layouts of the start
        before = app.layouts
        said.say([("one\ntwo", "")])
        await pilot.pause()
        assert app.layouts == before
        assert app.pane.max_scroll_y == 0

        said.say([("\n".join(f"line {number}" for number in range(60)), "")])
        await pilot.pause()
        assert app.pane.max_scroll_y == 40

        said.say([("short", "")])
        await pilot.pause()
        assert app.pane.max_scroll_y == 0

        said.say([("\n".join(f"line {number}" for number in range(15)), "")])
        await pilot.pause()
        await pilot.resize_terminal(40, 10)
        async with asyncio.timeout(10):
            while app.pane.max_scroll_y != 5:
                await pilot.pause(0.01)
