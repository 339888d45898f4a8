"""`schedtui logs` of a run that failed."""

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
