"""`schedtui resume` of a job whose trigger fails: done, and the reader is told what is wrong."""

from __future__ import annotations

import pytest
from engine_shell import Shell, engine_shell

from schedtui.triggers import Every

shell = pytest.fixture(engine_shell)


class Failing(Every):
    """A trigger class of the user's own."""

    def next_after_us(self, us: int) -> int | None:  # noqa: ARG002 - it fails for any
        raise OSError("the calendar is away")


def test_a_resume_says_that_the_trigger_fails_and_the_next_one_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run("pause", "work/monday", "--reason", "look")
    core = shell.engine.running.core
    live = core.jobs.named("work/monday")
    live.trigger, live.next_due_us = Failing(10), 1
    first, second = shell.run("resume", "work/monday")[0].splitlines()
    assert first == "work/monday is resumed; next due: never"
    assert second.startswith("work/monday: its trigger failed: OSError: the calendar is away")
    assert second.endswith("resume it again once its trigger answers")
    with monkeypatch.context() as patch:
        patch.setattr(core, "trigger_of", lambda _: (Failing(10), ""))
        refused = shell.run("resume", "work/monday", code=4)[1]
    assert "work/monday cannot go on: its trigger failed: OSError: the calendar is away" in refused
    live.trigger = Every(10)
    assert "next due: never" not in shell.run("resume", "work/monday")[0]
