"""``schedtui dead``: what failed for good, on an engine's socket."""

from __future__ import annotations

import asyncio

import pytest
from engine_shell import Shell, engine_shell

from schedtui import Group
from schedtui.client.local import LocalClient
from schedtui.models import Run

shell = pytest.fixture(engine_shell)


@pytest.fixture
def failed(shell: Shell) -> list[int]:
    """Two runs of one function that failed, and one of another."""
    group = Group("bad")

    @group.function()
    async def fail(n: int = 1) -> None:
        raise OSError(f"no {n}")

    @group.function()
    async def break_(n: int = 1) -> None:
        raise ValueError(f"no {n}")

    shell.engine.registry.add(group)
    client = LocalClient(shell.engine)

    async def work() -> list[int]:
        runs: list[Run] = []
        for name, n in (("fail", 1), ("fail", 2), ("break_", 3)):
            runs.append(await client.run_function(f"bad/{name}", {"n": n}))
            async for _ in client.follow(runs[-1].id):
                pass
        return [run.id for run in runs]

    return asyncio.run_coroutine_threadsafe(work(), shell.engine.running.loop).result(10)


def test_they_are_listed_with_why(shell: Shell, failed: list[int]) -> None:
    out, _ = shell.run("dead", "list")

    lines = out.splitlines()
    assert lines[0].split() == ["RUN", "JOB", "STATE", "ATTEMPT", "ENDED", "WHY"]
    assert [line.split()[0] for line in lines[1:]] == [str(run) for run in failed[::-1]]
    assert "ValueError: no 3" in lines[1]
    found = shell.json("dead", "list", "--error", "OSError", "--since", "1h", "-n", "1")
    assert [run["id"] for run in found] == [failed[1]]
    assert shell.json("dead", "list", "--until", "yesterday") == []
    assert "no dead letters" in shell.run("dead", "list", "--group", "work")[1]


@pytest.mark.parametrize("words", [("--all", "--key", "k1"), ("3", "--key=k1"), ("--key", "3")])
def test_an_option_of_replay_alone_is_none_of_dismiss(shell: Shell, words: tuple[str, ...]) -> None:
    assert "there is no option --key" in shell.run("dead", "dismiss", *words, code=2)[1]


def test_those_of_a_tag_are_listed_replayed_and_dismissed(shell: Shell, failed: list[int]) -> None:
    made = ("create", "bad/fail", "--name", "tagged", "--tag", "night", "--at", "2030-01-01 9:00")
    shell.run(*made)
    shell.run("trigger", "bad/tagged", "--wait", code=1)

    (run,) = shell.json("dead", "list", "--tag", "night")
    assert run["id"] not in failed
    dry, _ = shell.run("dead", "replay", "--tag", "night", "--dry-run")
    assert dry.splitlines() == [f"run {run['id']} of bad/tagged would be replayed"]
    shell.run("dead", "dismiss", "--tag", "night")
    assert "no dead letter" in shell.run("dead", "replay", "--tag", "night", code=3)[1]
    figures = shell.json("stats", "--tag", "night")["items"]
    assert [(one["name"], one["states"]) for one in figures] == [("bad/tagged", {"failed": 1})]


def test_a_window_is_replayed_after_it_was_counted(shell: Shell, failed: list[int]) -> None:
    dry, _ = shell.run("dead", "replay", "--since", "6h", "--error", "OSError", "--dry-run")
    assert dry.splitlines() == [f"run {run} of bad/fail would be replayed" for run in failed[:2]]

    told = shell.json("dead", "replay", "--since", "6h", "--limit", "1", "--key", "k")

    assert (told["found"], told["done"], told["replayed"]) == (3, 1, False)
    assert told["letters"][0]["run"] == failed[0]
    again = shell.run("dead", "replay", "--since", "6h", "--limit", "1", "--key", "k")[0]
    assert "2 more are left" in again


def test_chosen_ones_are_replayed_once(shell: Shell, failed: list[int]) -> None:
    out, _ = shell.run("dead", "replay", str(failed[2]))
    assert out.startswith(f"run {failed[2]} of bad/break_ is replayed: run ")

    _, err = shell.run("dead", "replay", str(failed[2]), "99", code=4)
    assert f"run {failed[2]} was replayed by " in err
    assert "no run 99" in err


@pytest.mark.parametrize("verb", ["replay", "dismiss"])
def test_the_exit_code_says_what_was_wrong_with_the_numbers(
    shell: Shell, failed: list[int], verb: str
) -> None:
    for how in ((), ("--dry-run",), ("--json",)):
        shell.run("dead", verb, "98", "99", *how, code=3)
    shell.run("dead", verb, str(failed[0]))
    shell.run("dead", verb, str(failed[0]), code=4)
    shell.run("dead", verb, str(failed[0]), str(failed[1]), "99", code=1)


def test_they_are_dismissed_with_a_note(shell: Shell, failed: list[int]) -> None:
    out, _ = shell.run("dead", "dismiss", "--all", "--note", "known")

    assert out.splitlines()[0] == f"run {failed[0]} of bad/fail is dismissed"
    assert shell.json("dead", "list") == []
    assert shell.json("runs", "-n", "1")[0]["handled"].endswith(": known")
    assert "no dead letter matches" in shell.run("dead", "dismiss", "--all", code=3)[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("replay",), "expected RUN"),
        (("replay", "1", "--all"), "name one of RUN"),
        (("dismiss", "--all", "--group", "work"), "name one of RUN"),
        (("list", "--since", "whenever"), "--since"),
        (("replay", "--all", "--limit", "1001"), "--limit"),
    ],
)
def test_what_cannot_be_is_a_usage_error(shell: Shell, words: tuple[str, ...], says: str) -> None:
    assert says in shell.run("dead", *words, code=2)[1]


def test_many_jobs_are_triggered_once_for_a_key(shell: Shell) -> None:
    first = shell.json("trigger", "--tag", "mail", "--key", "k")
    again, _ = shell.run("trigger", "--tag", "mail", "--key", "k")
    assert f"run {first[0]['run_id']} (an earlier call with this key made it)" in again
    assert "--key" in shell.run("trigger", "--tag", "mail", "--key", "", code=2)[1]
