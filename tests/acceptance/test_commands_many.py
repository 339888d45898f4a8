"""Many jobs by a filter, and the whole engine, from the command line."""

from __future__ import annotations

import signal

from terminal_place import Place

JOBS = """
from schedtui import Group

g = Group("g")

@g.function()
async def say(name: str = "x") -> str:
    return name

@g.job(every="1d", tags=["db"])
async def fixed() -> None: ...

@g.job(every="1s")
async def often() -> None: ...
"""


def served(place: Place, *words: str) -> Place:
    (place.folder / "jobs.py").write_text(JOBS)
    place.serve("--no-listen", *words)
    return place


def test_many_jobs_at_once(empty: Place) -> None:
    place = served(empty)
    for name in ("a", "b"):
        place.run("create", "g/say", "--every", "1d", "--name", name, "--tag", "db")

    said = place.run("pause", "--tag", "db", "--reason", "move", "--until", "2100-01-01 09:00")
    assert said.stdout.splitlines() == ["g/fixed is paused", "g/a is paused", "g/b is paused"]
    job = place.json("jobs", "g/b")
    assert (job["pause_reason"], job["paused_until"]) == ("move", "2100-01-01T09:00:00Z")
    resumed = place.json("resume", "--state", "paused")
    assert [(one["job"], one["done"]) for one in resumed] == [
        ("g/fixed", True),
        ("g/a", True),
        ("g/b", True),
    ]
    triggered = place.run("trigger", "--tag", "db", "--group", "g").stdout.splitlines()
    assert triggered[1].startswith("g/a is triggered: run ")

    deleted = place.run("delete", "--tag", "db", code=1)
    assert deleted.stdout.splitlines() == ["g/a is deleted", "g/b is deleted"]
    assert "g/fixed is declared in code" in deleted.stderr
    assert "no job matches" in place.run("pause", "--tag", "none", code=3).stderr
    for words in (["pause"], ["pause", "g/fixed", "--tag", "db"], ["delete", "--engine"]):
        place.run(*words, code=2)
    place.run("trigger", "--tag", "db", "--wait", code=2)


def test_the_whole_engine_is_paused_and_stays_so(empty: Place) -> None:
    place = served(empty)
    place.ended("g/often")
    assert "the engine is paused by " in place.run("pause", "--engine", "--reason", "move").stdout
    place.run("pause", "--engine", "--until", "18:00", code=2)
    served_now = place._started[-1]
    served_now.send_signal(signal.SIGTERM)
    served_now.wait(20)

    again = place.serve("--no-listen")
    assert ": move; `schedtui resume --engine` resumes it" in again.said
    runs = [run["id"] for run in place.json("runs", "g/often")]
    assert place.json("trigger", "g/often", "--wait")["state"] == "succeeded"
    assert len(place.json("runs", "g/often")) == len(runs) + 1
    assert place.run("resume", "--engine").stdout == "the engine is resumed\n"
    skipped = place.ended("g/often", state="skipped")
    assert skipped["reason"].startswith("engine paused by ")
    assert skipped["reason"].endswith(": move")


def test_serve_can_start_paused(empty: Place) -> None:
    place = served(empty, "--paused")
    assert place.json("runs") == []
    assert place.json("resume", "--engine")["paused"] is False
    place.ended("g/often")
