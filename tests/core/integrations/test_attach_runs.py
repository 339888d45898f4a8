"""What becomes of due times in the history of an attached APScheduler."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import attach_jobs
import pytest
from apscheduler.executors.pool import ProcessPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from attach_kit import DEADLINE_S, Makes, application, in_an_hour, now

from schedtui.errors import StoreUnavailableError
from schedtui.models import RunState, Source


def test_a_due_time_found_too_late_is_missed(make: Makes) -> None:
    app = make()
    app.attach()
    app.start()
    due = now() - timedelta(seconds=90)
    app.scheduler.add_job(attach_jobs.quiet, "date", run_date=due, id="late")
    (run,) = app.runs("default/late")
    assert (run.state, run.scheduled_for, run.started_at) == (RunState.MISSED, due, None)
    assert "more than its misfire_grace_time" in run.reason
    assert "late" not in app.jobs()  # APScheduler removes what is never due again


def test_max_instances_are_skipped_rows(make: Makes) -> None:
    app = make()
    app.attach()
    app.start()
    due = now()
    app.scheduler.add_job(attach_jobs.waits, "interval", hours=1, id="w", next_run_time=due)
    assert attach_jobs.WAITING.acquire(timeout=DEADLINE_S)
    again = now()
    app.scheduler.modify_job("w", next_run_time=again)
    (skipped,) = app.runs("default/w")
    assert (skipped.state, skipped.scheduled_for) == (RunState.SKIPPED, again)
    assert "max_instances" in skipped.reason
    by_hand = app.run(app.ask(lambda one: one.trigger_job("default/w")).id)
    assert (by_hand.state, by_hand.source) == (RunState.SKIPPED, Source.MANUAL)
    assert "max_instances (1)" in by_hand.reason
    row = app.jobs()["w"]
    assert (row.active, row.running_id is not None) == (1, True)
    attach_jobs.GATE.set()
    states = {run.scheduled_for: run.state for run in app.runs("default/w", 3)}
    assert states[due] is RunState.SUCCEEDED


def test_missed_times_that_are_not_coalesced_are_told_apart(make: Makes) -> None:
    """One submission with several due times: each row has its own."""
    app = make()
    app.attach()
    app.start()
    first = now() - timedelta(seconds=25)
    app.scheduler.add_job(
        attach_jobs.report,
        "interval",
        seconds=10,
        start_date=first,
        next_run_time=first,
        coalesce=False,
        misfire_grace_time=20,
        id="each",
    )
    runs = app.runs("default/each", 3)
    found = sorted((run.scheduled_for, run.state) for run in runs if run.scheduled_for)
    assert found == [
        (first, RunState.MISSED),
        (first + timedelta(seconds=10), RunState.SUCCEEDED),
        (first + timedelta(seconds=20), RunState.SUCCEEDED),
    ]


def test_the_same_due_time_twice_is_two_rows(make: Makes) -> None:
    app = make()
    app.attach()
    app.start()
    due = now()
    options: dict[str, Any] = {"misfire_grace_time": 60, "id": "twice", "replace_existing": True}
    app.scheduler.add_job(attach_jobs.quiet, "interval", hours=1, next_run_time=due, **options)
    app.runs("default/twice")
    app.scheduler.modify_job("twice", next_run_time=due)
    again, first = app.runs("default/twice", 2)
    assert (first.scheduled_for, again.scheduled_for) == (due, None)
    assert (first.state, again.state) == (RunState.SUCCEEDED, RunState.SUCCEEDED)


def test_a_coroutine_is_captured_and_not_changed(make: Makes) -> None:
    app = make("asyncio")
    app.attach()
    app.start()
    app.scheduler.add_job(attach_jobs.report_async, id="co", next_run_time=now())
    (run,) = app.runs("default/co")
    assert (run.result, app.lines(run.id)) == ('"done nobody"', ["report for nobody", "and on"])


def test_functions_in_other_processes(make: Makes) -> None:
    """Their begin and end are known from outside; what they print is not."""
    app = make(executors={"default": ProcessPoolExecutor(1)})
    app.attach()
    app.start()
    options: dict[str, Any] = {"misfire_grace_time": 60, "next_run_time": now()}
    app.scheduler.add_job(attach_jobs.quiet, id="good", **options)
    app.scheduler.add_job(attach_jobs.fails, id="bad", **options)
    (good,) = app.runs("default/good")
    assert (good.state, good.result) == (RunState.SUCCEEDED, '"quiet"')
    assert good.started_at is not None
    (bad,) = app.runs("default/bad")
    assert (bad.state, bad.error) == (RunState.FAILED, "no paper")
    assert "fails" in (bad.traceback or "")
    app.scheduler.add_job(os._exit, args=[1], id="ends", next_run_time=now())
    (lost,) = app.runs("default/ends")
    assert (lost.state, lost.error_type) == (
        RunState.FAILED,
        "concurrent.futures.process.BrokenProcessPool",
    )


def test_a_run_that_began_before_is_told_by_its_end(make: Makes) -> None:
    app = make()
    app.start()
    due = now()
    app.scheduler.add_job(attach_jobs.waits, "interval", hours=1, id="w", next_run_time=due)
    assert attach_jobs.WAITING.acquire(timeout=DEADLINE_S)
    app.attach()
    app.job("default/w")
    attach_jobs.GATE.set()
    (run,) = app.runs("default/w")
    assert (run.state, run.scheduled_for) == (RunState.SUCCEEDED, due)
    assert "before schedtui was attached" in run.reason


def test_the_application_never_hears_of_trouble(
    make: Makes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its functions run, return and raise as ever, whatever becomes of the observation."""
    app = make()
    attached = app.attach()
    app.start()
    heard: list[Any] = []
    app.scheduler.add_listener(heard.append)

    def broken(*_: object) -> None:
        raise StoreUnavailableError("the disk is full")

    ledger = attached._watch.ledger
    assert ledger is not None
    monkeypatch.setattr(type(ledger), "tell", broken)
    monkeypatch.setattr(type(ledger), "next_id", broken)
    app.scheduler.add_job(attach_jobs.quiet, id="q", next_run_time=now())
    app.scheduler.add_job(attach_jobs.fails, id="f", next_run_time=now())
    app.wait(lambda: sum(hasattr(event, "retval") for event in heard) == 2)
    ended = {event.job_id: event for event in heard if hasattr(event, "retval")}
    assert (ended["q"].retval, ended["q"].exception) == ("quiet", None)
    assert isinstance(ended["f"].exception, ValueError)
    monkeypatch.undo()


