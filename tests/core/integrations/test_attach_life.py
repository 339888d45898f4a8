"""From attach() to detach(), and what lies between the starts of an application."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import attach_jobs
import pytest
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from attach_kit import DEADLINE_S, Application, Makes, application, in_an_hour, now

from schedtui.client.http import HttpClient
from schedtui.errors import EngineStoppedError, InvalidError, RefusedError
from schedtui.integrations.apscheduler import Attached, attach
from schedtui.locations import StateDir
from schedtui.models import Health, JobState, RunFilter, RunState
from schedtui.store import open_store


@pytest.mark.parametrize("kind", ["background", "asyncio"])
def test_attached_after_the_start(make: Makes, kind: str) -> None:
    app = make(kind)
    app.start()
    app.scheduler.add_job(attach_jobs.quiet, "date", run_date=in_an_hour(), id="there")
    app.attach()
    assert app.job("default/there").trigger["type"] == "once"
    app.scheduler.add_job(attach_jobs.quiet, "interval", hours=1, id="new", next_run_time=now())
    assert app.runs("default/new")[0].state is RunState.SUCCEEDED


def test_detach_leaves_nothing_behind(make: Makes) -> None:
    """The scheduler goes on, and has its own methods again."""
    app = make()
    app.start()
    scheduler: Any = app.scheduler
    listeners, call = list(scheduler._listeners), logging.Logger.callHandlers
    attached = app.attach()
    app.scheduler.add_job(attach_jobs.quiet, "interval", hours=1, id="q", next_run_time=now())
    app.runs("default/q")
    attached.detach()
    attached.detach()
    assert scheduler._listeners == listeners
    assert "submit_job" not in vars(scheduler._executors["default"])
    assert "_run_job_error" not in vars(scheduler._executors["default"])
    assert vars(scheduler._jobstores["default"]).keys() == vars(MemoryJobStore()).keys() | {
        "_scheduler",
        "_alias",
        "_logger",
    }
    assert logging.Logger.callHandlers is call
    with pytest.raises(EngineStoppedError):
        attached.client()
    assert scheduler.get_job("q") is not None
    app.attach()  # and again
    assert app.job("default/q").full_name == "default/q"


PLAIN = """
import asyncio, datetime
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from schedtui.integrations.apscheduler import attach

async def work():
    over.set()

async def main():
    global over
    over, scheduler = asyncio.Event(), AsyncIOScheduler()
    scheduler.add_job(work, "interval", hours=1, id="work", executor="here",
                      misfire_grace_time=None,
                      next_run_time=datetime.datetime.now(datetime.timezone.utc))
    scheduler.add_executor("asyncio", "here")
    attach(scheduler)
    scheduler.start()
    await over.wait()

