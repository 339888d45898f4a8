"""A real service with an APScheduler, watched and steered by the real `schedtui`."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attach_service
import pytest
from terminal_driver import DEADLINE_S
from terminal_place import Place

Service = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def service(empty: Place) -> Iterator[Service]:
    """Starts the service, until its engine answers."""
    shutil.copy(attach_service.__file__, empty.folder / "attach_service.py")
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        with (empty.folder / "service.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "attach_service.py"],
                cwd=empty.folder,
                env=empty.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )
        started.append(process)
        empty.wait(empty.answers)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(DEADLINE_S)


def test_its_jobs_from_the_command_line(empty: Place, service: Service) -> None:
    service()
    jobs = {one["name"]: one for one in empty.json("jobs")}
    assert jobs.keys() == {"ship", "stock"}
    assert jobs["stock"]["timezone"] == "Europe/Berlin"
    shown = empty.run("jobs").stdout
    assert "every 1 h" in shown
    assert "0 7 * * mon-fri" in shown

    run = empty.json("trigger", "orders/ship", "--arg", "order=7", "--wait")
    assert (run["state"], run["result"]) == ("succeeded", '"shipped 7"')
    assert (empty.folder / "shipped.txt").read_text() == "7\n"
    assert "shipping 7" in empty.run("logs", "orders/ship").stdout
    refused = empty.run("backfill", "orders/ship", "--from", "yesterday 9:00", code=4)
    assert "APScheduler keeps these jobs" in refused.stderr


def test_steered_and_started_again(empty: Place, service: Service) -> None:
    """Its job stores keep what was done to its jobs, and the history stays."""
    process = service()
    run = empty.json("trigger", "orders/ship", "--wait")
    empty.run("pause", "orders/ship", "--reason", "inventory")
    empty.run("delete", "default/stock")
    process.send_signal(signal.SIGINT)
    process.wait(DEADLINE_S)
    assert not empty.answers()
    service()
    paused = empty.json("jobs", "orders/ship")
    assert (paused["paused"], paused["pause_reason"]) == (True, "inventory")
    assert [one["id"] for one in empty.json("runs", "orders/ship")] == [run["id"]]


def test_the_console_shows_it_and_triggers(empty: Place, service: Service) -> None:
    service()
    console = empty.console()
    console.wait("0 7 * * mon-fri")
    console.wait("every 1 h")


def test_a_service_that_was_killed_leaves_its_run_lost(empty: Place, service: Service) -> None:
    hang = empty.folder / "hang"
    hang.touch()
    process = service()
    empty.wait(lambda: bool(empty.json("runs", "--state", "running")))
    process.kill()
    process.wait(DEADLINE_S)
    hang.unlink()
    service()
    (lost,) = empty.json("runs", "default/hangs")
    assert lost["state"] == "lost"
    assert Path(empty.state.database).exists()
