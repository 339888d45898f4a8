"""Terminals that are hardly large enough, or not."""

from __future__ import annotations

import pytest
from console_doubles import run
from console_driver import HERE, console, three

from schedtui_tui.screens.quitting import QuitChoice


@pytest.mark.parametrize("size", [(30, 8), (39, 40), (140, 9), (12, 3)])
async def test_too_small_a_terminal_is_told_and_its_keys_do_nothing(size: tuple[int, int]) -> None:
    async with console(three(), size=size, embedded=HERE) as driver:
        await driver.shows("Too small")
        assert "alpha" not in driver.text()
        await driver.press("t", "D", "n", "enter")
        await driver.pilot.resize_terminal(80, 24)
        await driver.shows("alpha", "sort: name")
        assert driver.engine.named("trigger_job") == []
        assert len(driver.app.screen_stack) == 1


async def test_a_terminal_that_shrinks_and_grows_is_where_it_was() -> None:
    engine = three()
    engine.all_runs[1001] = run(1001, 1)
    async with console(engine) as driver:
        await driver.press("enter", "enter")
        await driver.shows("run 1001")
        for size in ((30, 8), (31, 7), (80, 24), (20, 24), (80, 24)):
            await driver.pilot.resize_terminal(*size)
            await driver.shows("run 1001" if size == (80, 24) else f"{size[0]} x {size[1]}")
        await driver.press("escape", "escape")
        await driver.shows("alpha")


@pytest.mark.parametrize("size", [(30, 8), (40, 10), (51, 12), (80, 15)])
async def test_quitting_can_be_answered_in_any_terminal(size: tuple[int, int]) -> None:
    async with console(three(), size=size, embedded=HERE) as driver:
        await driver.press("q")
        await driver.shows("Quit?", "Stay (n)", "Keep running (b)", "Stop it (s)")
        await driver.press("n")
        await driver.until(lambda: "Quit?" not in driver.text())
        await driver.press("q")
        await driver.shows("Stop it (s)")
        await driver.press("s")
        await driver.until(lambda: not driver.app.is_running)
        assert driver.app.return_value is QuitChoice.STOP


async def test_an_attached_console_is_left_at_once() -> None:
    async with console(three(), size=(30, 8)) as driver:
        await driver.press("q")
        await driver.until(lambda: not driver.app.is_running)
        assert driver.app.return_value is QuitChoice.LEFT
