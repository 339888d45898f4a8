"""The whole engine paused, from the console."""

from __future__ import annotations

from dataclasses import replace

from console_doubles import NASTY, FakeEngine, now_us, summary
from console_driver import console, three

from schedtui.errors import StoreUnavailableError
from schedtui.models import Changes


async def test_the_engine_is_paused_and_resumed_after_asking() -> None:
    async with console(three(), size=(140, 40)) as driver:
        await driver.press("P")
        await driver.shows("Pause the whole engine?", "restarts too; what is due")
        await driver.press("enter")
        assert not driver.engine.named("pause_engine")
        await driver.press("P", "y")
        await driver.shows("PAUSED by me", "The engine is paused; P resumes it")
        await driver.press("P")
        await driver.shows("Resume the whole engine?")
        await driver.press("y")
        await driver.until(lambda: driver.engine.named("resume_engine"))
        await driver.until(lambda: "PAUSED" not in driver.text())


async def test_what_is_due_meanwhile_is_held_and_not_late() -> None:
    engine = FakeEngine([summary(1, "alpha", next_due_us=now_us() - 60_000_000)])
    async with console(engine) as driver:
        await driver.shows("late 1m")
        await engine.pause_engine()
        await driver.shows("held")
        assert "late" not in driver.text()
        await engine.resume_engine()
        await driver.shows("late 1m")


async def test_whoever_paused_it_cannot_steer_the_terminal() -> None:
    engine = three()
    engine.paused_by = NASTY
    async with console(engine, size=(140, 40)) as driver:
        await driver.shows("PAUSED by [red]x")


async def test_the_newest_revision_stands_in_the_first_line_once_there_is_one() -> None:
    engine = three()
    async with console(engine) as driver:
        await driver.shows("3 jobs")
        assert "rev " not in driver.text()
        info = replace(await engine.info(), revision=7)
        engine._send(Changes(cursor="b:9", engine=info))
        await driver.shows("rev 7")


async def test_what_the_engine_refuses_is_said() -> None:
    engine = three()
    async with console(engine, size=(140, 40)) as driver:
        engine.refuses = StoreUnavailableError("the disk is full")
        await driver.press("P", "y")
        await driver.shows("The engine was not paused: the disk is full")
