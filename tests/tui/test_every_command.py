"""Every command on one engine: one JSON document, a text for people, and the exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_shell import Shell, engine_shell

from schedtui_tui.cli import COMMANDS

shell = pytest.fixture(engine_shell)

ROUND: tuple[tuple[str, ...], ...] = (
    ("init", "fresh"),
    ("jobs",),
    ("jobs", "work/monday"),
    ("functions",),
    ("next", "work/monday"),
    ("trigger", "work/monday", "--wait"),
    ("runs",),
    ("stats",),
    ("logs", "1"),
    ("rerun", "1", "--wait"),
    ("explain", "work/monday"),
    ("backfill", "work/often", "--from", "1h ago", "--dry-run"),
    ("run", "work/greet", "--arg", "name=Eve", "--wait"),
    ("create", "work/greet", "--every", "1h", "--name", "made"),
    ("edit", "work/made", "--every", "2h"),
    ("pause", "work/made"),
    ("resume", "work/made"),
    ("edit", "work/daily", "--owner", "Eve"),
    ("revert", "work/daily"),
    ("dead", "list"),
    ("export", "jobs.toml"),
    ("plan", "jobs.toml"),
    ("apply", "jobs.toml", "--note", "why", "--yes"),
    ("delete", "work/made"),
    ("apply", "jobs.toml", "--note", "back again", "--yes"),
    ("revisions",),
    ("rollback", "1", "--yes"),
    ("import", "crontab", "cron", "--function", "ops/shell"),
    ("context", "add", "prod", "http://127.0.0.1:9"),
    ("context", "list"),
    ("context", "remove", "prod"),
    ("doctor",),
    ("token", "create", "--name", "ci", "--role", "viewer", "--target", "elsewhere"),
    ("token", "list", "--target", "elsewhere"),
    ("backup", "copy.db", "--target", "elsewhere"),
    ("restore", "copy.db", "--target", "other"),
    ("token", "revoke", "ci", "--target", "elsewhere"),
)
ELSEWHERE = {
    "demo": "a console; test_console.py",
    "serve": "goes on until it is stopped; test_serve.py",
    "completion": "prints a script; test_completion.py",
    "cancel": "needs a run that goes on; test_commands_runs.py",
    "reload": "needs an engine with a target; test_reload.py",
}
MISSING: tuple[tuple[str, ...], ...] = (
    *(("jobs", "work/none"), ("runs", "work/none"), ("logs", "work/none"), ("logs", "99")),
    *(("next", "work/none"), ("explain", "work/none"), ("trigger", "work/none")),
    *(("backfill", "work/none", "--from", "1h ago"), ("run", "work/none")),
    *(("create", "work/none", "--every", "1h"), ("edit", "work/none", "--owner", "x")),
    *(("pause", "work/none"), ("resume", "work/none"), ("revert", "work/none")),
    *(
        ("cancel", "99"),
        ("rerun", "99"),
        ("dead", "list", "work/none"),
        ("stats", "--job", "work/none"),
        ("delete", "work/none"),
    ),
    *(("export", "--revision", "99"), ("plan", "--revision", "99"), ("rollback", "99", "--yes")),
    *(("import", "crontab", "cron", "--function", "ops/none"), ("context", "remove", "none")),
    ("token", "revoke", "none", "--target", "elsewhere"),
)


@pytest.fixture
def files(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the commands read, and another store with no engine on it."""
    (shell.folder / "cron").write_text("0 1 * * * echo hello\n")
    for name in ("elsewhere", "other"):
        (shell.folder / name).mkdir()
    shell.run("token", "create", "--name", "a", "--role", "viewer", "--target", "elsewhere")
    monkeypatch.setenv("TZ", "UTC")
    return shell.folder


def test_nothing_is_left_out() -> None:
    assert sorted({words[0] for words in ROUND} | ELSEWHERE.keys()) == sorted(COMMANDS)


@pytest.mark.usefixtures("files")
def test_each_prints_one_document_for_programs(shell: Shell) -> None:
    for words in ROUND:
        assert shell.json(*words) is not None, words


@pytest.mark.usefixtures("files")
def test_each_says_something_to_people(shell: Shell) -> None:
    for words in ROUND:
        out, err = shell.run(*words)
        assert out.strip() or err.strip(), words
        assert not out.lstrip().startswith("{"), words


@pytest.mark.usefixtures("files")
def test_what_is_not_there_has_code_3(shell: Shell) -> None:
    for words in MISSING:
        out, err = shell.run(*words, "--json", code=3)
        assert (out, "schedtui: no " in err) == ("", True), words


@pytest.mark.usefixtures("files")
def test_what_may_not_be_has_code_4(shell: Shell) -> None:
    for words in (
        ("delete", "work/daily"),
        ("create", "work/greet", "--every", "1h", "--name", "monday"),
        ("edit", "work/monday", "--owner", "x", "--version", "99"),
        ("revert", "work/monday"),
        ("reload",),
        ("backup", "cron", "--target", "elsewhere"),
    ):
        assert shell.run(*words, "--json", code=4)[0] == "", words
