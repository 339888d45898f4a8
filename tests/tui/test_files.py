"""`schedtui export`, `plan`, `apply`, `rollback` and `revisions` on a real engine's socket."""

from __future__ import annotations

from typing import Any

import pytest
from engine_shell import Shell, engine_shell
from files_kit import edited

from schedtui_tui.commands import files

shell = pytest.fixture(engine_shell)


def names(changes: list[Any]) -> list[tuple[str, str]]:
    return [(one["job"], one["kind"]) for one in changes]


def test_a_whole_round(shell: Shell) -> None:
    shell.engine.sync.pause_job("work/daily", reason="disk full")
    shell.run("export", "jobs.toml")
    before = (shell.folder / "jobs.toml").read_bytes()
    assert "nothing would change" in shell.run("plan", "jobs.toml", "--check")[0]

    head, _, rest = before.decode().partition('[jobs."work/often"]')
    new = '[jobs."work/new"]\nfunction = "work/greet"\nevery = "2h"\nowner = "Eve"\n\n'
    text = edited(head + new + rest[rest.index("[overrides") :], ("disk full", "disk fuller"))
    (shell.folder / "jobs.toml").write_text(edited(text, ("retries = 3", "retries = 5")))

    said = shell.run("plan", "jobs.toml", "--check", code=1)[0]
    assert said.splitlines()[:-1] == [
        "~ work/daily  (changed, in code)",
        '    pause_reason  "disk full" -> "disk fuller"',
        "~ work/monday  (changed)",
        "    policies.retries  3 -> 5",
        "+ work/new  (added)",
        '    function  "work/greet"',
        '    timezone  "UTC"',
        '    owner     "Eve"',
        "    every     7200",
        "- work/often  (removed)",
    ]
    plan = shell.json("plan", "jobs.toml")
    assert names(plan["changes"]) == [
        ("work/daily", "changed"),
        ("work/monday", "changed"),
        ("work/new", "added"),
        ("work/often", "removed"),
    ]
    words = ["apply", "jobs.toml", "--note", "a\x1b[31mtidy", "--yes", "--plan", plan["id"]]
    assert shell.run(*words)[0] == "revision 2: 1 added, 2 changed, 1 removed\n"
    listed = shell.run("revisions")[0]
    assert "+1 ~2 -1" in listed
    assert "\x1b" not in listed

    assert names(shell.json("plan", "--revision", "1")["changes"])[-1] == ("work/often", "added")
    shell.run("rollback", "1", "--yes")
    shell.run("export", "again.toml")
    assert (shell.folder / "again.toml").read_bytes() == before
    assert shell.run("export", "--revision", "1")[0].encode() == before
    assert shell.run("rollback", "1", "--yes")[0] == "nothing differs, so nothing was done\n"
    assert shell.json("revisions")[0]["restored"] == 1
    assert "(as revision 1)" in shell.run("revisions")[0]


def test_a_file_with_one_bad_job_changes_nothing_and_names_it(shell: Shell) -> None:
    before = shell.export()
    shell.write(("0 9 * * mon", "99 9 * * mon"), ("every = 300", "every = 60"))
    for words in (["plan", "jobs.toml"], ["apply", "jobs.toml", "--note", "n", "--yes"]):
        out, err = shell.run(*words, code=2)
        assert out == ""
        assert "jobs.work/monday.trigger.expression" in err
        assert "often" not in err
    assert shell.export() == before
    assert shell.json("revisions") == []
    (shell.folder / "jobs.toml").write_text("[jobs")
    assert "not TOML" in shell.run("plan", "jobs.toml", code=2)[1]
    (shell.folder / "jobs.toml").write_bytes(b"\xff")
    assert "UTF-8" in shell.run("plan", "jobs.toml", code=2)[1]


def test_what_has_to_be_said(shell: Shell) -> None:
    shell.write(("every = 300", "every = 60"))
    assert "--note" in shell.run("apply", "jobs.toml", "--yes", code=2)[1]
    assert "--yes" in shell.run("apply", "jobs.toml", "--note", "n", "--json", code=2)[1]
    assert "--yes" in shell.run("rollback", "1", "--json", code=2)[1]
    assert "either" in shell.run("plan", code=2)[1]
    assert "either" in shell.run("plan", "jobs.toml", "--revision", "1", code=2)[1]
    assert "No such file" in shell.run("plan", "none.toml", code=2)[1]
    assert "no revision 7" in shell.run("rollback", "7", "--yes", code=3)[1]
    assert "no revisions" in shell.run("revisions")[1]
    plan = shell.json("plan", "jobs.toml")["id"]
    shell.engine.sync.pause_job("work/monday")
    words = ["apply", "jobs.toml", "--note", "n", "--yes", "--plan", plan]
    assert "jobs have changed" in shell.run(*words, code=4)[1]


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_is_asked(shell: Shell, monkeypatch: pytest.MonkeyPatch, *, answer: bool) -> None:
    shell.write(("every = 300", "every = 60"))
    before = shell.export()
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return bool(answer)

    monkeypatch.setattr("schedtui_tui.commands.apply.sure", ask)
    out, err = shell.run("apply", "jobs.toml", "--note", "n", code=0 if answer else 1)
    assert asked == ["1 changed. Apply?"]
    assert "every  300 -> 60" in out
    assert ("revision 2" in out, "nothing was done" in err) == (answer, not answer)
    assert (shell.export() == before) is not answer


def test_what_changed_while_a_person_thought_is_not_applied(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write(("every = 300", "every = 60"))

    def meanwhile(_: str) -> bool:
        shell.engine.sync.pause_job("work/monday")
        return True

    monkeypatch.setattr("schedtui_tui.commands.apply.sure", meanwhile)
    assert "jobs have changed" in shell.run("apply", "jobs.toml", "--note", "n", code=4)[1]


def test_nobody_is_asked_where_nobody_is(shell: Shell) -> None:
    shell.write(("every = 300", "every = 60"))
    assert "--yes" in shell.run("apply", "jobs.toml", "--note", "n", code=2)[1]
    shell.write()
    out = shell.run("apply", "jobs.toml", "--note", "n")[0]
    assert "nothing differs" in out, "then there is nothing to ask"


def test_a_file_is_replaced_whole_and_keeps_its_mode(shell: Shell) -> None:
    file, link = shell.folder / "jobs.toml", shell.folder / "link.toml"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    shell.run("export", "link.toml")
    assert file.read_text() == shell.export()
    assert (file.stat().st_mode & 0o777, link.is_symlink()) == (0o640, True)
    assert {one.name for one in shell.folder.iterdir()} == {".schedtui", "jobs.toml", "link.toml"}
    assert "No such file" in shell.run("export", "no/such.toml", code=2)[1]


def test_long_values_are_cut_in_a_plan() -> None:
    assert files._value("x" * 1_000).endswith("…")
    assert files._value(None) == "(not said)"
