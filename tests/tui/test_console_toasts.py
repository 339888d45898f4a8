"""What is said for a few seconds, and what it may cover."""

from __future__ import annotations

import pytest
from console_driver import HERE, Driver, console, three

from schedtui_tui.app import Console

ANSWERS = ("Stay (n)", "Keep running (b)", "Stop it (s)")


@pytest.fixture(autouse=True)
def _none_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "NOTIFICATION_TIMEOUT", 600)


async def _trigger_all(driver: Driver) -> None:
    for name in ("alpha", "beta", "gamma"):
        await driver.press("t")
        await driver.shows(f"Triggered Reports/{name}")
        await driver.press("j")


@pytest.mark.parametrize(("rows", "told"), [(24, 1), (40, 1), (50, 2)])
async def test_only_the_newest_are_shown(rows: int, told: int) -> None:
    async with console(three(), size=(80, rows)) as driver:
        await _trigger_all(driver)
        await driver.until(lambda: driver.text().count("Triggered") == told)
        await driver.shows("Triggered Reports/gamma")


async def test_a_burst_is_no_pile_either() -> None:
    async with console(three()) as driver:
        for number in range(30):
            driver.app.toast(f"number {number}.")
        await driver.shows("number 29.")
        await driver.until(lambda: driver.text().count("number") == 1)


async def test_those_that_made_room_leave_nothing_behind() -> None:
    async with console(three()) as driver:
        widgets = len(driver.app.screen.query("*"))
        for number in range(12):
            driver.app.toast(f"number {number}.")
            await driver.shows(f"number {number}.")
        assert len(driver.app.screen.query("*")) < widgets + 6


async def test_a_question_is_covered_by_none() -> None:
    async with console(three(), embedded=HERE) as driver:
        await _trigger_all(driver)
        driver.app.toast("x" * 300, severity="error")
        await driver.shows("xxxxx")
        await driver.press("q")
        await driver.shows(*ANSWERS)
        driver.app.toast("y" * 300, severity="error")
        await driver.pilot.pause()
        await driver.shows(*ANSWERS)
        assert "yyyyy" not in driver.text()
        await driver.press("escape")
        await driver.shows("yyyyy")
