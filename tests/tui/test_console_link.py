"""Losing and finding the engine, and leaving it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from console_doubles import FakeEngine, summary
from console_driver import HERE, Driver, console, three

from schedtui.errors import TargetError, UnreachableError
from schedtui.models import JobState, RunState
from schedtui_tui.app import Console, Embedded, QuitChoice


async def test_it_recovers_by_itself() -> None:
    async with console(three()) as driver:
        driver.engine.kill()
        await driver.shows("disconnected", "retry in")
        await driver.press("t")
        await driver.shows("Not connected: nothing was done")
        assert not driver.engine.named("trigger_job")
        driver.engine.rows[4] = summary(4, "delta")
        driver.engine.revive()
        await driver.shows("delta", "live")


@pytest.mark.parametrize("width", [120, 80, 60, 40])
async def test_the_time_of_the_next_try_is_shown_in_any_terminal(width: int) -> None:
    rows = [
        summary(
            id_,
            f"job {id_}",
            state=JobState.PAUSED if id_ > 20 else JobState.SCHEDULED,
            last_state=RunState.FAILED if id_ < 9 else RunState.LOST,
        )
        for id_ in range(1, 23)
    ]
    engine, title = FakeEngine(rows), "scheduler.example.org:8000"
    async with console(engine, size=(width, 24), title=title) as driver:
        assert "22 jobs" in driver.text().splitlines()[0]
        engine.kill()
        await driver.shows("disconnected")
        first = driver.text().splitlines()[0]
        reason = r": \S" if width > 40 else ""
        assert re.search(rf":8000  disconnected \S+, retry in \d+s{reason}", first), first
        assert ("22 jobs" in first) == (width == 120)
        engine.revive()
        await driver.until(lambda: "22 jobs" in driver.text().splitlines()[0])


async def test_reload_retries_at_once() -> None:
    async with console(three()) as driver:
        driver.engine.kill()
        await driver.shows("disconnected")
        driver.engine.revive()
        await driver.press("f5")
        await driver.until(lambda: driver.app.connection.live)
        assert driver.engine.snapshots == 2


async def test_a_gap_takes_a_new_snapshot() -> None:
    async with console(three()) as driver:
        driver.engine.rows[4] = summary(4, "delta")
        driver.engine.gap()
        await driver.shows("delta")
        assert driver.app.connection.live
        assert driver.engine.snapshots == 2


async def test_a_failed_start_ends_the_console() -> None:
    async def connect() -> FakeEngine:
        raise TargetError("no jobs here", file="jobs.py", line=3)

    app = Console(connect, title="jobs.py", embedded=HERE)
    async with app.run_test() as pilot:
        async with asyncio.timeout(5):
            while app.failure is None:
                await pilot.pause(0.01)
    assert app.return_value is QuitChoice.FAILED
    assert isinstance(app.failure, TargetError)


@pytest.mark.parametrize(
    ("embedded", "keys", "choice"),
    [
        (None, ["q"], QuitChoice.LEFT),
        (replace(HERE, demo=True), ["q"], QuitChoice.STOP),
        (HERE, ["q", "s"], QuitChoice.STOP),
        (HERE, ["q", "b"], QuitChoice.DETACH),
        (HERE, ["q", "right", "right", "enter"], QuitChoice.STOP),
        (None, ["enter", "ctrl+q"], QuitChoice.LEFT),
        (None, ["ctrl+c"], QuitChoice.LEFT),
    ],
)
async def test_quitting(embedded: Embedded | None, keys: list[str], choice: QuitChoice) -> None:
    async with console(three(), embedded=embedded) as driver:
        await driver.press(*keys)
    assert driver.app.return_value is choice
    assert ("aclose",) in driver.engine.calls


@pytest.mark.parametrize("keys", [["enter"], ["escape"], ["n"]])
async def test_staying(keys: list[str]) -> None:
    async with console(three(), embedded=HERE) as driver:
        await driver.press("q", "q")
        await driver.shows("Stay", "Keep running", "Stop it")
        await driver.press(*keys)
        await driver.press("j")
        assert driver.table.cursor_id == 2


async def test_no_detaching_where_it_cannot_be() -> None:
    async with console(three(), embedded=replace(HERE, can_detach=False)) as driver:
        await driver.press("q")
        await driver.shows("Stop it")
        assert "Keep running" not in driver.text()


@pytest.mark.parametrize(
    ("active", "said"),
    [
        (0, "No run is active"),
        (1, "1 run is active"),
        (2, "2 runs are active"),
    ],
)
async def test_it_says_what_stopping_would_wait_for(active: int, said: str) -> None:
    async with console(three(), embedded=replace(HERE, active_runs=lambda: active)) as driver:
        await driver.press("q")
        await driver.shows(said)


@pytest.mark.parametrize("host", ["10.100.200.111", "scheduler-of-the-second-site.example.org"])
async def test_the_header_keeps_the_port_of_a_narrow_console(host: str) -> None:
    async with console(three(), title=f"http://{host}:18787") as driver:
        header = driver.text().splitlines()[0]
        assert header.startswith(f" {host[:14]}")
        assert ":18787 " in header
        assert "live" in header


async def test_why_there_is_no_connection_is_said_in_the_empty_body() -> None:
    engine = three()
    engine.down = UnreachableError("http://10.100.200.111:18787 refuses; is the engine up?")
    app = Console(engine.connect, title="http://10.100.200.111:18787", embedded=None)
    async with app.run_test() as pilot:
        driver = Driver(app, pilot, engine)
        await driver.shows("Not connected: http://10.100.200.111:18787 refuses; is the engine up?")
