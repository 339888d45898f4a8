"""`schedtui context`: names for remote engines, kept for one user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schedtui_tui import contexts
from schedtui_tui.cli import main
from schedtui_tui.commands import connect, kept_tokens
from schedtui_tui.exits import UsageError

PROD = "https://jobs.example.com/prod"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Shell:
    """`schedtui context` and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def run(self, *words: str, code: int = 0) -> tuple[str, str]:
        found = main(["context", *words])
        out, err = self._capsys.readouterr()
        assert found == code, (words, out, err)
        return out, err

    def list(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.run("list", "--json")[0])
        return listed


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def test_added_listed_used_removed(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    assert "schedtui --connect prod" in shell.run("add", "prod", PROD, "--token-file", "token")[0]
    shell.run("add", "test", "http://127.0.0.1:8787")
    assert contexts.place().stat().st_mode & 0o777 == 0o600
    assert shell.list() == [
        {"name": "prod", "url": PROD, "token_file": str(tmp_path / "token"), "used": False},
        {"name": "test", "url": "http://127.0.0.1:8787", "token_file": None, "used": False},
    ]
    shell.run("use", "test")
    table = shell.run("list")[0].splitlines()
    assert table[0].split() == ["NAME", "URL", "TOKEN", "USED"]
    assert table[2].split() == ["test", "http://127.0.0.1:8787", "yes"]
    shell.run("use", "--none")
    assert not any(one["used"] for one in shell.list())
    shell.run("use", "prod")
    shell.run("remove", "prod")
    assert [one["name"] for one in shell.list()] == ["test"]
    assert contexts.read().used is None


def test_what_is_refused(shell: Shell) -> None:
    shell.run("add", "prod", PROD)
    assert "--replace" in shell.run("add", "prod", "http://other", code=4)[1]
    assert shell.list()[0]["url"] == PROD
    shell.run("add", "prod", "http://other", "--replace")
    assert shell.list()[0]["url"] == "http://other"
    assert "expected a URL" in shell.run("add", "x", "nowhere", code=2)[1]
    assert "expected a name" in shell.run("add", "a/b", PROD, code=2)[1]
    assert "no such file" in shell.run("add", "x", PROD, "--token-file", "none", code=2)[1]
    assert "no context 'x'" in shell.run("use", "x", code=3)[1]
    assert "no context 'x'" in shell.run("remove", "x", code=3)[1]
    for words in ((), ("prod", "--none")):
        assert "either NAME or --none" in shell.run("use", *words, code=2)[1]


def test_its_token_is_used_after_those_that_were_given(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of-the-context")
    (tmp_path / "other").write_text("of-the-option")
    shell.run("add", "prod", PROD, "--token-file", "token")
    shell.run("add", "bare", PROD)
    made: list[tuple[str, str]] = []

    class Client:
        def __init__(self, url: str, *, token: str) -> None:
            made.append((url, token))

    monkeypatch.setattr("schedtui.client.http.HttpClient", Client)
    monkeypatch.setattr(connect, "_kept_or_asked", lambda _: "kept")
    connect.remote("prod", None)
    connect.remote("prod", tmp_path / "other")
    connect.remote("bare", None)
    monkeypatch.setenv("SCHEDTUI_TOKEN", "of-the-environment")
    connect.remote("prod", None)
    assert made == [
        (PROD, "of-the-context"),
        (PROD, "of-the-option"),
        (PROD, "kept"),
        (PROD, "of-the-environment"),
    ]


def test_a_name_that_is_none_is_told_with_those_that_are(shell: Shell) -> None:
    with pytest.raises(UsageError, match="context add"):
        contexts.meant("prod")
    shell.run("add", "prod", PROD)
    with pytest.raises(UsageError, match=r"prod$"):
        contexts.meant("pord")


def test_the_one_in_use_is_meant_where_no_engine_is_named(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run("add", "gone", "http://127.0.0.1:9")
    assert main(["jobs"]) == 5
    assert "no engine runs for" in capsys.readouterr().err
    shell.run("use", "gone")
    assert main(["jobs"]) == 5
    assert "127.0.0.1:9" in capsys.readouterr().err
    assert main(["jobs", "--target", "."]) == 5
    assert "no engine runs for" in capsys.readouterr().err


def test_a_kept_token_goes_with_the_last_context_of_its_url(shell: Shell) -> None:
    shell.run("add", "one", PROD)
    shell.run("add", "two", f"{PROD}/")
    kept_tokens.keep(PROD, "secret")
    assert " kept" in shell.run("list")[0]
    shell.run("remove", "one")
    assert kept_tokens.find(PROD) == "secret"
    shell.run("remove", "two")
    assert kept_tokens.find(PROD) is None


def test_a_file_that_is_not_ours_is_as_none(shell: Shell) -> None:
    contexts.place().parent.mkdir(parents=True, exist_ok=True)
    for text in ("[", "[]", '{"contexts": {"a": 1, "b/c": {"url": "x"}, "d": {}}, "used": []}'):
        contexts.place().write_text(text)
        assert shell.list() == []
