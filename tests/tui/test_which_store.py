"""`backup`, `restore`, `token` and `doctor` mean the store of the engine, also of one in code."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from schedtui import Engine, Group
from schedtui.locations import StateDir
from schedtui.store import open_store
from schedtui_tui.cli import main
from schedtui_tui.commands.host import Host
from schedtui_tui.exits import Exit

CODE = """
from schedtui import Engine, Group
shop = Group("shop")

@shop.job(every=3600)
def stock(): ...

engine = Engine(groups=[shop], store="sqlite:///shop.db")
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "shop.py").write_text(CODE, encoding="utf-8")
    return folder


@contextmanager
def service(store: str = "sqlite:///shop.db") -> Iterator[Engine]:
    """A service with an engine in it."""
    group = Group("shop")

    @group.job(every=3600)
    def stock() -> None: ...

    engine = Engine(groups=[group], store=store, echo=False)
    engine.run_in_thread(stand_by=True)
    try:
        yield engine
    finally:
        engine.close(0)


def said(capsys: pytest.CaptureFixture[str], *words: str, code: Exit = Exit.DONE) -> Any:
    capsys.readouterr()
    assert main([*words, "--json"]) == code, capsys.readouterr()
    return json.loads(capsys.readouterr().out)


def store_line(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    found = said(capsys, "doctor", *words)
    return str(next(one["found"] for one in found if one["what"] == "store"))


def test_the_store_of_a_service_is_known_while_it_runs_and_when_it_has_stopped(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with service():
        assert said(capsys, "backup", "live.db")["jobs"] == 1
        assert "shop.db is whole" in store_line(capsys)
    assert said(capsys, "backup", "off.db")["jobs"] == 1
    done = said(capsys, "restore", "off.db", "--replace")
    assert done["file"] == str(here / "shop.db")
    said(capsys, "token", "create", "--name", "ci", "--role", "viewer")
    with closing(open_store("sqlite:///shop.db")) as store:
        store.open(None)
        assert [token.name for token in store.tokens()] == ["ci"]
    assert f"{here}/shop.db is whole" in store_line(capsys)
    assert not StateDir.beside(here).database.exists()
    assert said(capsys, "backup", "other.db", "--store", "sqlite:///live.db")["jobs"] == 1


def test_it_moves_with_its_folder(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with service():
        pass
    moved = here.rename(here.with_name("moved"))
    monkeypatch.chdir(moved)
    assert said(capsys, "backup", "copy.db")["jobs"] == 1


def test_what_the_settings_say_counts_more_and_a_default_store_is_known_anyway(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with service():
        pass
    (here / "schedtui.toml").write_text('store = "sqlite:///none.db"\n', encoding="utf-8")
    assert main(["backup", "copy.db"]) == Exit.FAILED
    assert "none.db" in capsys.readouterr().err
    (here / "schedtui.toml").unlink()
    (here / "jobs.py").write_text("from schedtui import Group\nG = Group('g')\n", encoding="utf-8")
    from schedtui.target import load_target

    host = Host(lambda: load_target(None, cwd=here), state=StateDir.beside(here))
    host.open()
    host.listen()
    host.close(0)
    assert said(capsys, "backup", "copy.db")["jobs"] == 0


def test_the_store_of_an_engine_that_is_named_is_that_of_its_code(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = ("--target", "shop.py:engine")
    assert main(["backup", "copy.db", *target]) == Exit.FAILED
    assert f"{here}/shop.db is no file" in capsys.readouterr().err
    with service():
        said(capsys, "backup", "copy.db")
    for path in (here / "shop.db", here / ".schedtui" / "store.url"):
        path.unlink()
    assert said(capsys, "restore", "copy.db", *target)["file"] == str(here / "shop.db")
    assert "shop.db is whole" in store_line(capsys, "shop.py:engine")


def test_no_password_is_left_and_what_is_in_memory_is_in_no_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = StateDir.beside(here).create()
    state.leave_store("mystore://me:secret@host/db?key=secret")
    assert state.left_store() == "mystore://"
    assert all("secret" not in one.read_text() for one in state.path.iterdir())
    with service("memory://"):
        for words in (["backup", "x.db"], ["token", "create", "--name", "a", "--role", "admin"]):
            assert main(words) == Exit.USAGE
            assert "memory://" in capsys.readouterr().err
    assert main(["token", "list"]) == Exit.USAGE
    assert not state.database.exists()


def test_a_note_of_somebody_else_is_not_followed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schedtui.errors import RefusedError

    state = StateDir.beside(here).create()
    state.leave_store(f"sqlite:///{here}/shop.db")
    assert state.left_store() == f"sqlite:///{here}/shop.db"
    monkeypatch.setattr(os, "getuid", lambda: state.path.stat().st_uid + 1)
    with pytest.raises(RefusedError, match="another user"):
        state.left_store()


def test_to_list_tokens_makes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(one.name for one in here.iterdir())
    assert said(capsys, "token", "list") == []
    assert main(["token", "revoke", "ci"]) == Exit.NOT_FOUND
    assert sorted(one.name for one in here.iterdir()) == before


def test_an_attached_application_leaves_its_store_too(capsys: pytest.CaptureFixture[str]) -> None:
    from apscheduler.schedulers.background import BackgroundScheduler

    from schedtui.integrations.apscheduler import attach

    attached = attach(BackgroundScheduler(), store="sqlite:///history.db")
    try:
        until = time.monotonic() + 10
        while not attached.socket.exists() and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        attached.detach()
    assert said(capsys, "backup", "copy.db")["runs"] == 0


def test_a_copy_that_is_not_there_is_wrong_input(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", "none.db"]) == Exit.USAGE
    assert "none.db: there is no such file" in capsys.readouterr().err
    assert main(["restore", "."]) == Exit.USAGE
    assert ". is a folder: name the copy in it" in capsys.readouterr().err
    assert [one.name for one in here.iterdir()] == ["shop.py"]
