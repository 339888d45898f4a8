"""`schedtui logs` and `runs` of runs that failed, and of functions."""

from __future__ import annotations

import pytest
from engine_shell import Shell, engine_shell

shell = pytest.fixture(engine_shell)


@pytest.mark.parametrize("words", [(), ("-f",)])
def test_what_became_of_a_run_that_failed_is_told_with_its_traceback(
    shell: Shell, words: tuple[str, ...]
) -> None:
    run = str(shell.json("run", "ops/broken", "--wait", code=1)["id"])
    out, _ = shell.run("logs", run, *words)
    assert out.startswith("Traceback (most recent call last)")
    assert "in broken\n" in out
    last = out.splitlines()[-1]
    assert last.startswith(f"run {run} of ops/broken: failed in ")
    assert ": ValueError: no disk" in last
    assert "\x1b" not in out


def test_a_run_that_succeeded_is_its_lines_alone(shell: Shell) -> None:
    run = str(shell.json("run", "work/greet", "--wait")["id"])
    assert shell.run("logs", run) == ("", f"run {run} of work/greet wrote nothing\n")


def test_runs_of_a_function_are_no_runs_of_a_job(shell: Shell) -> None:
    shell.run("run", "ops/bare", "--arg", "command=x", "--wait")
    for word in ("runs", "logs"):
        said = shell.run(word, "ops/bare", code=3)[1]
        assert "no job 'ops/bare': that is a function" in said
        assert "list of all runs" in said
        assert "function" not in shell.run(word, "ops/none", code=3)[1]
