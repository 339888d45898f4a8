"""What a shell is told may be typed next."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from engine_shell import Shell, engine_shell

from schedtui_tui.cli import COMMANDS, main
from schedtui_tui.commands.completion import SCRIPTS

shell = pytest.fixture(engine_shell)
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def offered(capsys: Captured, *words: str) -> list[str]:
    assert main(["completion", "words", "schedtui", *words]) == 0
    return [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()]


def test_words_come_first(capsys: Captured) -> None:
    assert offered(capsys, "") == list(COMMANDS)
    assert offered(capsys) == list(COMMANDS)
    assert offered(capsys, "re") == [word for word in COMMANDS if word.startswith("re")]
    assert offered(capsys, "./jo") == []
    assert "--read-only" in offered(capsys, "--")


def test_options_of_the_command_that_were_not_given(capsys: Captured) -> None:
    found = offered(capsys, "create", "a/b", "--cron", "x", "--tag", "y", "--")
    assert {"--every", "--tag", "--retry-backoff", "--no-run-on-startup"} <= set(found)
    assert "--cron" not in found
    assert offered(capsys, "create", "--retry-j") == ["--retry-jitter"]


def test_values_of_an_option(capsys: Captured) -> None:
    assert offered(capsys, "create", "--overlap", "q") == ["queue_one", "queue_all"]
    assert offered(capsys, "create", "--cron", "") == [], "files, or nothing: the shell's"
    assert offered(capsys, "edit", "a/b", "--inherit", "timeo") == ["timeout"]


def test_words_below_a_command(capsys: Captured) -> None:
    assert offered(capsys, "token", "") == ["create", "list", "revoke"]
    assert "--role" in offered(capsys, "token", "create", "--")
    assert offered(capsys, "token", "create", "--role", "v") == ["viewer"]
    assert offered(capsys, "import", "c") == ["crontab"]
    assert "--system" in offered(capsys, "import", "crontab", "x", "--")


def test_names_of_contexts(capsys: Captured) -> None:
    main(["context", "add", "prod", "http://127.0.0.1:9"])
    capsys.readouterr()
    assert offered(capsys, "jobs", "--connect", "p") == ["prod"]
    assert offered(capsys, "--connect", "") == ["prod"]
    assert offered(capsys, "context", "use", "") == ["prod"]
    assert offered(capsys, "--connect", "prod", "jo") == ["jobs"]


def test_names_of_the_engine_here(shell: Shell) -> None:
    assert offered(shell.capsys, "trigger", "work/m") == ["work/monday"]
    assert offered(shell.capsys, "create", "work/") == ["work/daily", "work/greet", "work/hourly"]
    assert offered(shell.capsys, "logs", "work/of") == ["work/often"]
    assert offered(shell.capsys, "trigger", "work/monday", "") == []
    assert offered(shell.capsys, "trigger", "--connect", "http://x", "work/") == []


def test_no_engine_is_no_error(capsys: Captured) -> None:
    assert offered(capsys, "trigger", "") == []


def test_bash_takes_it(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "schedtui"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m schedtui_tui "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(schedtui completion bash)"
        ask() { COMP_WORDS=(schedtui "$@"); COMP_CWORD=$#; _schedtui; echo "${COMPREPLY[@]}"; }
        ask token ""; ask trig; ask create --overlap c; ask jobs.p
        complete -p schedtui
    """
    env = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    bash = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert bash.stdout.splitlines() == [
        "create list revoke",
        "trigger",
        "cancel_running",
        "",
        "complete -o bashdefault -o default -F _schedtui schedtui",
    ]
    assert bash.stderr == ""


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_is_one_that_its_shell_reads(name: str, capsys: Captured) -> None:
    assert main(["completion", name]) == 0
    script = capsys.readouterr().out
    assert "schedtui completion words " in script
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed here")
    subprocess.run([name, "-n"], input=script, text=True, check=True)