asyncio.run(main())
"""


def test_a_program_that_just_ends_writes_what_was_seen(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PLAIN)
    ended = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert _jobs_run(tmp_path) == ["default/work"]


def _jobs_run(folder: Path) -> list[str]:
    """The job of each run."""
    store = open_store(f"sqlite:///{folder}/.schedtui/state.db")
    store.open(None)
    try:
        return [run.job for run in store.runs(RunFilter(), limit=10, before=None)]
    finally:
        store.close()


@pytest.mark.parametrize("more", ["", "\nasyncio.run(main())"])
def test_each_of_the_loops_of_one_program_has_its_history(tmp_path: Path, more: str) -> None:
    """None of their schedulers was shut down."""
    program = tmp_path / "program.py"
    program.write_text(f"{PLAIN}\nasyncio.run(main()){more}")
    ended = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert _jobs_run(tmp_path) == ["default/work"] * (2 + bool(more))


def test_one_that_waited_in_a_loop_that_is_over_leaves_the_history_to_the_next_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedtui.integrations.apscheduler.attached.RETRY_S", (0.05,))

    async def main(number: int) -> list[Attached]:
        made = []
        for _ in range(number):
            scheduler = AsyncIOScheduler()
            made.append(attach(scheduler, folder=tmp_path))
            scheduler.start()
        return made

    _, waits = asyncio.run(main(2))
    assert "in use in this process already" in waits.problem
    _wait_until_none_opens()

    (next_one,) = asyncio.run(main(1))
    try:
        _wait_until_none_opens(0.5)
        assert next_one.problem == ""
        assert asyncio.run(next_one.client().snapshot()).jobs == ()
    finally:
        next_one.detach()


def _wait_until_none_opens(most_s: float = DEADLINE_S) -> None:
    for thread in threading.enumerate():
        if thread.name == "schedtui-attach":
            thread.join(most_s)


def test_a_scheduler_of_this_process_that_still_fires_keeps_its_history(
    make: Makes, tmp_path: Path
) -> None:
    with application("asyncio", tmp_path) as first:
        first.attach()
        first.start()
        app = make("asyncio")
        attached = app.attach()
        assert "in use in this process already" in attached.problem
        assert first.ask(lambda one: one.info()).health is Health.OK
        first.close()
        app.start()
        app.wait(lambda: not attached.problem)


@pytest.mark.parametrize("other", ["a/b", "a\nb", "a\x00b"])
def test_ids_that_clean_alike_are_two_jobs_that_can_be_steered(make: Makes, other: str) -> None:
    app = make()
    app.start()
    app.attach()
    for key in ("a_b", other):
        app.scheduler.add_job(attach_jobs.quiet, "interval", hours=1, id=key)
    app.wait(lambda: len(app.jobs()) == 2)
    (second,) = app.jobs().keys() - {"a_b"}
    assert second.startswith("a_b-")
    app.ask(lambda client: client.pause_job(f"default/{second}"))
    first, paused = app.scheduler.get_job("a_b"), app.scheduler.get_job(other)
    assert first is not None
    assert paused is not None
    assert first.next_run_time is not None
    assert paused.next_run_time is None


def test_what_cannot_be_attached(make: Makes) -> None:
    with pytest.raises(InvalidError, match="a scheduler of APScheduler 3"):
        attach("scheduler")
    with pytest.raises(InvalidError):
        attach(BackgroundScheduler(), store="nothing://here")
    app = make()
    app.attach()
    with pytest.raises(RefusedError, match="attached already"):
        app.attach()


OTHER_WORKER = """
import sys
from pathlib import Path
from schedtui import Engine
from schedtui.locations import StateDir

engine = Engine(state_dir=StateDir.beside(Path(sys.argv[1]))).run_in_thread()
print("open", flush=True)
sys.stdin.readline()
engine.close()
"""


def test_without_its_store_the_application_runs_all_the_same(
    make: Makes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another process has the history, as with several workers: told, and tried again."""
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER_WORKER, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"
    app = make()
    attached = app.attach()
    assert "is in use" in attached.problem
    assert "runs without a history" in caplog.text
    assert "another worker of this application" in attached.problem
    assert "kill" not in caplog.text
    app.start()
    app.scheduler.add_job(attach_jobs.quiet, "interval", hours=1, id="q", next_run_time=now())
    with pytest.raises(EngineStoppedError, match="is in use"):
        attached.client()
    other.communicate("\n", timeout=30)
    app.wait(lambda: not attached.problem)
    assert app.job("default/q").full_name == "default/q"


def test_it_ends_and_begins_with_its_scheduler(make: Makes) -> None:
    app = make()
    attached = app.attach()
    waiting = app.ask(lambda one: one.info())
    assert (waiting.health, waiting.problems) == (
        Health.DEGRADED,
        ("APScheduler is not running: it was not started yet, or was shut down",),
    )
    app.start()
    app.wait(lambda: app.ask(lambda one: one.info()).health is Health.OK)
    app.scheduler.shutdown()
    app.wait(lambda: attached.problem == "APScheduler has shut down")
    app.start()
    app.wait(lambda: not attached.problem)
    app.scheduler.add_job(attach_jobs.quiet, "interval", hours=1, id="again")
    assert app.job("default/again").full_name == "default/again"