def test_a_hundred_runs_at_once_leave_a_hundred_rows(make: Makes) -> None:
    app = make()
    app.attach()
    app.start()
    due = now()
    for number in range(100):
        app.scheduler.add_job(
            attach_jobs.quiet, "date", run_date=due, id=f"n{number}", misfire_grace_time=60
        )

    def counted() -> bool:
        page = app.ask(lambda one: one.runs(limit=1_000))
        done = [run for run in page.items if run.state is RunState.SUCCEEDED]
        return len({run.job for run in done}) == len(done) == 100

    app.wait(counted)


def test_what_was_seen_is_written_when_the_scheduler_shuts_down(tmp_path: Path) -> None:
    with application("background", tmp_path) as app:
        app.attach()
        app.start()
        app.scheduler.add_job(attach_jobs.quiet, id="last", next_run_time=now())
        gone = threading.Event()
        app.scheduler.add_listener(lambda event: gone.set() if hasattr(event, "retval") else None)
        assert gone.wait(DEADLINE_S)
        app.shutdown()
        assert app.attached is not None
        app.wait(lambda: bool(app.attached and app.attached.problem))
    with application("background", tmp_path) as app:
        app.attach()
        assert [run.state for run in app.runs("default/last")] == [RunState.SUCCEEDED]


def test_listing_deletes_no_job_that_cannot_be_restored(make: Makes, tmp_path: Path) -> None:
    """APScheduler does, whenever its jobs are listed: after a function was renamed, for one."""
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    first = make(jobstores={"default": SQLAlchemyJobStore(url=url)})
    first.start()
    first.scheduler.add_job(attach_jobs.quiet, "interval", hours=1, id="stays")
    renamed = first.scheduler.add_job(attach_jobs.report, "interval", hours=1, id="renamed")
    renamed.func_ref = "attach_jobs:no_more"
    first.scheduler._jobstores["default"].update_job(renamed)
    app = make(jobstores={"default": SQLAlchemyJobStore(url=url)})
    app.attach()
    app.start()
    app.job("default/stays")
    store = app.scheduler._jobstores["default"]
    with store.engine.begin() as connection:
        kept = connection.execute(store.jobs_t.select()).fetchall()
    assert {row.id for row in kept} == {"stays", "renamed"}
    for one in (first, app):
        one.scheduler._jobstores["default"].engine.dispose()


def test_changes_are_told_as_they_come(make: Makes) -> None:
    app = make()
    app.attach()
    app.start()

    async def watch() -> set[str]:
        client = app.client
        cursor = (await client.snapshot()).cursor
        app.scheduler.add_job(attach_jobs.quiet, "date", run_date=in_an_hour(), id="new")
        async for frame in client.changes(cursor):
            if frame.jobs:
                return {job.name for job in frame.jobs}
        return set()

    assert asyncio.run(watch()) == {"new"}
