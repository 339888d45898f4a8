"""After a job was created: the keys are for it, and for no other one meanwhile."""

from __future__ import annotations

import pytest
from console_doubles import summary
from console_driver import Driver, console, control, open_form, with_functions
from textual.widgets import Input

from schedtui.models import JobSummary
from schedtui_tui.screens import jobs as jobs_module
from schedtui_tui.screens.jobs import JobsScreen

NEW = 100_000
NAME = "Reports/send_report"
WIDE = (140, 40)


def late(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> list[JobSummary]:
    """The engine tells of no new job until the test does; what it is to tell."""
    held: list[JobSummary] = []
    monkeypatch.setattr(driver.engine, "change", lambda *rows, **_: held.extend(rows))
    return held


async def create(driver: Driver) -> None:
    await open_form(driver)
    control(driver, "#typed").value = "0 9 * * 1"
    await driver.press("ctrl+s")
    await driver.until(lambda: isinstance(driver.app.screen, JobsScreen))


async def test_no_key_acts_on_another_job_until_the_new_one_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs_module, "_AWAIT_S", 60)
    async with console(with_functions(), size=WIDE) as driver:
        change = driver.engine.change
        held = late(driver, monkeypatch)
        await create(driver)
        for key in ("p", "b", "D", "x", "enter", "l", "r", "space", "t"):
            await driver.press(key)
            assert len(driver.app.screen_stack) == 1, key
        await driver.shows(f"Wait for {NAME}: nothing was done")
        assert not driver.table.marks
        acting = {"trigger_job", "pause_job", "delete_job", "cancel_run"}
        assert not acting & {call[0] for call in driver.engine.calls}
        change(*held)
        await driver.until(lambda: driver.table.cursor_id == NEW)
        await driver.press("t")
        await driver.until(lambda: driver.engine.named("trigger_job"))
        assert driver.engine.named("trigger_job")[0][1] == NAME


async def test_moving_the_cursor_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(with_functions(), size=WIDE) as driver:
        change = driver.engine.change
        held = late(driver, monkeypatch)
        await create(driver)
        await driver.press("j", "t")
        await driver.until(lambda: driver.engine.named("trigger_job"))
        assert driver.engine.named("trigger_job")[0][1] == "Reports/beta"
        change(*held)
        await driver.until(lambda: NEW in driver.table.ids)
        assert driver.table.cursor_id == 2


async def test_rows_that_move_by_themselves_do_not_end_the_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs_module, "_AWAIT_S", 60)
    async with console(with_functions(), size=WIDE) as driver:
        change = driver.engine.change
        late(driver, monkeypatch)
        await create(driver)
        change(removed=(1,))
        await driver.until(lambda: driver.table.cursor_id == 2)
        await driver.press("t")
        await driver.shows(f"Wait for {NAME}")
        assert not driver.engine.named("trigger_job")


async def test_the_wait_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "_AWAIT_S", 0.01)
    async with console(with_functions(), size=WIDE) as driver:
        late(driver, monkeypatch)
        await create(driver)
        screen = driver.app.screen
        assert isinstance(screen, JobsScreen)
        await driver.until(lambda: screen._awaited is None)
        await driver.press("t")
        await driver.until(lambda: driver.engine.named("trigger_job"))
        assert driver.engine.named("trigger_job")[0][1] == "Reports/alpha"


@pytest.mark.parametrize("known", [True, False])
async def test_a_new_job_that_the_filter_hides_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    async with console(with_functions(), size=WIDE) as driver:
        change = driver.engine.change
        held = [] if known else late(driver, monkeypatch)
        await driver.press("slash", *"alpha", "enter")
        await driver.until(lambda: list(driver.table.ids) == [1])
        await create(driver)
        change(*held)
        await driver.shows(f"{NAME} is hidden by the filter")
        await driver.press("t")
        await driver.until(lambda: driver.engine.named("trigger_job"))
        assert driver.engine.named("trigger_job")[0][1] == "Reports/alpha"


async def test_an_old_job_is_never_waited_for() -> None:
    async with console(with_functions(), size=WIDE) as driver:
        screen = driver.app.screen
        assert isinstance(screen, JobsScreen)
        screen.await_job(2, summary(2, "beta").full_name)
        assert driver.table.cursor_id == 2
        assert not screen.awaits()
        assert not isinstance(driver.app.focused, Input)