def test_the_whole_scheduler_is_paused_and_resumed(make: Makes) -> None:
    app = make()
    app.attach()
    app.start()
    paused = app.ask(lambda one: one.pause_engine(reason="move"))
    assert (paused.paused, paused.paused_by, paused.pause_reason) == (True, "anna", "move")
    assert app.scheduler.state == 2
    assert not app.ask(lambda one: one.resume_engine()).paused
    app.scheduler.pause()
    app.wait(lambda: app.ask(lambda one: one.info()).paused_by == "apscheduler")
    app.scheduler.resume()
    app.wait(lambda: not app.ask(lambda one: one.info()).paused)
    actions = [line.action for line in app.ask(lambda one: one.audit()).items]
    assert {"engine.pause", "engine.resume"} <= set(actions)


def test_a_job_keeps_its_history_over_restarts(tmp_path: Path) -> None:
    """In a job store and in memory alike, with an id or only a function's name."""
    stores = {"kept": f"sqlite:///{tmp_path / 'jobs.db'}"}
    ids: list[dict[str, int]] = []
    for start in range(2):
        store = SQLAlchemyJobStore(url=stores["kept"])
        with application("background", tmp_path, jobstores={"kept": store}) as app:
            options: dict[str, Any] = {"trigger": "interval", "hours": 1}
            if not start:
                app.scheduler.add_job(attach_jobs.quiet, id="a", jobstore="kept", **options)
                app.scheduler.add_job(attach_jobs.quiet, jobstore="kept", **options)
                app.scheduler.add_job(attach_jobs.report, id="once", **options)
            app.attach()
            app.start()
            app.scheduler.add_job(attach_jobs.quiet, next_run_time=now(), **options)
            app.runs("default/quiet", start + 1)
            _wait_for(app, 4)
            ids.append({name: job.id for name, job in app.jobs().items()})
            if start:
                gone = app.jobs()["once"]
                assert (gone.state, gone.group) == (JobState.ORPHANED, "default")
                app.ask(lambda one: one.delete_job("default/once"))
                assert "once" not in app.jobs()
        store.engine.dispose()
    assert ids[0] == ids[1]
    (generated,) = set(ids[0]) - {"a", "once", "quiet"}
    assert generated.startswith("quiet-")


def _wait_for(app: Application, jobs: int) -> None:
    app.wait(lambda: len(app.jobs()) == jobs)


def test_it_is_served_on_its_socket_like_any_engine(make: Makes, tmp_path: Path) -> None:
    app = make()
    attached = app.attach()
    app.start()
    app.scheduler.add_job(attach_jobs.report, "interval", hours=1, id="r")
    app.job("default/r")
    app.wait(attached.socket.exists)

    async def ask() -> None:
        client = HttpClient("http://localhost", socket=attached.socket)
        try:
            run = await client.trigger_job("default/r", kwargs={"name": "http"})
            pages = [page async for page in client.follow(run.id)]
            assert pages[0].lines[0].text == "report for http"
            one = await client.trigger_job("default/r", idempotency_key="order 7")
            two = await client.trigger_job("default/r", idempotency_key="order 7")
            assert (two.id, two.replayed) == (one.id, True)
            with pytest.raises(RefusedError, match="APScheduler keeps these jobs"):
                await client.backfill_job("default/r", "2026-01-01")
            due = await client.next_due("default/r", count=2)
            assert due.description.endswith("by APScheduler")
            assert (due.next[1].at - due.next[0].at).total_seconds() == 3600
            assert (await client.snapshot()).jobs[0].schedule == "every 1 h"
        finally:
            await client.aclose()

    asyncio.run(ask())
    assert StateDir.beside(tmp_path).socket == attached.socket
