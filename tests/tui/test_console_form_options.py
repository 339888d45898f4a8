"""Policies in the form for a new job."""

from __future__ import annotations

from console_driver import Driver, console, control, open_form, with_functions
from textual.widgets import Input, Select

from schedtui.errors import FieldError, InvalidError
from schedtui.models import Overlap, Policies
from schedtui_tui.widgets.policy_row import PolicyRow


def row(driver: Driver, field: str) -> PolicyRow:
    rows = driver.app.screen.query(PolicyRow)
    return next(one for one in rows if one.option.field == field)


def type_into(driver: Driver, field: str, text: str) -> None:
    box = row(driver, field).control
    assert isinstance(box, Input)
    box.value = text


async def filled(driver: Driver) -> None:
    await open_form(driver)
    await driver.press(*"ops")
    control(driver, "#typed").value = "0 9 * * 1"


async def test_nothing_is_decided_that_was_left_empty() -> None:
    async with console(with_functions(), size=(100, 60)) as driver:
        await filled(driver)
        await driver.shows("Options", "overlap", "retry delay", "catch-up", "priority")
        await driver.press("ctrl+s")
        await driver.until(lambda: driver.engine.named("create_job"))
        assert driver.engine.named("create_job")[0][1].policies == Policies()


async def test_options_are_sent_as_policies() -> None:
    async with console(with_functions(), size=(100, 60)) as driver:
        await filled(driver)
        select = row(driver, "overlap").control
        assert isinstance(select, Select)
        select.value = "queue_one"
        for field, text in (("retries", "2"), ("retry_delay_s", "1m30s"), ("timeout_s", "2h")):
            type_into(driver, field, text)
        type_into(driver, "priority", "-5")
        await driver.press("ctrl+s")
        await driver.until(lambda: driver.engine.named("create_job"))
        assert driver.engine.named("create_job")[0][1].policies == Policies(
            overlap=Overlap.QUEUE_ONE,
            retries=2,
            retry_delay_s=90.0,
            timeout_s=7_200.0,
            priority=-5,
        )


async def test_what_is_wrong_stands_beside_its_field_and_has_the_focus() -> None:
    async with console(with_functions(), size=(100, 60)) as driver:
        await filled(driver)
        type_into(driver, "retries", "many")
        type_into(driver, "timeout_s", "soon")
        await driver.pilot.pause()  # what is typed after a complaint takes it away
        await driver.press("ctrl+s")
        await driver.shows("expected a whole number", "expected a duration such as 90s")
        await driver.until(lambda: driver.app.focused is row(driver, "retries").control)
        assert not driver.engine.named("create_job")
        type_into(driver, "retries", "2")
        type_into(driver, "timeout_s", "")
        await driver.pilot.pause()
        error = FieldError(field="policies.retries", got=2, expected="fewer")
        driver.engine.create_error = InvalidError("wrong", (error,))
        await driver.press("ctrl+s")
        await driver.shows("expected fewer")
        assert "expected a duration" not in driver.text()


async def test_what_is_wrong_is_told_when_its_field_is_left() -> None:
    async with console(with_functions(), size=(100, 60)) as driver:
        await open_form(driver)
        await driver.press("tab", "x")
        assert "expected a whole number" not in driver.text()
        await driver.press("tab", "tab", *"[1", "tab")
        await driver.shows("expected a whole number", "not JSON")
        await driver.press("shift+tab", "shift+tab", "shift+tab", "7")
        await driver.until(lambda: "expected a whole number" not in driver.text())
        row(driver, "timeout_s").control.focus()
        await driver.press(*"soon", "tab")
        await driver.shows("expected a duration such as 90s")
        await driver.shows("not JSON")
        assert "expected a whole number" not in driver.text()


async def test_leaving_a_field_keeps_what_the_engine_said_of_it() -> None:
    async with console(with_functions(), size=(100, 60)) as driver:
        await filled(driver)
        error = FieldError(field="kwargs.recipient", got="ops", expected="an address")
        driver.engine.create_error = InvalidError("wrong", (error,))
        await driver.press("ctrl+s")
        await driver.shows("expected an address")
        await driver.press("tab", "tab")
        await driver.shows("expected an address")
