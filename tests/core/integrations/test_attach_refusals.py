"""What cannot work on an attached APScheduler is refused, and says why and what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attach_jobs
import pytest
from attach_kit import Application, application, in_an_hour, now

from schedtui.errors import (
    ConflictError,
    EngineStoppedError,
    InvalidArgumentsError,
    InvalidTriggerError,
    JobNotFoundError,
    RefusedError,
    VersionConflictError,
)
from schedtui.models import BulkAction, JobFilter, JobPatch, JobSpec, Policies, RunFilter
from schedtui.protocols import EngineClient

Command = Callable[[EngineClient], Coroutine[Any, Any, object]]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with application("background", tmp_path_factory.mktemp("a")) as app:
        app.attach()
        app.start()
        add = app.scheduler.add_job
        add(attach_jobs.report, "interval", hours=1, id="r", kwargs={"name": "anna"})
        add(attach_jobs.report, "interval", hours=1, id="object", kwargs={"name": Path("x")})
        app.job("default/object")
        run = app.ask(lambda one: one.trigger_job("default/r"))
        app.run(run.id)
        yield app


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (lambda one: one.create_job(JobSpec(function="a/b")), "never of its name"),
        (lambda one: one.run_function("a/b"), "trigger a job"),
        (lambda one: one.rerun(1), "trigger default/r"),
        (lambda one: one.replay_runs([1]), "trigger its job"),
        (lambda one: one.backfill_job("default/r", "2026-01-01"), "for a due time of the past"),
        (lambda one: one.cancel_backfill("default/r"), "no backfills"),
        (lambda one: one.cancel_retries("default/r"), "one attempt"),
        (lambda one: one.apply_jobs("", note="n"), "cannot be applied at once"),
        (lambda one: one.rollback_jobs(1), "no revision"),
        (lambda one: one.explain("default/r"), "only writes down what it sees"),
        (lambda one: one.revert_job("default/r"), "no declaration in code"),
        (lambda one: one.reload(), "load its code again"),
        (lambda one: one.pause_job("default/r", until=in_an_hour()), "no end"),
        (
            lambda one: one.edit_job("default/r", JobPatch(policies=Policies(retries=3))),
            "policies of a job cannot be changed",
        ),
        (lambda one: one.edit_job("default/r", JobPatch(name="s")), "name of a job"),
        (lambda one: one.edit_job("default/r", JobPatch(tags=("s",))), "tags of a job"),
        (lambda one: one.edit_job("default/r", JobPatch(after=("a/b",))), "after of a job"),
        (
            lambda one: one.edit_job("default/r", JobPatch(trigger={"type": "never"})),
            "pause it instead",
        ),
        (
            lambda one: one.edit_job("default/object", JobPatch(kwargs={"name": "x"})),
            "no JSON form",
        ),
        (lambda one: one.edit_job("default/r", JobPatch(timezone="Asia/Tokyo")), "give a trigger"),
    ],
)
def test_refused(app: Application, command: Command, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        app.ask(command)
    assert app.scheduler.get_job("r").trigger.interval == timedelta(hours=1)


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ({"type": "cron", "expression": "0 9 L * *"}, "a set of values"),
        ({"type": "cron", "expression": "0 9 * * mon#1"}, "a set of values"),
        ({"type": "calendar", "typed": "every 2 weeks at 9:00"}, "that APScheduler has"),
        ({"type": "once", "at": "2020-01-01T00:00:00Z"}, "at least once from now on"),
        ({"type": "cron", "expression": "61 * * * *"}, "minute"),
    ],
)
def test_triggers_that_it_has_not(app: Application, trigger: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidTriggerError, match=expected):
        app.ask(lambda one: one.edit_job("default/r", JobPatch(trigger=trigger)))


def test_the_rest_of_what_is_wrong(app: Application) -> None:
    ask = app.ask
    with pytest.raises(JobNotFoundError):
        ask(lambda one: one.pause_job("default/nobody"))
    with pytest.raises(ConflictError, match="not the job it was"):
        ask(lambda one: one.delete_job("default/r", expect_id=99))
    with pytest.raises(VersionConflictError):
        ask(lambda one: one.edit_job("default/r", JobPatch(kwargs={}), version=77))
    with pytest.raises(InvalidArgumentsError, match="APScheduler refuses this"):
        ask(lambda one: one.edit_job("default/r", JobPatch(kwargs={"nonsense": 1})))
    app.scheduler.add_job(attach_jobs.report, "interval", hours=1, id="by-place", args=["anna"])
    app.job("default/by-place")
    with pytest.raises(InvalidArgumentsError, match="APScheduler refuses this"):
        ask(lambda one: one.trigger_job("default/by-place", kwargs={"name": "ben"}))
    with pytest.raises(InvalidArgumentsError, match="APScheduler refuses this"):
        ask(lambda one: one.trigger_job("default/r", kwargs={"nonsense": 1}))
    assert not ask(lambda one: one.runs(RunFilter(job="default/by-place"))).items
    edited = ask(lambda one: one.edit_job("default/r", JobPatch(kwargs={"name": "ben"})))
    assert (edited.kwargs, app.scheduler.get_job("r").kwargs) == ({"name": "ben"}, {"name": "ben"})
    assert edited.version > 1
    with pytest.raises(ConflictError, match="has ended already"):
        ask(lambda one: one.cancel_run(1))


def test_a_running_function_is_not_ended(app: Application) -> None:
    app.scheduler.add_job(attach_jobs.waits, "interval", hours=1, id="w", next_run_time=now())
    assert attach_jobs.WAITING.acquire(timeout=20)
    app.job("default/w")
    app.wait(lambda: app.jobs()["w"].running_id is not None)
    run_id = app.jobs()["w"].running_id or 0
    with pytest.raises(RefusedError, match="nothing there ends a function that runs"):
        app.ask(lambda one: one.cancel_run(run_id))
    attach_jobs.GATE.set()
    app.run(run_id)


def test_in_bulk(app: Application) -> None:
    where = JobFilter(group="default")
    done = app.ask(lambda one: one.bulk(BulkAction.PAUSE, where, reason="all"))
    assert all(one.done for one in done)
    assert {job.next_run_time for job in app.scheduler.get_jobs()} == {None}
    assert all(one.done for one in app.ask(lambda one: one.bulk(BulkAction.RESUME, where)))


def test_one_that_would_be_deleted_is_not_resumed(app: Application) -> None:
    """APScheduler deletes what is never due again when it is told to resume it."""
    app.scheduler.add_job(attach_jobs.quiet, "date", run_date=in_an_hour(), id="over")
    app.scheduler.modify_job("over", next_run_time=None)
    trigger = app.scheduler.get_job("over").trigger
    trigger.run_date = now() - timedelta(hours=1)
    app.job("default/over")
    with pytest.raises(ConflictError, match="never due again"):
        app.ask(lambda one: one.resume_job("default/over"))
    assert app.scheduler.get_job("over") is not None


def test_a_scheduler_that_is_not_running_takes_no_command(tmp_path: Path) -> None:
    with application("background", tmp_path) as app:
        app.attach()
        app.start()
        app.scheduler.add_job(attach_jobs.quiet, "interval", hours=1, id="q")
        app.job("default/q")
        app.scheduler.state = 0
        try:
            with pytest.raises(EngineStoppedError, match="APScheduler is not running"):
                app.ask(lambda one: one.pause_job("default/q"))
        finally:
            app.scheduler.state = 1
