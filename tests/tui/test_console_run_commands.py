"""Ending runs and running them again, and what a run that waits says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from console_doubles import NASTY, FakeEngine, now_us, run, summary
from console_driver import Driver, console, three

from schedtui.clock import to_us
from schedtui.models import Attempt, FunctionInfo, Run, RunFilter, RunState, Source, WaitReason
from schedtui_tui.widgets.run_summary import waits_for

WIDE = (140, 40)


def busy() -> FakeEngine:
    """A job with a run that runs, one that waits, one that failed."""
    row = summary(1, "alpha", active=2, running_id=5, running_since_us=now_us(), last_id=4)
    engine = FakeEngine([row, summary(2, "beta")])
    engine.all_runs[4] = run(4, 1, state=RunState.FAILED, error_type="ValueError", error="bad")
    engine.all_runs[5] = run(5, 1, state=RunState.RUNNING, finished_at=None)
    engine.all_runs[6] = run(
        6,
        1,
        state=RunState.QUEUED,
        started_at=None,
        finished_at=None,
        attempt=0,
        wait_reason=WaitReason.OVERLAP,
    )
    return engine


async def asks(driver: Driver, run_id: int) -> None:
    await driver.shows(f"End run {run_id} of Reports/", "Let it run (n)", "Do not wait (f)")


async def test_the_running_run_of_a_job_is_ended_after_asking() -> None:
    async with console(busy()) as driver:
        await driver.press("x")
        await asks(driver, 5)
        await driver.press("enter")
        await driver.shows("LAST 10")
        assert not driver.engine.named("cancel_run")
        await driver.press("x")
        await asks(driver, 5)
        await driver.press("y")
        await driver.shows("Run 5 was asked to end")
        assert driver.engine.named("cancel_run") == [("cancel_run", 5, "", False)]


@pytest.mark.parametrize(
    ("executor", "says"),
    [
        ("async", "with a CancelledError at its"),
        ("thread", "It runs in a thread, which can only be asked"),
        ("process", "killed a second later"),
    ],
)
async def test_the_question_says_what_ending_this_run_means(executor: str, says: str) -> None:
    engine = busy()
    name = engine.all_runs[5].function
    group, _, function = name.partition("/")
    other = "process" if executor == "async" else "async"
    engine.function_list = (
        FunctionInfo(group=group, name="aaa", executor=other),
        FunctionInfo(group=group, name=function, executor=executor),
    )
    async with console(engine, size=WIDE) as driver:
        await driver.press("x")
        await driver.shows("End run 5", says, "retry follows.")
        assert "never starts" not in driver.text()
        await driver.press("escape", "enter")
        await driver.shows("waits for an earlier run to end")
        await driver.press("x")
        await driver.shows("End run 6", "It is queued: it never starts. No retry follows.")
        assert says not in driver.text()


async def test_the_question_says_what_holds_for_all_where_the_function_is_gone() -> None:
    async with console(busy(), size=WIDE) as driver:
        await driver.press("x")
        await driver.until(lambda: driver.engine.named("functions"))
        await driver.shows("A queued run never starts.", "a process is killed")
        await driver.press("y")
        await driver.until(lambda: driver.engine.named("cancel_run"))


async def test_the_question_waits_for_no_answer_of_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with console(busy(), size=WIDE) as driver:
        never = asyncio.Event()

        async def hang(_run_id: int) -> Run:
            await never.wait()
            raise AssertionError

        monkeypatch.setattr(driver.engine, "run", hang)
        await driver.press("x", "y")
        await driver.shows("Run 5 was asked to end")


async def test_a_job_without_a_running_run_has_nothing_to_end() -> None:
    async with console(busy()) as driver:
        await driver.press("j", "x")
        await driver.shows("No run of Reports/beta runs now")
        driver.engine.change(summary(4, "aaa"))
        await driver.until(lambda: 4 in driver.table.ids)
        await driver.press("k", "x")
        assert "End run" not in driver.text()


async def test_in_the_history_the_run_under_the_cursor_counts() -> None:
    async with console(busy()) as driver:
        await driver.press("enter")
        await driver.shows("waits for an earlier run to end", "ValueError: bad")
        await driver.press("x")
        await asks(driver, 6)
        await driver.press("escape", "j", "x")
        await asks(driver, 5)
        await driver.press("f")
        await driver.until(lambda: driver.engine.named("cancel_run"))
        assert driver.engine.named("cancel_run") == [("cancel_run", 5, "", True)]
        await driver.shows("asked to end: cancelled by me")
        await driver.press("G", "R")
        await driver.until(lambda: driver.engine.named("rerun"))
        assert driver.engine.named("rerun") == [("rerun", 4)]


async def test_a_run_says_that_it_was_asked_to_end_until_it_has() -> None:
    async with console(busy()) as driver:
        await driver.press("l", "x")
        await asks(driver, 5)
        await driver.press("y")
        await driver.shows("● running", "Reason     asked to end: cancelled by me")
        ended = run(5, 1, state=RunState.CANCELLED, reason="cancelled by me")
        driver.engine.move_run(ended)
        await driver.shows("- cancelled", "Reason     cancelled by me")
        await driver.press("x")
        await driver.shows("has ended already: cancelled")


async def test_a_run_runs_once_more_and_the_new_one_is_shown() -> None:
    engine = three()
    engine.all_runs[1001] = run(1001, 1, state=RunState.FAILED)
    async with console(engine, size=(100, 30)) as driver:
        await driver.press("l", "R")
        await driver.shows("run 100000", "source rerun", "of run 1001")
        await driver.press("R")
        await driver.shows("has not ended yet")
        await driver.press("escape")
        await driver.shows("✗ failed")


async def test_what_the_engine_refuses_is_said() -> None:
    engine = three()
    engine.all_runs[1001] = run(1001, 1)
    engine.trigger_state = RunState.SKIPPED
    async with console(engine, size=(100, 30)) as driver:
        await driver.press("l", "R")
        await driver.shows("was skipped: run 7 is still active")
        engine.all_runs.clear()
        await driver.press("R")
        await driver.shows("Run 1001 was not run again: no run 1001")


async def test_dead_letters_of_a_job_are_replayed_or_dismissed_after_asking() -> None:
    async with console(three(), size=(100, 30)) as driver:
        await driver.press("enter", "X")
        await driver.shows("1 dead letter of Reports/alpha", "Replay (y)", "Dismiss (d)")
        await driver.press("escape", "X")
        await driver.shows("1 dead letter of Reports/alpha")
        await driver.press("d")
        await driver.shows("1 dismissed")
        calls = [(call[1], call[-1]) for call in driver.engine.named("dismiss_runs")]
    of_job = RunFilter(job_id=1)
    # Those that stood in the question, whatever has failed since.
    assert calls == [(of_job, True), (of_job, True), ([7], False)]


async def test_one_run_that_failed_is_replayed_after_asking() -> None:
    engine = three()
    engine.all_runs[1001] = run(1001, 1, state=RunState.FAILED, handled="dismissed by ann: known")
    async with console(engine, size=(100, 30)) as driver:
        await driver.press("l")
        await driver.shows("Handled    dismissed by ann: known")
        await driver.press("X")
        await driver.shows("1 dead letter of run 1001")
        await driver.press("y")
        await driver.shows("1 replayed")
        calls = [(call[1], call[3]) for call in driver.engine.named("replay_runs")]
    assert calls == [([1001], False)]


@pytest.mark.parametrize(("handled", "shown"), [("", True), ("dismissed by ann", False)])
async def test_the_key_for_a_dead_letter_is_in_the_footer_of_one(handled: str, shown: bool) -> None:
    engine = three()
    engine.all_runs[1001] = run(1001, 1, state=RunState.FAILED, handled=handled)
    async with console(engine, size=(80, 24)) as driver:
        await driver.press("l")
        await driver.shows("run 1001", "failed")
        await driver.until(lambda: ("X Dead letters" in driver.text()) is shown)
        assert driver.text().splitlines()[-1].split()[:2] == ["Esc", "Back"]


@pytest.mark.parametrize("view", ["enter", "l"])
async def test_where_there_is_room_the_footer_has_the_key_for_dead_letters(view: str) -> None:
    async with console(three(), size=(140, 40)) as driver:
        await driver.press(view)
        await driver.shows("X Dead letters")


async def test_read_only_ends_nothing() -> None:
    async with console(busy(), read_only=True) as driver:
        await driver.press("l")
        await driver.shows("run 5")
        await driver.press("x", "R", "X")
        assert "End run" not in driver.text()
        assert not driver.engine.named("rerun")
        assert not driver.engine.named("replay_runs")
        assert "Run again" not in driver.text()


async def test_a_retry_counts_down_with_the_attempts_before_it() -> None:
    engine = three()
    soon = datetime.now(UTC) + timedelta(seconds=50)
    waits = run(
        1001,
        1,
        state=RunState.QUEUED,
        finished_at=None,
        attempt=1,
        wait_reason=WaitReason.RETRY,
        not_before=soon,
        schedules="weekdays, weekends",
        job="Reports/alpha",
        source=Source.RERUN,
        parent_id=77,
    )
    engine.all_runs[1001] = waits
    engine.own = replace(engine.own, retries=3)
    engine.attempt_list = (
        Attempt(
            run_id=1001,
            number=1,
            state=RunState.FAILED,
            started_at=waits.claimed_at,
            finished_at=waits.claimed_at + timedelta(seconds=2),
            error_type="ValueError",
            error="no such table",
        ),
    )
    async with console(engine, size=(100, 40)) as driver:
        await driver.press("l")
        await driver.shows("Waits      retry 1 of 3 in 4", "ValueError: no such table", "in 2.0s")
        await driver.shows("Schedules  weekdays, weekends", "source rerun, of run 77")


async def test_a_chained_run_says_what_it_came_after() -> None:
    engine = three()
    cause = f"after run 77 of Reports/{NASTY} (succeeded)"
    engine.all_runs[1001] = run(1001, 1, source=Source.CHAIN, parent_id=77, actor=cause)
    async with console(engine, size=(140, 40)) as driver:
        await driver.press("l")
        await driver.shows("source chain: after run 77 of Reports/")
        assert "of run 77" not in driver.text()


@pytest.mark.parametrize(
    ("changes", "retries", "says"),
    [
        ({"wait_reason": WaitReason.RETRY, "attempt": 2}, 3, "retry 2 of 3 in 4s"),
        ({"wait_reason": WaitReason.RETRY, "attempt": 2}, None, "retry 2 in 4s"),
        ({"wait_reason": WaitReason.RETRY, "attempt": 1, "left_s": -1}, 3, "retry 1 of 3: about"),
        ({"wait_reason": WaitReason.JITTER, "left_s": 7_300}, None, "starts in 2h01m"),
        ({"wait_reason": WaitReason.SLOT, "left_s": None}, None, "for a slot of its executor"),
        ({"wait_reason": WaitReason.POOL, "left_s": None}, None, "for a place in its pool"),
        ({"left_s": None}, None, "about to start"),
    ],
)
def test_what_a_run_waits_for(changes: dict[str, object], retries: int | None, says: str) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    left_s = changes.pop("left_s", 4)
    at = None if left_s is None else now + timedelta(seconds=float(str(left_s)))
    queued = {"state": RunState.QUEUED, "attempt": 0, "finished_at": None, "not_before": at}
    waiting: Run = run(1, 1, **{**queued, **changes})

    assert says in waits_for(waiting, to_us(now), retries)
