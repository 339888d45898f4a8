"""``schedtui token``: made, listed and taken back on the store beside the target."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from schedtui import Engine
from schedtui.api import start_server
from schedtui.locations import StateDir
from schedtui_tui.cli import main
from schedtui_tui.exits import Exit

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def create(name: str, *words: str) -> int:
    return main(["token", "create", "--name", name, "--role", "viewer", *words])


def listed(capsys: Captured) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["token", "list", "--json"]) == Exit.DONE
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_tokens_are_listed_without_their_secrets(capsys: Captured) -> None:
    create("ci", "--expires", "90d")
    secret = capsys.readouterr().out.strip()
    create("ann")

    first, second = listed(capsys)
    assert main(["token", "list"]) == Exit.DONE
    table = capsys.readouterr().out

    assert (first["name"], first["role"], second["name"]) == ("ci", "viewer", "ann")
    assert second["expires_at"] is None
    assert first["expires_at"] > first["created_at"]
    assert "never" in table
    assert secret not in table + json.dumps(first)


def test_a_token_is_taken_back_once(capsys: Captured) -> None:
    create("ci")
    assert main(["token", "revoke", "ci"]) == Exit.DONE
    assert "at most 5 s more" in capsys.readouterr().err
    assert listed(capsys) == []
    assert main(["token", "revoke", "ci"]) == Exit.NOT_FOUND
    assert "no access token 'ci'" in capsys.readouterr().err


@pytest.mark.parametrize("life", ["soon", "0s", "20000d"])
def test_a_life_that_cannot_be_makes_no_token(capsys: Captured, life: str) -> None:
    assert create("ci", "--expires", life) == Exit.USAGE
    assert "expires" in capsys.readouterr().err
    assert listed(capsys) == []


def test_a_token_of_some_groups(capsys: Captured) -> None:
    create("reports", "--group", "Reports", "--group", "Mail", "--group", "Mail")
    create("ann")

    first, second = listed(capsys)
    assert main(["token", "list"]) == Exit.DONE

    assert (first["groups"], second["groups"]) == (["Mail", "Reports"], None)
    assert "Mail, Reports" in capsys.readouterr().out
    assert create("other", "--group", "a/b") == Exit.USAGE


def test_a_token_is_for_the_engine_that_runs_here(tmp_path: Path) -> None:
    engine = Engine(store="sqlite:///elsewhere.db", echo=False)
    engine.run_in_thread()
    loop = engine.running.loop

    def wait(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    state = StateDir.beside(tmp_path).create()
    server = wait(start_server(engine, listen=None, socket=state.socket))
    try:
        assert create("ci") == Exit.DONE
        assert [token.name for token in engine.running.core.store.tokens()] == ["ci"]
        assert not state.database.exists()
    finally:
        wait(server.stop())
        engine.close(0)
