"""The `schedtui` command as a shell sees it: words, exit codes, what it prints and imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schedtui import __version__
from schedtui.errors import (
    ConflictError,
    EngineStoppedError,
    FieldError,
    ForbiddenError,
    InvalidError,
    JobNotFoundError,
    ProtocolError,
    SchedtuiError,
    StaticJobError,
    StoreLockedError,
    StoreUnavailableError,
    TargetError,
    UnauthorizedError,
    UnreachableError,
)
from schedtui.models import Run, RunState, Source
from schedtui_tui.cli import COMMANDS, looks_like_target, main
from schedtui_tui.exits import Exit, UsageError, code_of, report
from schedtui_tui.tables import print_json, print_table

HEAVY = (
    "apscheduler",
    "textual",
    "rich",
    "httpx",
    "fastapi",
    "uvicorn",
    "sqlalchemy",
    "alembic",
    "pydantic",
    "asyncio",
    "platformdirs",
    "hashlib",
)


def schedtui(
    *words: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The real command, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "schedtui_tui", *words],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def imported_by(*words: str, cwd: Path) -> set[str]:
    """The top-level packages that are loaded once the command is done."""
    script = (
        "import sys\n"
        "from schedtui_tui.cli import main\n"
        f"code = main({list(words)!r})\n"
        "print('\\n'.join({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("jobs.py", True),
        ("./jobs", True),
        ("package.module", True),
        ("module:engine", True),
        ("folder", True),
        ("nothing-here", False),
        ("jobs", False),
    ],
)
def test_a_target_has_a_mark_or_is_a_folder(
    word: str, target: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert looks_like_target(word) is target


def test_a_bare_word_is_a_command_even_where_a_folder_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    done = schedtui("jobs", cwd=tmp_path)
    assert done.returncode == Exit.UNREACHABLE
    assert "no engine runs" in done.stderr


def test_an_unknown_word_is_a_usage_error_with_what_comes_near(tmp_path: Path) -> None:
    done = schedtui("triger", cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert "did you mean 'trigger'?" in done.stderr
    assert done.stdout == ""
    assert "did you mean 'pause'?" in schedtui("disable", cwd=tmp_path).stderr


def test_an_escape_sequence_in_an_argument_does_not_reach_the_terminal(tmp_path: Path) -> None:
    for words in (["\x1b]0;title\x07"], ["jobs", "--\x1b]0;title\x07"]):
        done = schedtui(*words, cwd=tmp_path)
        assert done.returncode == Exit.USAGE
        assert "\x1b" not in done.stderr + done.stdout


@pytest.mark.parametrize("word", [*COMMANDS, None])
def test_every_command_explains_itself(
    word: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--help"] if word is None else [word, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: schedtui {word or '[TARGET]'}")
    if word:
        main(["help", word])
        assert capsys.readouterr().out == out


def test_options_may_come_before_the_command(tmp_path: Path) -> None:
    done = schedtui("--connect", "http://127.0.0.1:9", "jobs", "--json", cwd=tmp_path)
    assert done.returncode == Exit.UNREACHABLE
    assert "127.0.0.1:9" in done.stderr


def test_version(tmp_path: Path) -> None:
    done = schedtui("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"schedtui {__version__}\n")


# --- imports -------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["jobs", "--help"]])
def test_what_needs_no_engine_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    loaded = imported_by(*words, cwd=tmp_path)
    allowed = set() if words[0].startswith("--version") else {"asyncio"}
    assert loaded.isdisjoint(set(HEAVY) - allowed), sorted(loaded & set(HEAVY))


# --- the console without a terminal --------------------------------------------------------------


@pytest.mark.parametrize("words", [[], ["jobs.py"], ["demo"], ["--connect", "http://127.0.0.1:9"]])
def test_the_console_refuses_to_start_without_a_terminal(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "jobs.py").touch()
    done = schedtui(*words, cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert "needs a terminal" in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "jobs.py"]


# --- finding the engine --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [["jobs"], ["runs"], ["functions"], ["logs", "1"], ["next", "a/b"], ["trigger", "a/b"]],
)
def test_without_an_engine_the_code_is_5(words: list[str], tmp_path: Path) -> None:
    done = schedtui(*words, cwd=tmp_path)
    assert done.returncode == Exit.UNREACHABLE
    assert f"no engine runs for {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["jobs", "--connect", "nowhere"], "expected a URL"),
        (["jobs", "--connect", "http://127.0.0.1:9", "--target", "."], "two engines"),
        (["logs", "1", "--json", "--follow"], "--json"),
        (["runs", "--limit", "0"], "above 0"),
        (["jobs", "--connect", "http://127.0.0.1:9", "--token-file", "none"], "--token-file none"),
        (["serve", "missing.py"], "no such file"),
        (["serve"], "schedtui demo"),
        (["token", "create", "--name", "a", "--role", "king"], "invalid choice"),
        (["create", "a/b"], "--cron"),
        (["create", "a/b", "--every", "5m", "--replace"], "--name"),
    ],
)
def test_wrong_usage_has_code_2_and_says_why(words: list[str], told: str, tmp_path: Path) -> None:
    done = schedtui(*words, cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert told in done.stderr
    assert done.stdout == ""


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (InvalidError("x"), 2),
        (JobNotFoundError("a/b"), 3),
        (UnauthorizedError("x"), 4),
        (ForbiddenError("x"), 4),
        (ConflictError("x"), 4),
        (StaticJobError("x"), 4),
        (StoreLockedError("state.db", pid=1), 4),
        (UnreachableError("x"), 5),
        (EngineStoppedError("x"), 5),
        (ProtocolError("x"), 5),
        (StoreUnavailableError("x"), 1),
        (TargetError("x"), 1),
        (SchedtuiError("x"), 1),
        (ValueError("x"), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert code_of(error) == code


def test_an_error_is_told_in_clean_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(JobNotFoundError("a\x1b]0;b\x07\u202e")) == Exit.NOT_FOUND
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("schedtui: no job")
    assert not set("\x1b\x07\u202e") & set(told.err)


def test_every_field_of_an_invalid_input_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    fields = tuple(FieldError(field=name, got=1, expected="a string") for name in ("one", "two"))
    report(InvalidError("two are wrong", fields))
    told = capsys.readouterr().err
    assert "one" in told
    assert "two" in told


# --- output --------------------------------------------------------------------------------------

NASTY = "ärger \x1b]0;t\x07 \u202e [red]名前[/] \ud800"


def test_json_is_one_document_of_pure_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(
        id=1,
        job_id=1,
        job=f"group/{NASTY}",
        function="a/b",
        source=Source.MANUAL,
        state=RunState.FAILED,
        claimed_at=datetime(2026, 1, 2, tzinfo=UTC),
        error=NASTY,
    )
    print_json([run])
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    (read,) = json.loads(out)
    assert read["error"] == NASTY
    assert read["claimed_at"] == "2026-01-02T00:00:00Z"


def test_a_table_in_a_pipe_is_whole_and_clean(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    print_table(("NAME", "TEXT"), [(NASTY, long)], empty="none")
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["NAME", "TEXT"]
    assert long in out
    assert "[red]" in out
    assert not set("\x1b\x07\u202e\ud800") & set(out)
    assert all(line == line.rstrip() for line in out.splitlines())


def test_an_empty_table_says_so_and_leaves_stdout_empty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("NAME",), [], empty="no jobs")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "no jobs\n")


def _pipeline(words: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    line = f"{sys.executable} -m schedtui_tui {' '.join(words)} | true; echo ${{PIPESTATUS[0]}}"
    return subprocess.run(
        ["bash", "-c", line], cwd=cwd, capture_output=True, text=True, timeout=30, check=False
    )


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    done = _pipeline(["--help"], tmp_path)
    assert done.stdout.strip() == "0"
    assert done.stderr == ""
