"""Copies of a store's file, made below a living engine and put back."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from schedtui.clock import SystemClock
from schedtui.errors import (
    ConflictError,
    RefusedError,
    StoreError,
    StoreLockedError,
    StoreSchemaError,
    StoreUnavailableError,
)
from schedtui.protocols import Boot, Store
from schedtui.store import open_store
from schedtui.store.sql.backup import back_up, restore


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    """A store with an engine on it, and an access token in it."""
    store = open_store(f"sqlite:///{database}")
    now_us = SystemClock().now_us()
    store.open(Boot(boot="b", pid=os.getpid(), address="", started_at_us=now_us))
    add(store, "ann")
    yield store
    store.close()


def add(store: Store, name: str) -> None:
    from schedtui.api.tokens import create_token

    create_token(store, name, "viewer", expires_in=None, actor="me")


def names(database: Path) -> list[str]:
    store = open_store(f"sqlite:///{database}")
    store.open(None)
    try:
        return [token.name for token in store.tokens()]
    finally:
        store.close()


def test_a_copy_below_an_engine_is_of_one_moment_and_for_its_owner(
    store: Store, database: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    with store.transaction():  # of an engine that writes; it neither waits nor is waited for
        done = back_up(database, copy)
    add(store, "bob")
    assert (done.jobs, done.runs, done.kept) == (0, 0, None)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert names(database) == ["ann", "bob"]
    restore(copy, tmp_path / "new" / "state.db")
    assert names(tmp_path / "new" / "state.db") == ["ann"]
    assert not list(tmp_path.glob(".copy*"))


@pytest.mark.parametrize("name", ["state.db", "we?ird.db"])
def test_a_copy_of_a_store_without_an_engine_leaves_nothing_beside_it(
    tmp_path: Path, name: str
) -> None:
    database = tmp_path / name
    store = open_store(f"sqlite:///{database}")
    store.open(None)
    store.close()
    before = sorted(tmp_path.iterdir())
    back_up(database, tmp_path / "copy.db")
    assert sorted({*tmp_path.iterdir()} - {tmp_path / "copy.db"}) == before


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            """CREATE TABLE t (a CHECK (a > 0)); PRAGMA ignore_check_constraints = ON;
            INSERT INTO t VALUES (-1); CREATE VIEW looks AS SELECT * FROM t""",
            "view 'looks'",
        ),
        ("DELETE FROM schedtui_schema", "which schema"),
        ("DROP TABLE schedtui_schema", "no table schedtui_schema"),
        ("DROP TABLE runs", "no table runs"),
        (
            """ALTER TABLE jobs RENAME TO j; CREATE VIEW jobs AS WITH RECURSIVE r(deleted_at) AS
            (SELECT NULL UNION ALL SELECT NULL FROM r) SELECT * FROM r""",
            "view 'jobs'",
        ),
        (
            "CREATE TRIGGER more AFTER INSERT ON tokens BEGIN DELETE FROM jobs; END",
            "trigger 'more'",
        ),
    ],
)
def test_a_copy_that_somebody_made_up_is_refused(
    store: Store, database: Path, tmp_path: Path, script: str, said: str
) -> None:
    copy = tmp_path / "copy.db"
    back_up(database, copy)
    with closing(sqlite3.connect(copy)) as made_up:
        made_up.executescript(script)
    add(store, "bob")
    store.close()
    with pytest.raises(StoreError, match=said):
        restore(copy, database, replace=True)
    assert names(database) == ["ann", "bob"]


@pytest.mark.usefixtures("store")
def test_what_killed_processes_left_goes_with_the_next_one(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    home = own_name(database, tmp_path, monkeypatch).partition("-")[0]
    left = [f"{home}-{gone.pid}.new", f"{home}-{gone.pid}.new-journal"]
    kept = [f"{home}-{os.getppid()}.new"]
    for name in (*left, *kept):
        (tmp_path / f".copy.db.{name}").write_text("x")
    (tmp_path / f".other.db.{left[0]}").write_text("x")
    back_up(database, tmp_path / "copy.db")
    assert [(tmp_path / f".copy.db.{name}").exists() for name in left] == [False, False]
    assert [(tmp_path / f".copy.db.{name}").exists() for name in kept] == [True]
    assert (tmp_path / f".other.db.{left[0]}").exists()


def own_name(database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What comes after the copy's name in that of a copy of this process that is not done."""
    seen: list[str] = []
    replace = Path.replace

    def noted(self: Path, target: Path) -> Path:
        seen.append(self.name)
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", noted)
        back_up(database, folder / "first.db")
    return seen[0].removeprefix(".first.db.")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("whose", ["", "0123abcd-"])
