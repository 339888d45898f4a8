"""Every kind of scheduler on every job store: its history, and commands to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attach_jobs
import pytest
from attach_kit import KINDS, Application, Makes, in_an_hour, now

from schedtui.models import JobPatch, JobState, RunState, Source


@pytest.fixture(params=list(KINDS))
def app(request: pytest.FixtureRequest, jobstore: Any, make: Makes) -> Application:
    """An application with three jobs, the first two of which are due when it starts."""
    app = make(request.param, jobstores={"default": jobstore})
    options = {"misfire_grace_time": 60, "hours": 1}
    app.scheduler.add_job(
        attach_jobs.report,
        "interval",
        kwargs={"name": "anna"},
        id="report",
        **options,
        next_run_time=now(),
    )
    app.scheduler.add_job(attach_jobs.fails, "interval", id="fails", **options, next_run_time=now())
    app.scheduler.add_job(
        attach_jobs.quiet, "cron", day_of_week="0-4", hour=9, id="quiet", next_run_time=in_an_hour()
    )
    return app


def test_history_and_commands(app: Application) -> None:
    """What it did is in the history, with its log; and it does what it is told."""
    app.attach()
    app.start()
    (run,) = app.runs("default/report")
    assert (run.state, run.source, run.result) == (
        RunState.SUCCEEDED,
        Source.SCHEDULE,
        '"done anna"',
    )
    assert run.scheduled_for is not None
    assert run.started_at is not None
    assert run.scheduled_for <= run.started_at
    assert app.lines(run.id) == ["report for anna", "written name=anna job=default/report"]
    (failed,) = app.runs("default/fails")
    assert (failed.state, failed.error_type, failed.error) == (
        RunState.FAILED,
        "ValueError",
        "no paper",
    )
    assert "attach_jobs.py" in (failed.traceback or "")

    # Its weekdays begin with Monday, and are told by name.
    quiet = app.job("default/quiet")
    assert quiet.trigger == {
        "type": "cron",
        "expression": "0 9 * * mon-fri",
        "timezone": "UTC",
    }
    assert app.jobs()["quiet"].schedule == "0 9 * * mon-fri"

    paused = app.ask(lambda one: one.pause_job("default/report", reason="holidays"))
    assert (paused.paused, paused.paused_by, paused.pause_reason) == (True, "anna", "holidays")
    assert app.jobs()["report"].state is JobState.PAUSED
    assert app.scheduler.get_job("report").next_run_time is None

    asked = app.ask(lambda one: one.trigger_job("default/report", kwargs={"name": "ben"}))
    run = app.run(asked.id)
    assert (run.state, run.source, run.actor) == (RunState.SUCCEEDED, Source.MANUAL, "anna")
    assert run.kwargs == {"name": "ben"}
    assert attach_jobs.CALLS == ["anna", "ben"]
    assert app.scheduler.get_job("report").next_run_time is None

    resumed = app.ask(lambda one: one.resume_job("default/report"))
    assert not resumed.paused
    assert app.scheduler.get_job("report").next_run_time is not None

    patch = JobPatch(trigger={"type": "cron", "expression": "30 8 * * 1"})
    edited = app.ask(lambda one: one.edit_job("default/report", patch))
    assert edited.trigger["expression"] == "30 8 * * mon"
    due = app.scheduler.get_job("report").next_run_time
    assert (due.strftime("%a %H:%M"), edited.next_due) == ("Mon 08:30", due)
    every = JobPatch(trigger={"type": "every", "seconds": 600})
    assert app.ask(lambda one: one.edit_job("default/report", every)).trigger["seconds"] == 600
    assert app.scheduler.get_job("report").trigger.interval == timedelta(minutes=10)
    once = JobPatch(trigger={"type": "once", "at": "2090-01-01T12:00:00Z"})
    app.ask(lambda one: one.edit_job("default/report", once))
    assert app.scheduler.get_job("report").next_run_time.year == 2090

    app.ask(lambda one: one.delete_job("default/report"))
    assert app.scheduler.get_job("report") is None
    assert "report" not in app.jobs()
    assert [one.source for one in app.runs("default/report", 2)] == [Source.MANUAL, Source.SCHEDULE]
