"""Creating a job."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from console_doubles import FakeEngine
from console_driver import HERE, Driver, burst, console, control, open_form, with_functions
from textual.widget import Widget
from textual.widgets import Input, Select

from schedtui.clock import to_us
from schedtui.errors import ConflictError, FieldError, InvalidArgumentsError
from schedtui.models import After, FunctionInfo, Job, JobSpec
from schedtui_tui import app as app_module
from schedtui_tui.app import Console, Embedded
from schedtui_tui.fields import MAX_FIELDS
from schedtui_tui.link import EngineTime
from schedtui_tui.screens.create import CreateScreen
from schedtui_tui.screens.jobs import JobsScreen
from schedtui_tui.widgets.form_row import ArgumentRow
from schedtui_tui.widgets.status_bar import StatusBar


async def test_create_with_preview() -> None:
    engine = with_functions()
    engine.group_zones["Reports"] = "Europe/Berlin"
    async with console(engine) as driver:
        await open_form(driver)
        await driver.press(*"ops", "tab", "tab", "down", "down", "up", "enter")
        await driver.press("tab", *"[5]", "tab", "tab", *"0 9 * * 1")
        await driver.shows("described: 0 9 * * 1", "Thu 2026-12-24 18:00:00 CET")
        previews = driver.engine.named("preview")
        trigger = {"type": "cron", "expression": "0 9 * * 1"}
        assert previews[-1][1:] == (trigger, None, "Reports", 5)
        assert len(previews) < 9
        await driver.press("ctrl+s")
        await driver.until(lambda: driver.engine.named("create_job"))
        spec = driver.engine.named("create_job")[0][1]
        assert spec.function == "Reports/send_report"
        assert spec.trigger == {"type": "cron", "expression": "0 9 * * 1"}
        assert spec.timezone is None
        assert spec.name is None
        assert spec.kwargs["recipient"] == "ops"
        assert spec.kwargs["limits"] == [5]
        assert "copies" not in spec.kwargs
        await driver.shows("Created Reports/send_report")
        await driver.until(lambda: driver.table.cursor_id == 100_000)


async def test_the_cursor_goes_to_the_new_job_though_its_event_overtakes_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app_module, "_REPAINT_S", 0.5)
    engine = with_functions()
    async with console(engine) as driver:
        create = engine.create_job

        async def overtaken(spec: JobSpec) -> Job:
            job = await create(spec)
            await driver.until(lambda: job.id in driver.app.jobs.rows)
            assert list(driver.table.ids) == [1, 2, 3]
            return job

        monkeypatch.setattr(engine, "create_job", overtaken)
        await open_form(driver)
        control(driver, "#typed").value = "0 9 * * 1"
        await driver.press("ctrl+s")
        await driver.until(lambda: 100_000 in driver.table.ids)
        assert driver.table.cursor_id == 100_000
        await driver.until(lambda: isinstance(driver.app.screen, JobsScreen))
        await driver.press("t")
        await driver.until(lambda: engine.named("trigger_job"))
        assert engine.named("trigger_job")[0][1] == "Reports/send_report"


async def test_keys_of_one_burst_go_where_tab_sent_them() -> None:
    async with console(with_functions(), size=(100, 40)) as driver:
        await open_form(driver)
        burst(driver, *"bob", "tab", "9", "tab", "tab", *"[7]", "shift+tab", "shift+tab", "8")
        rows = driver.app.screen.query(ArgumentRow)
        values = {row.argument.name: row.control for row in rows}
        await driver.until(lambda: control_value(values["copies"]) == "8")
        assert control_value(values["recipient"]) == "bob"
        assert control_value(values["limits"]) == "[7]"


async def test_a_burst_that_ends_with_create_is_created_whole() -> None:
    async with console(with_functions(), size=(100, 40)) as driver:
        await open_form(driver)
        control(driver, "#typed").value = "x"
        await driver.shows("described: x")
        control(driver, "#typed").value = ""
        await driver.pilot.pause()
        burst(driver, *"bob", *["tab"] * 5, *"90s", "ctrl+s")
        await driver.until(lambda: driver.engine.named("create_job"))
        spec = driver.engine.named("create_job")[0][1]
        assert spec.kwargs["recipient"] == "bob"
        assert spec.trigger == {"type": "every", "typed": "90s"}


def control_value(widget: Widget) -> str:
    assert isinstance(widget, Input)
    return widget.value


@pytest.mark.parametrize("embedded", [HERE, None])
async def test_a_job_can_be_begun_while_the_engine_starts(embedded: Embedded | None) -> None:
    gate = asyncio.Event()
    engine = with_functions()

    async def connect() -> FakeEngine:
        await gate.wait()
        return engine

    app = Console(connect, title="jobs.py", embedded=embedded)
    async with app.run_test(size=(80, 24)) as pilot:
        driver = Driver(app, pilot, engine)
        waiting = "Starting the engine …" if embedded else "Connecting …"
        await driver.shows(waiting)
        await driver.press("n", *"send_report", "enter")
        await driver.shows("which function?", "send_report", waiting)
        gate.set()
        await driver.shows("Send it.")
        await driver.press("enter")
        await driver.shows("recipient *")
    assert not engine.named("trigger_job")


async def test_a_lost_engine_keeps_what_is_typed_for_a_new_job() -> None:
    async with console(with_functions()) as driver:
        driver.engine.kill()
        await driver.shows("disconnected")
        await driver.press("n", *"send_report")
        await driver.shows("which function?", "Not connected: connection refused")
        driver.engine.revive()
        await driver.shows("Send it.")


@pytest.mark.parametrize(
    ("kind", "typed"),
    [("every", "5m"), ("once", "tomorrow 7:30"), ("calendar", "every 2 weeks at 9:00")],
)
async def test_other_kinds_of_triggers(kind: str, typed: str) -> None:
    async with console(with_functions()) as driver:
        await open_form(driver)

        driver.app.screen.query_one("#kind", Select).value = kind
        control(driver, "#typed").value = typed
        await driver.shows(f"described: {typed}")
        assert driver.engine.named("preview")[-1][1] == {"type": kind, "typed": typed}


async def test_a_job_may_run_after_others_with_or_without_a_schedule() -> None:
    async with console(with_functions()) as driver:
        await open_form(driver)
        control(driver, "#after").value = "Reports/export, Reports/load:failure"
        await driver.press(*"ops", "ctrl+s")
        await driver.until(lambda: driver.engine.named("create_job"))
        spec = driver.engine.named("create_job")[0][1]
        assert spec.trigger is None
        assert spec.after == (
            After(job="Reports/export"),
            After(job="Reports/load", on="failure"),
        )


async def test_any_trigger_may_be_typed_as_json() -> None:
    async with console(with_functions()) as driver:
        await open_form(driver)

        control(driver, "#typed").value = '{"type": "never"}'
        await driver.until(lambda: bool(driver.engine.named("preview")))
        assert driver.engine.named("preview")[-1][1] == {"type": "never"}
        await driver.shows("any, as JSON")


async def test_the_zone_is_the_groups_until_one_is_typed() -> None:
    engine = with_functions()
    engine.group_zones |= {"Reports": "Asia/Tokyo", "ops": "America/New_York"}
    async with console(engine, size=(100, 40)) as driver:
        await open_form(driver)
        await driver.shows(" the group's, else the engine's")
        control(driver, "#typed").value = "0 9 * * 1"
        await driver.shows("JST", "Asia/Tokyo (the group's, else the engine's)")
        control(driver, "#group").value = "ops"
        await driver.shows("EST", "America/New_York (the group's, else the engine's)")
        control(driver, "#zone").value = "Europe/Berlin"
        await driver.shows("CET")
        control(driver, "#zone").value = ""
        await driver.shows("EST")


async def test_what_is_typed_chooses_the_kind_until_a_person_does() -> None:
    async with console(with_functions(), size=(100, 40)) as driver:
        await open_form(driver)
        for typed, kind in (("90s", "every"), ("tomorrow 7:30", "once"), ("*/5 * * * *", "cron")):
            control(driver, "#typed").value = typed
            await driver.shows(f"described: {typed}")
            assert driver.engine.named("preview")[-1][1]["type"] == kind
        await driver.shows("cron expression")
        driver.app.screen.query_one("#kind", Select).value = "once"
        control(driver, "#typed").value = "5m"
        await driver.shows("described: 5m")
        assert driver.engine.named("preview")[-1][1] == {"type": "once", "typed": "5m"}


async def test_all_that_is_wrong_is_said_at_once_and_the_topmost_has_the_focus() -> None:
    async with console(with_functions(), size=(100, 40)) as driver:
        await open_form(driver)
        typed = control(driver, "#typed")
        await driver.press("tab", "tab", "tab", *"[", "ctrl+s")
        await driver.shows("expected 0 9 * * mon-fri", "not JSON")
        typed.value = "bad"
        await driver.shows("expected five fields")
        typed.focus()
        await driver.press("ctrl+s")
        await driver.shows("not JSON", "expected five fields")
        assert driver.app.focused is not typed
        assert not driver.engine.named("create_job")


async def test_the_topmost_of_the_engines_complaints_has_the_focus() -> None:
    async with console(with_functions(), size=(100, 40)) as driver:
        await open_form(driver)
        first = driver.app.focused
        await driver.press(*"ops")
        control(driver, "#typed").value = "0 9 * * 1"
        errors = (
            FieldError(field="name", got="x", expected="another"),
            FieldError(field="kwargs.recipient", got=None, expected="an address"),
        )
        driver.engine.create_error = InvalidArgumentsError("wrong", errors)
        control(driver, "#typed").focus()
        await driver.press("ctrl+s")
        await driver.shows("expected an address", "expected another")
        await driver.until(lambda: driver.app.focused is first)


async def test_errors_stand_beside_their_fields() -> None:
    async with console(with_functions(), size=(100, 40)) as driver:
        await open_form(driver)
        control(driver, "#typed").value = "bad"
        await driver.shows("expected five fields")
        control(driver, "#typed").value = "0 9 * * 1"
        await driver.until(lambda: "expected five fields" not in driver.text())
        control(driver, "#zone").value = "Mars/Base"
        await driver.shows("expected a zone")
        errors = (
            FieldError(field="kwargs.recipient", got=None, expected="an address"),
            FieldError(field="trigger.expression", got="x", expected="a future"),
            FieldError(field="policies.grace_s", got="x", expected="seconds"),
        )
        driver.engine.create_error = InvalidArgumentsError("wrong", errors)
        await driver.press("ctrl+s")
        await driver.shows("expected an address", "expected a future")
        await driver.shows("policies.grace_s: expected seconds")
        driver.engine.create_error = ConflictError("Reports/send_report is taken")
        await driver.press("ctrl+s")
        await driver.shows("Reports/send_report is taken")
        assert "expected an address" not in driver.text()


async def test_a_second_that_passes_while_the_form_goes_is_no_accident() -> None:
    async with console(with_functions()) as driver:
        await open_form(driver)
        await driver.app.screen.query_one(StatusBar).remove()  # as at the end of the app
        driver.app._tick()


async def test_a_stale_preview_is_dropped() -> None:
    async with console(with_functions()) as driver:
        await open_form(driver)
        gate = driver.engine.preview_gate = asyncio.Event()
        control(driver, "#typed").value = "old"
        await driver.until(lambda: len(driver.engine.named("preview")) == 1)
        driver.engine.preview_gate = None
        control(driver, "#typed").value = "new"
        await driver.shows("described: new")
        gate.set()
        await driver.pilot.pause(0.05)
        assert "described: new" in driver.text()


async def test_times_that_have_passed_are_asked_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "_tick", lambda _: None)
    async with console(with_functions(), size=(100, 40)) as driver:
        first = to_us(datetime(2026, 12, 24, 17, tzinfo=UTC))  # of the engine's answer
        monkeypatch.setattr(EngineTime, "now_us", lambda _: first - 90_000_000)
        await open_form(driver)
        screen = driver.app.screen
        assert isinstance(screen, CreateScreen)
        control(driver, "#typed").value = "90s"
        await driver.shows("2026-12-24 17:00:00")
        driver.engine.group_zones["Reports"] = "Asia/Tokyo"
        for early in (first - 80_000_000, first - 1):
            screen.tick(early)
        await driver.pilot.pause()
        assert len(driver.engine.named("preview")) == 1
        screen.tick(first)
        await driver.shows("JST")
        control(driver, "#typed").value = ""
        await driver.shows("Type when the job is due.")
        screen.tick(first + 1)
        await driver.pilot.pause()
        assert len(driver.engine.named("preview")) == 2


async def test_leaving_the_form_asks_only_when_something_was_typed() -> None:
    async with console(with_functions()) as driver:
        await open_form(driver)
        await driver.shows("F1 Help")
        await driver.press("escape")
        await driver.shows("LAST 10")
        await open_form(driver)
        await driver.press("x", "escape")
        await driver.shows("Leave without creating?")
        await driver.press("enter")
        await driver.shows("recipient *")
        await driver.press("escape", "y")
        await driver.shows("LAST 10")


async def test_more_parameters_than_a_person_fills_in() -> None:
    engine = with_functions()
    properties = {f"p{number}": {"type": "string"} for number in range(5000)}
    schema = {"properties": properties, "required": ["p4999"]}
    engine.function_list = (FunctionInfo(group="etl", name="wide", parameters=schema),)
    engine.create_error = InvalidArgumentsError(
        "many are wrong",
        tuple(
            FieldError(field=f"kwargs.p{number}", got=None, expected="a text")
            for number in reversed(range(5000))
        ),
    )
    async with console(engine, size=(80, 60)) as driver:
        await driver.press("n")
        await driver.shows("FUNCTION", "wide")
        await driver.press("enter")
        await driver.shows("p4999 *", "p40", "4,950 more have no field here")
        assert len(driver.app.screen.query(ArgumentRow)) == MAX_FIELDS
        await driver.press("ctrl+s")
        await driver.shows("expected a text", "kwargs.p4998")
