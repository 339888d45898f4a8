"""`schedtui edit` on a real engine's socket: what is given changes, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from engine_shell import Shell, engine_shell

from schedtui.models import Job, Policies

shell = pytest.fixture(engine_shell)


def edit(shell: Shell, *words: str, job: str = "work/monday") -> dict[str, Any]:
    found: dict[str, Any] = shell.json("edit", job, *words)
    return found


def monday(shell: Shell) -> Job:
    return shell.job("work/monday")


def test_what_is_not_given_stays(shell: Shell) -> None:
    before = monday(shell)
    edit(shell, "--cron", "30 9 * * mon", "--runbook", "call Ann")
    after = monday(shell)
    assert after.trigger["expression"] == "30 9 * * mon"
    assert after.version == before.version + 1
    same = {"trigger", "runbook", "version", "updated_at", "next_due"}
    assert replace(after, **{name: getattr(before, name) for name in same}) == before


def test_arguments_are_merged_replaced_and_taken_away(shell: Shell) -> None:
    assert edit(shell, "--arg", "name=Eve")["kwargs"] == {
        "name": "Eve",
        "limits": {"since": None, "most": 3},
    }
    assert edit(shell, "--without-arg", "limits")["kwargs"] == {"name": "Eve"}
    assert edit(shell, "--args", "{}")["kwargs"] == {}
    assert (
        "no argument 'name'" in shell.run("edit", "work/monday", "--without-arg", "name", code=2)[1]
    )
    assert "--arg name" in shell.run("edit", "work/monday", "--args", '{"name": 1}', code=2)[1]


def test_policies_are_merged_and_inherited_again(shell: Shell) -> None:
    edit(shell, "--timeout", "5m", "--retry-on", "TimeoutError", "--run-on-startup")
    words = ("--no-run-on-startup", "--inherit", "timeout", "--retry-backoff", "3")
    edit(shell, *words)
    assert monday(shell).policies == Policies(
        retries=3, retry_on=("TimeoutError",), run_on_startup=False, retry_backoff=3.0
    )
    both = ("--timeout", "5m", "--inherit", "timeout")
    assert "exclude each other" in shell.run("edit", "work/monday", *both, code=2)[1]


def test_names_tags_and_what_it_follows(shell: Shell) -> None:
    edit(shell, "--tag", "a", "--tag", "b", "--after", "work/often:end")
    assert (monday(shell).tags, [one.job for one in monday(shell).after]) == (
        ("a", "b"),
        ["work/often"],
    )
    found = edit(shell, "--no-tags", "--no-after", "--name", "work/tuesday")
    assert (found["name"], found["tags"], found["after"]) == ("tuesday", [], [])
    words = ("--name", "play/tuesday")
    assert "stays in its group" in shell.run("edit", "work/tuesday", *words, code=2)[1]
    assert "is changed; next due: " in shell.run("edit", "work/tuesday", "--every", "5m")[0]


def test_a_version_that_is_over_is_refused(shell: Shell) -> None:
    version = str(monday(shell).version)
    edit(shell, "--version", version, "--owner", "Eve")
    assert (
        "version"
        in shell.run("edit", "work/monday", "--version", version, "--owner", "X", code=4)[1]
    )
    assert monday(shell).owner == "Eve"


def test_what_is_wrong_is_told_as_it_was_typed(shell: Shell) -> None:
    assert "nothing to change" in shell.run("edit", "work/monday", code=2)[1]
    assert "--cron" in shell.run("edit", "work/monday", "--cron", "61 * * * *", code=2)[1]
    assert "--timezone" in shell.run("edit", "work/monday", "--timezone", "Mars", code=2)[1]
    assert "no job" in shell.run("edit", "work/none", "--owner", "X", code=3)[1]


@pytest.mark.parametrize("words", [("--tag", "a", "--no-tags"), ("--after", "a/b", "--no-after")])
def test_to_set_and_to_clear_exclude_each_other(shell: Shell, words: tuple[str, ...]) -> None:
    assert "exclude each other" in shell.run("edit", "work/monday", *words, code=2)[1]
