"""The list of jobs: columns, cursor, order, filter."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from console_doubles import FakeEngine, summary
from console_driver import HERE, Driver, burst, console, three
from textual import events
from textual.widgets import Input

from schedtui.clock import to_us
from schedtui.models import JobState, RunState
from schedtui_tui.app import Console


@pytest.mark.parametrize("size", [(80, 24), (110, 30), (140, 40)])
async def test_every_column_is_there(size: tuple[int, int]) -> None:
    async with console(three(), size=size) as driver:
        await driver.shows("JOB", "GROUP", "SCHEDULE", "NEXT", "STATE", "LAST", "LAST 10")
        await driver.shows("alpha", "Reports", "*/5 * * * *", "in 1m", "✓ succeeded", "3 jobs")
        assert "TOOK" in driver.text() or size[0] == 110


@pytest.mark.parametrize("size", [(80, 24), (119, 30), (120, 30), (140, 40)])
async def test_nothing_is_cut(size: tuple[int, int]) -> None:
    now = datetime.now(UTC)
    year = (now + timedelta(days=400)).year
    rows = [
        summary(1, "rebuild_search_index", schedule=f"once {now.year}-12-24 18:00:59.25"),
        summary(2, "daily", schedule="0 9 * * mon-fri"),
        summary(3, "later", schedule=f"once {year}-12-24 18:00", group="日本支a"),
        summary(4, "soon", next_due_us=to_us(now + timedelta(days=3)), group="reports"),
    ]
    async with console(FakeEngine(rows), size=size) as driver:
        await driver.shows("rebuild_search_index ", "24 Dec 18:00 ", "0 9 * * mon-fri ", "LAST 10")
        await driver.shows(f"24 Dec {year}", "日本支a ", f"{now + timedelta(days=3):%a} ")
        table = [line.partition("│")[0] for line in driver.text().splitlines()[:8]]
        assert "…" not in "".join(table)
        if size[0] in (119, 140):
            driver.engine.change(summary(4, "soon", schedule="*/15 8-18 * * mon-fri"))
            await driver.shows("*/15 8-18 * * mon-fri ", "rebuild_search_index ")


async def test_the_header_counts_what_the_filter_shows() -> None:
    states = [RunState.FAILED] * 3 + [RunState.LOST] * 2 + [RunState.TIMED_OUT]
    rows = [summary(n, f"job-{n}", last_state=state) for n, state in enumerate(states)]
    rows.append(summary(9, "job-9", running_id=1, active=1, state=JobState.PAUSED))
    async with console(FakeEngine(rows), size=(140, 40)) as driver:
        await driver.shows("7 jobs  1 running  3 failed  1 timed_out  2 lost  1 paused")
        for word, count in (("failed", 3), ("timed_out", 1), ("lost", 2)):
            await driver.press("slash", *f"state:{word}", "enter")
            await driver.shows(f"{count} of 7 match state:{word}")
            await driver.press("escape")
        await driver.pilot.resize_terminal(80, 24)
        await driver.shows(" jobs.py ", "7 jobs  1 running  3 failed  1 timed_out", "Z")


async def test_the_first_frame_does_not_wait_for_the_engine() -> None:
    gate = asyncio.Event()

    async def connect() -> FakeEngine:
        await gate.wait()
        return three()

    app = Console(connect, title="jobs.py", embedded=HERE)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        driver = Driver(app, pilot, three())
        await driver.shows("jobs.py", "Starting the engine", "? Help")
        await driver.press("t")
        await driver.shows("The engine is still starting", "nothing was done")
        gate.set()
        await driver.shows("alpha")


async def test_the_cursor_stays_on_its_job() -> None:
    async with console(three()) as driver:
        await driver.press("j")
        assert driver.table.cursor_id == 2
        driver.engine.change(summary(9, "aaa"), summary(8, "aab"))
        await driver.until(lambda: len(driver.table.ids) == 5)
        assert driver.table.cursor_id == 2
        driver.engine.change(removed=(2,))
        await driver.until(lambda: len(driver.table.ids) == 4)
        assert driver.table.cursor_id == 3
        driver.engine.change(removed=(1, 3, 8, 9))
        await driver.shows("No jobs yet; n creates one")
        assert driver.table.cursor_id is None


async def test_a_countdown_runs() -> None:
    async with console(three()) as driver:
        row = driver.engine.rows[1]
        assert row.next_due_us is not None
        driver.table.tick(row.next_due_us - 4_000_000)
        await driver.shows("in 4s")
        driver.table.tick(row.next_due_us - 3_000_000)
        await driver.shows("in 3s")
        driver.table.tick(row.next_due_us + 9_000_000)
        await driver.shows("late 9s")


async def test_after_another_screen_the_clock_is_right_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Console, "_tick", lambda _: None)
    async with console(three()) as driver:
        await driver.press("enter")
        await driver.shows("jobs > Reports/alpha")
        now = datetime.now(UTC) + timedelta(hours=7)
        driver.app.clock.learn(replace(await driver.engine.info(), now=now), 0)
        await driver.press("escape")
        await driver.shows(f"{now:%H:%M}", "late 6h")


async def test_moving_and_sorting() -> None:
    engine = FakeEngine([summary(n, f"job-{n:03}") for n in range(1, 101)])
    async with console(engine) as driver:
        await driver.press("G")
        assert driver.table.cursor_id == 100
        await driver.shows("job-100")
        await driver.press("pageup", "ctrl+u", "k")
        assert driver.table.cursor_id == 100 - 20 - 10 - 1
        await driver.press("g", "ctrl+d", "pagedown")
        assert driver.table.cursor_id == 1 + 10 + 20
        await driver.press("I")
        assert driver.table.ids[0] == 100
        assert driver.table.cursor_id == 31
        await driver.press("s")
        await driver.shows("sort: next ↓", "NEXT ↓")


async def test_ten_thousand_jobs() -> None:
    engine = FakeEngine([summary(n, f"job-{n:05}") for n in range(1, 10_001)])
    async with console(engine) as driver:
        await driver.shows("10,000 jobs", "job-00001")
        await driver.press("slash", *"09999", "enter")
        await driver.shows("1 of 10,000 match", "job-09999")


async def test_filter_while_typing_and_clear() -> None:
    async with console(three()) as driver:
        await driver.press("slash", *"al")
        await driver.until(lambda: list(driver.table.ids) == [1])
        await driver.press("enter")
        await driver.shows("1 of 3 match al")
        assert driver.table.has_focus
        await driver.press("slash", "backspace", "backspace", *"zz")
        await driver.shows("No job matches zz")
        await driver.press("escape")
        await driver.until(lambda: len(driver.table.ids) == 3)
        assert driver.table.has_focus


async def test_a_wrong_filter_says_so_and_keeps_the_rows() -> None:
    async with console(three(), size=(140, 40)) as driver:
        await driver.press("slash", *"/(")
        await driver.shows("is not a regular expression")
        assert len(driver.table.ids) == 3


async def test_keys_typed_ahead_go_into_the_filter_and_not_to_the_jobs() -> None:
    async with console(FakeEngine([summary(1, "orders"), summary(2, "tatters")])) as driver:
        await driver.shows("orders", "tatters")
        for character in "/tatt":  # all at once, as a slow line delivers them
            key = "slash" if character == "/" else character
            driver.app.post_message(events.Key(key, character))
        await driver.until(lambda: driver.app.query_one(Input).value == "tatt")
        await driver.until(lambda: "orders" not in driver.text())
        assert driver.engine.named("trigger_job") == []


@pytest.mark.parametrize(
    ("keys", "job"),
    [
        (["slash", *"beta", "enter", "t"], "Reports/beta"),
        (["slash", *"gam", "down", "t"], "Reports/gamma"),
        (["slash", *"beta", "escape", "G", "t"], "Reports/gamma"),
        (["slash", *"beta", "enter", "escape", "k", "t"], "Reports/alpha"),
    ],
)
async def test_keys_of_one_burst_are_for_the_filter_until_it_ends(
    keys: list[str], job: str
) -> None:
    async with console(three(), size=(140, 40)) as driver:
        burst(driver, *keys)
        await driver.until(lambda: driver.engine.named("trigger_job"))
        assert [call[1] for call in driver.engine.named("trigger_job")] == [job]
        assert driver.app.focused is driver.table


async def test_a_burst_that_follows_a_filter_goes_where_it_leads() -> None:
    async with console(three(), size=(140, 40)) as driver:
        burst(driver, "slash", *"beta", "enter", "n", *"sy")
        await driver.shows("which function?")
        await driver.until(lambda: driver.app.screen.query_one(Input).value == "sy")
