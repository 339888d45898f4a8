"""``schedtui doctor``: each thing that can be wrong is named, with what mends it."""

from __future__ import annotations

import errno
import functools
import json
import os
import shlex
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from schedtui import Engine, Group
from schedtui.locations import StateDir
from schedtui.store import open_store
from schedtui_tui import checks
from schedtui_tui.cli import main
from schedtui_tui.commands.host import Host
from schedtui_tui.exits import Exit

Found = dict[str, list[tuple[str, str, str]]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `schedtui init` has made, on a port that is free."""
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == Exit.DONE
    listen("127.0.0.1:0")
    return tmp_path


def listen(address: str) -> None:
    with Path("schedtui.toml").open("a", encoding="utf-8") as file:
        file.write(f'\nlisten = "{address}"\n')


def look(capsys: pytest.CaptureFixture[str], code: Exit = Exit.DONE, *words: str) -> Found:
    capsys.readouterr()
    assert main(["doctor", "--json", *words]) == code
    found: Found = {}
    for one in json.loads(capsys.readouterr().out):
        said = (one["level"], one["found"], one["remedy"])
        found.setdefault(one["what"], []).append(said)
    return found


def made(folder: Path) -> Path:
    state = StateDir.beside(folder).create()
    with closing(open_store(state.store_url)) as store:
        store.open(None)
    return state.database


def test_where_all_is_well_nothing_is_to_be_done(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = look(capsys)
    assert {level for said in found.values() for level, _, _ in said} == {"ok"}
    assert "3 functions and 2 jobs" in found["target"][0][1]
    made(here)
    assert "is whole" in look(capsys)["store"][0][1]
    assert main(["doctor"]) == Exit.DONE
    assert "ok    store: sqlite:///" in capsys.readouterr().out


def test_a_broken_target_is_named_and_the_rest_is_looked_at(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "jobs.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    found = look(capsys, Exit.FAILED)
    ((level, said, remedy),) = found["target"]
    assert level == "fail"
    assert "jobs.py:1: " in said
    assert remedy
    assert found["store"][0][0] == "ok"


def test_a_folder_open_to_others_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = StateDir.beside(here).create()
    state.path.chmod(0o755)
    ((level, said, remedy),) = look(capsys)["state folder"]
    assert (level, remedy) == ("warn", f"chmod 700 {state.path}")
    assert "mode 755" in said


def test_a_damaged_store_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = made(here)
    whole = database.read_bytes()
    database.write_bytes(whole[:8192] + b"\xff" * 20_000 + whole[28_192:])
    assert look(capsys, Exit.FAILED)["store"][0][0] == "fail"

    database.write_bytes(b"no database at all, and long enough to see that" * 50)
    ((_, said, remedy),) = look(capsys, Exit.FAILED)["store"]
    assert "not a database" in said
    assert "put a backup in its place" in remedy
    with closing(open_store("sqlite:///copy.db")) as store:
        store.open(None)
    command = remedy.partition(": schedtui ")[2].replace("FILE", "copy.db")
    assert main(shlex.split(command)) == Exit.DONE
    assert "is whole" in look(capsys)["store"][0][1]


def test_what_settings_that_cannot_be_read_would_say_is_not_called_well(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "schedtui.toml").write_text('listen = "127.0.0.1:1\n', encoding="utf-8")
    found = look(capsys, Exit.FAILED)
    assert found["target"][0][0] == "fail"
    for what in ("time zone", "store", "port"):
        ((level, said, _),) = found[what]
        assert (level, said) == ("warn", "not looked at: schedtui.toml cannot be read")
    assert look(capsys, Exit.FAILED, "--timezone", "Asia/Tokyo")["time zone"][0][0] == "ok"


def test_broken_code_leaves_the_settings_beside_it_in_force(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "schedtui.toml").write_text('timezone = "Asia/Tokyo"\nlisten = "127.0.0.1:0"\n')
    (here / "jobs.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    assert "Asia/Tokyo" in look(capsys, Exit.FAILED)["time zone"][0][1]


def test_no_target_is_no_reason_not_to_look_at_the_rest(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("jobs.py", "schedtui.toml"):
        (here / name).unlink()
    assert main(["doctor"]) == Exit.USAGE
    made(here)
    found = look(capsys)
    assert "is whole" in found["store"][0][1]
    assert "none is named" in found["target"][0][1]


@pytest.mark.parametrize("moment", ["'yesterday'", "x'ff'"])
def test_a_run_that_was_claimed_at_no_moment_says_nothing_of_the_clock(
    here: Path, moment: str
) -> None:
    path = made(here)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TABLE runs")
        database.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, claimed_at)")
        database.execute(f"INSERT INTO runs VALUES (1, {moment})")
    found = list(checks.store("sqlite:///x", path))
    assert [(one.level, one.what) for one in found] == [("ok", "store"), ("ok", "clock")]


def test_a_store_that_is_no_file_is_told_and_not_opened(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = StateDir.beside(here).create().database
    os.mkfifo(database)
    ((level, said, remedy),) = look(capsys, Exit.FAILED)["store"]
    assert level == "fail"
    assert "is no regular file" in said
    assert str(database) in remedy
    database.unlink()
    database.mkdir()
    assert "is no regular file" in look(capsys, Exit.FAILED)["store"][0][1]


def test_a_link_to_itself_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = StateDir.beside(here).create().database
    database.symlink_to(database)
    ((level, said, remedy),) = look(capsys, Exit.FAILED)["store"]
    assert level == "fail"
    assert str(database) in said
    assert "rm the link" in remedy
    assert next(checks.store("sqlite:///x", database)).level == "fail"


def test_a_link_to_a_store_is_followed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = made(here)
    database.rename(here / "elsewhere.db")
    database.symlink_to(here / "elsewhere.db")
    assert "is whole" in look(capsys)["store"][0][1]


def test_a_locked_store_is_to_be_tried_again(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(here)
    connect = sqlite3.connect
    with closing(connect(path)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        impatient = functools.partial(connect, timeout=0)
        monkeypatch.setattr("schedtui_tui.checks.sqlite3.connect", impatient)
        ((level, said, remedy),) = look(capsys, Exit.FAILED)["store"]
    assert level == "fail"
    assert "database is locked" in said
    assert remedy == "try again when the other program is done with it"


@pytest.mark.parametrize("where", ["lstat", "sqlite"])
def test_a_store_that_must_not_be_read_is_to_be_opened_to_its_user(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    path = made(here)

    def refuse(*_args: object, **_more: object) -> None:
        if where == "lstat":
            raise PermissionError(errno.EACCES, "Permission denied")
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    target = "_is_regular" if where == "lstat" else "sqlite3.connect"
    monkeypatch.setattr(f"schedtui_tui.checks.{target}", refuse)
    ((level, _, remedy),) = look(capsys, Exit.FAILED)["store"]
    assert level == "fail"
    assert remedy.startswith(f"chmod u+rw {path}")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE schedtui_schema SET version_num = '9999'", "has schema 9999"),
        ("DROP TABLE schedtui_schema", "the database of another program"),
    ],
)
def test_a_store_of_something_else_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], statement: str, says: str
) -> None:
    with closing(sqlite3.connect(made(here))) as database, database:
        database.execute(statement)
    ((level, said, _),) = look(capsys, Exit.FAILED)["store"]
    assert level == "fail"
    assert says in said


def test_a_clock_that_went_back_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    group = Group("g")

    @group.function()
    def work() -> None: ...

    engine = Engine(groups=[group], store=f"sqlite:///{made(here)}", echo=False).run_in_thread()
    engine.sync.run_function("g/work")
    engine.close()
    now = time.time()
    monkeypatch.setattr("schedtui_tui.checks.time.time", lambda: now - 3600)
    ((level, said, remedy),) = look(capsys)["clock"]
    assert level == "warn"
    assert "s in the future" in said
    assert remedy


def test_a_port_that_is_taken_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (here / "schedtui.toml").write_text(f'listen = "{address}"', encoding="utf-8")
        ((level, said, _),) = look(capsys, Exit.FAILED)["port"]
    assert level == "fail"
    assert f"{address} is taken" in said


def test_listening_to_all_without_a_token_is_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "schedtui.toml").write_text('listen = "0.0.0.0:0"', encoding="utf-8")
    ((level, said, _),) = look(capsys)["port"]
    assert level == "warn"
    assert "no access token exists" in said


def test_an_engine_that_runs_here_is_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from schedtui.target import load_target

    host = Host(lambda: load_target(None, cwd=here), state=StateDir.beside(here))
    host.open()
    try:
        host.listen()
        host.engine.sync.pause_engine(reason="moving house")
        said = look(capsys)["engine"]
    finally:
        host.close()
    assert said[0][0] == "ok"
    assert said[1] == ("warn", said[1][1], "schedtui resume --engine")
    assert "moving house" in said[1][1]
