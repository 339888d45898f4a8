"""Editing the jobs of an engine that runs."""

from __future__ import annotations

import time
from typing import Any

import pytest
from terminal_driver import DEADLINE_S
from terminal_place import Place

JOBS = """\
from schedtui import Group, Late

group = Group("g")

@group.job(every="1h")
def work(word: str = Late.toml("conf.toml", "word")):
    return "one " + word
"""


@pytest.fixture
def jobs(empty: Place) -> Place:
    """A folder with a job of its own."""
    (empty.folder / "jobs.py").write_text(JOBS)
    (empty.folder / "conf.toml").write_text('word = "a"\n')
    return empty


def result(place: Place) -> Any:
    return place.json("trigger", "g/work", "--wait")["result"]


def until_result(place: Place, wanted: str) -> None:
    """Run it until it gives this."""
    deadline = time.monotonic() + DEADLINE_S
    while (got := result(place)) != wanted:
        assert time.monotonic() < deadline, got
        time.sleep(0.1)


def test_a_saved_file_is_what_runs_next(jobs: Place) -> None:
    jobs.serve("--no-listen")
    assert result(jobs) == '"one a"'
    (jobs.folder / "jobs.py").write_text(JOBS.replace("one", "two"))
    until_result(jobs, '"two a"')
    (jobs.folder / "conf.toml").write_text('word = "b"\n')
    assert result(jobs) == '"two b"'


def test_by_hand_with_what_broke_and_what_two_runs_differ_in(jobs: Place) -> None:
    jobs.serve("--no-listen", "--no-reload")
    first = jobs.json("trigger", "g/work", "--wait")
    assert set(first["late"]) == {"word"}
    assert first["code"]

    (jobs.folder / "jobs.py").write_text(JOBS + "1/0\n")
    broken = jobs.run("reload", code=1)
    assert "jobs.py:8: ZeroDivisionError" in broken.stdout
    assert "the last good version" in broken.stderr
    assert jobs.json("reload", code=1)["ok"] is False
    assert result(jobs) == '"one a"'

    (jobs.folder / "jobs.py").write_text(JOBS.replace("one", "two"))
    (jobs.folder / "conf.toml").write_text('word = "b"\n')
    assert "reloaded" in jobs.run("reload").stdout
    second = jobs.json("trigger", "g/work", "--wait")
    assert second["result"] == '"two b"'
    numbers = [str(first["id"]), str(second["id"])]
    found = jobs.json("runs", "--diff", *numbers)
    assert [one["what"] for one in found] == ["code", "late.word"]
    assert "code" in jobs.run("runs", "--diff", *numbers).stdout
    assert "the same code" in jobs.run("runs", "--diff", numbers[0], numbers[0]).stderr
    jobs.run("runs", "g/work", "--diff", *numbers, code=2)
    assert "is what the code says" in jobs.run("revert", "g/work").stdout
