"""Trigger, pause, resume and delete."""

from __future__ import annotations

import pytest
from console_doubles import FakeEngine, summary
from console_driver import console, three

from schedtui.models import RunState


async def test_trigger_pause_resume_by_id() -> None:
    async with console(three()) as driver:
        await driver.press("j", "t")
        await driver.shows("Triggered Reports/beta")
        assert driver.engine.named("trigger_job") == [("trigger_job", "Reports/beta", 2, None)]
        await driver.press("p")
        await driver.shows("‖ paused", "Paused Reports/beta")
        await driver.press("p")
        await driver.until(lambda: driver.engine.named("resume_job"))
        assert driver.engine.named("resume_job") == [("resume_job", "Reports/beta", 2)]


async def test_a_skipped_trigger_says_why() -> None:
    async with console(three(), size=(140, 40)) as driver:
        driver.engine.trigger_state = RunState.SKIPPED
        await driver.press("t")
        await driver.shows("was skipped", "active")


async def test_delete_asks_and_cancel_has_the_focus() -> None:
    async with console(three()) as driver:
        await driver.press("D")
        await driver.shows("Delete Reports/alpha?")
        await driver.press("enter")
        assert not driver.engine.named("delete_job")
        await driver.press("D", "right", "enter")
        await driver.until(lambda: driver.engine.named("delete_job"))
        assert driver.engine.named("delete_job") == [("delete_job", "Reports/alpha", 1)]
        await driver.until(lambda: list(driver.table.ids) == [2, 3])


async def test_delete_acts_on_the_job_it_named() -> None:
    async with console(three()) as driver:
        await driver.press("D")
        driver.engine.change(removed=(1,))
        driver.engine.change(summary(7, "alpha"))
        await driver.until(lambda: 7 in driver.table.ids)
        await driver.press("y")
        await driver.shows("another job")
        assert driver.engine.named("delete_job") == [("delete_job", "Reports/alpha", 1)]


@pytest.mark.parametrize("taken", [False, True])
async def test_a_job_that_was_renamed_meanwhile_is_told(taken: bool) -> None:
    async with console(three(), size=(140, 40)) as driver:
        await driver.press("D")
        driver.engine.change(summary(1, "omega"))
        if taken:
            driver.engine.change(summary(7, "alpha"))
        await driver.until(lambda: driver.app.jobs.rows[1].name == "omega")
        await driver.until(lambda: len(driver.app.jobs.rows) == 3 + taken)
        await driver.press("y")
        await driver.shows("renamed", "Reports/omega;", "nothing")
        assert driver.engine.rows.keys() >= {1, 2, 3}


async def test_delete_waits_after_rows_moved() -> None:
    async with console(three()) as driver:
        driver.engine.change(summary(4, "aaa"))
        await driver.until(lambda: 4 in driver.table.ids)
        await driver.press("D")
        assert "Delete Reports" not in driver.text()
        await driver.shows("look again")


async def test_a_static_job_is_not_deleted() -> None:
    async with console(FakeEngine([summary(1, "alpha", static=True)])) as driver:
        await driver.press("D")
        await driver.shows("declared in code")


async def test_marked_jobs_are_confirmed_by_name() -> None:
    async with console(three()) as driver:
        await driver.press("space", "space", "p")
        await driver.shows("Pause 2 jobs?", "Reports/alpha", "Reports/beta")
        await driver.press("y")
        await driver.until(lambda: len(driver.engine.named("pause_job")) == 2)
        assert not driver.table.marks


@pytest.mark.parametrize(
    ("state", "words"),
    [(RunState.SUCCEEDED, "100000 succeeded"), (RunState.RUNNING, "100000 started")],
)
async def test_what_became_of_a_triggered_run_is_a_sentence(state: RunState, words: str) -> None:
    engine = three()
    engine.trigger_state = state
    async with console(engine, size=(140, 40)) as driver:
        await driver.press("t")
        await driver.shows("Triggered Reports/alpha", words)
