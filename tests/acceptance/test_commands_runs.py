"""Ending runs, running them again, pauses with an end and policies, from the command line."""

from __future__ import annotations

import signal
from datetime import datetime

from terminal_driver import DEADLINE_S
from terminal_place import Place

JOBS = """
import asyncio
from schedtui import Group, log

g = Group("g", timezone="Asia/Tokyo")

@g.function()
async def wait(name: str = "x") -> str:
    log("waiting", name=name)
    await asyncio.Event().wait()

@g.function()
async def say(name: str = "x") -> str:
    return name
"""


def served(place: Place) -> Place:
    (place.folder / "jobs.py").write_text(JOBS)
    place.serve("--no-listen")
    return place


def running(place: Place, job: str) -> str:
    run = place.json("trigger", job)
    place.wait(lambda: place.json("runs", job)[0]["state"] == "running")
    return str(run["id"])


def test_a_job_that_runs_after_another_one(empty: Place) -> None:
    place = served(empty)
    place.run("create", "g/say", "--every", "1d")
    job = place.json("create", "g/say", "--after", "g/say:end", "--name", "last")
    assert (job["after"], job["next_due"]) == ([{"job": "g/say", "on": "end"}], None)
    assert "g/say (end)" in place.run("jobs", "g/last").stdout
    said = place.run("create", "g/say", "--after", "g/say", "--name", "b").stdout
    assert "g/b is created; next due: after g/say" in said
    wrong = place.run("create", "g/say", "--after", "g/none", "--name", "c", code=2).stderr
    assert "--after: got 'g/none'; expected 'group/name' of a job that there is" in wrong
    assert "or --after, or both" in place.run("create", "g/say", code=2).stderr
    run = place.json("trigger", "g/say", "--wait")
    child = place.ended("g/last")
    assert (child["source"], child["parent_id"]) == ("chain", run["id"])
    assert (
        f"chain: after run {run['id']} of g/say (succeeded)"
        in place.run("explain", "g/last").stdout
    )


def test_a_run_is_cancelled_and_run_again(empty: Place) -> None:
    place = served(empty)
    place.run("create", "g/wait", "--every", "1d", "--arg", "name=a")
    run = running(place, "g/wait")

    ended = place.json("cancel", run, "--reason", "wrong file", "--wait")
    assert (ended["state"], ended["reason"].partition(": ")[2]) == ("cancelled", "wrong file")
    assert "ended already" in place.run("cancel", run, code=4).stderr
    again = place.json("rerun", run)
    assert (again["source"], again["parent_id"], again["kwargs"]) == (
        "rerun",
        int(run),
        {"name": "a"},
    )
    assert "not ended" in place.run("rerun", str(again["id"]), code=4).stderr
    said = place.run("cancel", str(again["id"])).stdout
    assert said.startswith(f"run {again['id']} of g/wait")
    place.wait(lambda: place.json("runs", "g/wait")[0]["state"] == "cancelled")

    place.run("create", "g/say", "--every", "1d")
    first = place.json("trigger", "g/say", "--wait")
    assert "succeeded" in place.run("rerun", str(first["id"]), "--wait").stdout
    place.run("cancel", "999999", code=3)
    place.run("rerun", "999999", code=3)
    place.run("cancel", "g/say", code=2)


def test_a_pause_has_an_end_in_the_jobs_zone(empty: Place) -> None:
    place = served(empty)
    place.run("create", "g/say", "--every", "1d")

    paused = place.json("pause", "g/say", "--until", "2100-01-01 09:00", "--reason", "why")
    assert paused["paused_until"] == "2100-01-01T00:00:00Z"
    assert "2100-01-01 09:00:00 JST" in place.run("jobs", "g/say").stdout
    soon = place.run("pause", "g/say", "--until", "tomorrow 7:30").stdout
    assert " is paused until " in soon
    assert "07:30:00 JST" in soon
    job = place.json("jobs", "g/say")
    assert datetime.fromisoformat(job["paused_until"]).strftime("%H:%M") == "22:30"
    for wrong in ("nonsense", "2020-01-01 09:00"):
        assert "--until: got" in place.run("pause", "g/say", "--until", wrong, code=2).stderr
    assert place.json("jobs", "g/say")["paused_until"] == job["paused_until"]


def test_policies_are_typed(empty: Place) -> None:
    place = served(empty)
    words = ["--overlap", "queue_one", "--retries", "2", "--retry-delay", "90s", "--timeout", "2h"]
    job = place.json("create", "g/say", "--every", "1d", *words, "--priority", "-5")
    own = {name: value for name, value in job["policies"].items() if value is not None}
    assert own == {
        "overlap": "queue_one",
        "retries": 2,
        "retry_delay_s": 90,
        "timeout_s": 7200,
        "priority": -5,
    }
    assert "overlap queue_one" in place.run("jobs", "g/say").stdout
    wrong = place.run("create", "g/say", "--every", "1d", "--retries", "many", code=2)
    assert "--retries: got 'many'; expected a whole number" in wrong.stderr


def test_a_function_runs_without_a_job(empty: Place) -> None:
    place = served(empty)
    run = place.json("run", "g/say", "--arg", "name=Ann", "--wait")
    assert (run["state"], run["result"], run["job_id"]) == ("succeeded", '"Ann"', 0)
    assert place.json("jobs") == []
    assert "g/say" in place.run("runs").stdout
    assert "no function" in place.run("run", "g/none", code=3).stderr
    place.run("run", "g/say", "--arg", "nme=x", code=2)


def test_who_waits_for_a_run_is_told_what_became_of_it_after_a_restart(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(JOBS)
    killed = empty.serve("--no-listen")
    waiting = empty.start("run", "g/wait", "--wait")
    empty.wait(lambda: bool(runs := empty.json("runs")) and runs[0]["state"] == "running")
    killed.stop(signal.SIGKILL)
    empty.serve("--no-listen")
    out, _ = waiting.communicate(timeout=DEADLINE_S)
    assert (waiting.returncode, "lost" in out.splitlines()[-1]) == (1, True), out