def test_what_another_container_is_writing_stays(
    database: Path, tmp_path: Path, whose: str
) -> None:
    """Its processes are none here; one that was left there goes once it is old."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    other = tmp_path / f".copy.db.{whose}{gone.pid}.new"
    other.write_text("x")
    back_up(database, tmp_path / "copy.db")
    assert other.exists()
    os.utime(other, (time.time() - 7_200,) * 2)
    back_up(database, tmp_path / "copy.db", replace=True)
    assert not other.exists()


@pytest.mark.parametrize("links", [True, False])
def test_a_store_is_never_away_where_its_copy_cannot_take_its_place(
    store: Store, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    copy = tmp_path / "copy.db"
    back_up(database, copy)
    add(store, "bob")
    store.close()
    there: list[bool] = []
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if self.suffix == ".new":
            there.append(database.exists())
            raise OSError(errno.EIO, "it failed")
        return replace(self, target)

    def refused(*_: Path) -> None:
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(Path, "replace", failing)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refused)
    with pytest.raises(RefusedError, match="nothing was written"):
        restore(copy, database, replace=True)
    monkeypatch.undo()
    assert there == [links]
    assert names(database) == ["ann", "bob"]
    assert not list(tmp_path.glob("*replaced*"))


@pytest.mark.usefixtures("store")
def test_a_full_disk_is_named(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = sqlite3.OperationalError("disk I/O error")
    failed.sqlite_errorcode = sqlite3.SQLITE_IOERR
    copy = tmp_path / "there" / "copy.db"
    copy.parent.mkdir()
    room = {copy.parent: 0}
    statvfs = os.statvfs

    def seen(path: Path) -> object:
        there = statvfs(path)
        free = room.get(path, there.f_bavail)
        return SimpleNamespace(f_bavail=free, f_frsize=there.f_frsize)

    def connect(*_: object, **__: object) -> sqlite3.Connection:
        raise failed

    monkeypatch.setattr(os, "statvfs", seen)
    monkeypatch.setattr("schedtui.store.sql.backup.sqlite3.connect", connect)
    with pytest.raises(StoreUnavailableError, match=r"copy\.db: .*the disk is full"):
        back_up(database, copy)
    room.clear()
    with pytest.raises(StoreUnavailableError, match=r"state\.db: .*the disk failed"):
        back_up(database, copy)


@pytest.mark.usefixtures("store")
def test_a_file_that_is_there_is_only_replaced_when_asked(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    with pytest.raises(ConflictError, match="--replace"):
        back_up(database, copy)
    assert copy.read_text() == "mine"
    back_up(database, copy, replace=True)
    assert names(copy) == ["ann"]
    link = tmp_path / "link.db"
    link.hardlink_to(database)
    for itself in (database, link):
        with pytest.raises(ConflictError, match="the store itself"):
            back_up(database, itself, replace=True)


@pytest.mark.usefixtures("store")
def test_nothing_is_put_below_an_engine(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    back_up(database, copy)
    with pytest.raises(StoreLockedError, match=f"process {os.getpid()}"):
        restore(copy, database, replace=True)
    assert names(database) == ["ann"]


def test_a_store_that_is_there_is_kept_beside(store: Store, database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    back_up(database, copy)
    add(store, "bob")
    store.close()
    with pytest.raises(ConflictError, match="--replace"):
        restore(copy, database)
    assert names(database) == ["ann", "bob"]
    kept = restore(copy, database, replace=True).kept
    assert kept is not None
    assert names(database) == ["ann"]
    assert names(kept) == ["ann", "bob"]


def test_what_a_killed_engine_left_beside_its_file_stays_with_it(
    store: Store, database: Path, tmp_path: Path
) -> None:
    copy, crashed = tmp_path / "copy.db", tmp_path / "crashed" / "state.db"
    back_up(database, copy)
    add(store, "bob")
    crashed.parent.mkdir()
    for suffix in ("", "-wal"):  # as they are on the disk while "bob" is only in the second one
        crashed.with_name(f"state.db{suffix}").write_bytes(
            database.with_name(f"state.db{suffix}").read_bytes()
        )
    kept = restore(copy, crashed, replace=True).kept
    assert kept is not None
    assert names(crashed) == ["ann"]
    assert names(kept) == ["ann", "bob"]


def test_a_damaged_store_is_put_aside_as_it_is(
    store: Store, database: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    back_up(database, copy)
    store.close()
    database.write_bytes(b"rubbish")
    kept = restore(copy, database, replace=True).kept
    assert kept is not None
    assert kept.read_bytes() == b"rubbish"
    assert names(database) == ["ann"]


@pytest.mark.usefixtures("store")
def test_only_a_whole_store_of_ours_is_put_there(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "state.db"
    other, newer, cut, text = (tmp_path / name for name in ("other", "newer", "cut", "text"))
    with closing(sqlite3.connect(other)) as made:
        made.execute("CREATE TABLE things (a)")
    back_up(database, newer)
    with closing(sqlite3.connect(newer)) as made:
        made.execute("UPDATE schedtui_schema SET version_num = '9999'")
        made.commit()
    back_up(database, cut)
    os.truncate(cut, cut.stat().st_size // 2)
    text.write_text("no database")
    with pytest.raises(StoreError, match=f"{other}.*another program"):
        restore(other, target)
    with pytest.raises(StoreSchemaError, match="9999"):
        restore(newer, target)
    for damaged in (cut, text):
        with pytest.raises(StoreError, match=f"{damaged} is damaged.*take another copy") as told:
            restore(damaged, target)
        assert "move it away" not in str(told.value)
    with pytest.raises(StoreError, match="no file"):
        restore(tmp_path / "none", target)
    assert not target.exists()
    assert not list(target.parent.glob(".*"))
