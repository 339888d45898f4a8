"""``schedtui jobs`` and ``schedtui runs``: which ones are listed."""

from __future__ import annotations

import pytest
from engine_shell import Shell, engine_shell

shell = pytest.fixture(engine_shell)


def test_jobs_by_group_tag_and_state(shell: Shell) -> None:
    def listed(*words: str) -> set[str]:
        return {job["name"] for job in shell.json("jobs", *words)}

    assert listed("--group", "work") == {"daily", "hourly", "monday", "often"}
    assert listed("--tag", "nightly") == {"daily", "hourly", "monday"}
    assert listed("--tag", "mail") == {"monday"}
    shell.run("pause", "work/hourly")
    assert listed("--tag", "nightly", "--state", "paused") == {"hourly"}
    assert listed("--group", "nobody's") == set()
    assert shell.run("jobs", "--tag", "nobody's")[1] == "no jobs\n"


def test_runs_by_a_tag_of_their_jobs(shell: Shell) -> None:
    for name in ("monday", "often"):
        shell.run("trigger", f"work/{name}", "--wait")

    assert [run["job"] for run in shell.json("runs", "--tag", "mail")] == ["work/monday"]
    assert len(shell.json("runs")) == 2
