"""What the details of a job say about its policies, its pause and its failures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from console_doubles import NASTY, FakeEngine, summary
from console_driver import console

from schedtui.models import After, JobState, Overlap, Policies
from schedtui_tui.widgets.detail import policy_lines


def test_each_policy_is_a_line() -> None:
    own = Policies(
        overlap=Overlap.QUEUE_ONE,
        retries=3,
        retry_delay_s=90.0,
        retry_on=("ConnectionError", "OSError"),
        timeout_s=0.0,
        run_on_startup=False,
        pool="db",
    )
    assert policy_lines(own) == [
        "overlap queue_one",
        "retries 3",
        "retry delay 90 s",
        "retry on ConnectionError, OSError",
        "timeout none",
        "pool db",
        "run on startup no",
    ]
    assert policy_lines(Policies()) == []


async def test_what_a_job_inherits_is_told_apart() -> None:
    engine = FakeEngine([summary(1, "alpha")])
    engine.own = Policies(retries=3)
    engine.inherited = Policies(retries=1, timeout_s=60.0, overlap=Overlap.SKIP)
    async with console(engine, size=(140, 44)) as driver:
        await driver.shows("Policies   retries 3", "Inherited  timeout 60 s")
        assert "so no end" not in driver.text()


@pytest.mark.parametrize(
    ("timeout_s", "says"),
    [
        (None, "none, so no end"),
        (0.0, "none, so no end"),
        (60.0, "timeout 60 s"),
    ],
)
async def test_a_job_without_a_timeout_is_marked(timeout_s: float | None, says: str) -> None:
    engine = FakeEngine([summary(1, "alpha")])
    engine.own = Policies(timeout_s=timeout_s)
    async with console(engine, size=(140, 44)) as driver:
        await driver.shows(says)
        assert ("so no end" in driver.text()) is (not timeout_s)


async def test_what_a_job_runs_after_is_a_line_each() -> None:
    engine = FakeEngine([summary(1, "alpha")])
    after = (After(job="Reports/export"), After(job=f"Reports/{NASTY}", on="failure"))
    engine.job_fields = {"after": after}
    async with console(engine, size=(140, 44)) as driver:
        await driver.shows("After      Reports/export")
        assert "(failure)" in driver.text()
        assert ("never again" in driver.text()) is False


async def test_who_answers_for_a_job_and_what_to_do_stands_beside_it() -> None:
    engine = FakeEngine([summary(1, "alpha")])
    engine.job_fields = {"owner": NASTY, "runbook": "call Ann", "rollback": "delete the rows"}
    async with console(engine, size=(140, 44)) as driver:
        await driver.shows("Runbook    call Ann", "Rollback   delete the rows", "Owner")
        assert "Expected" not in driver.text(), "what nobody said takes no line"


async def test_a_pause_shows_its_end_and_failures_are_counted() -> None:
    row = summary(1, "alpha", state=JobState.PAUSED, pause_reason="too many failures")
    engine = FakeEngine([row])
    engine.own = Policies(pause_after_failures=3, max_runs=10, retry_on=(NASTY,))
    engine.job_fields = {
        "failures": 2,
        "fired": 7,
        "paused_by": NASTY,
        "paused_until": datetime(2026, 12, 24, 17, tzinfo=UTC),
    }
    async with console(engine, size=(140, 48)) as driver:
        await driver.shows("until 2026-12-24 18:00:00 CET", "2 in a row; paused at 3")
        await driver.shows("7 of 10 times", "Paused     by", "[red]x[@click=app.quit]")
