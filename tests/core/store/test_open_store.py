from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from store_rows import add, boot

from schedtui.errors import InvalidError, StoreError, StoreUnavailableError
from schedtui.store import open_store
from schedtui.store.sql.sqlite import SqliteStore


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "sqlite:///path/to/state.db"),
        ("state.db", "sqlite:///path/to/state.db"),
        ("mysql://db/x", "memory://"),
        ("postgresql://db/x", "PostgreSQL is not supported yet"),
        ("postgresql+psycopg://db/x", "PostgreSQL is not supported yet"),
        ("memory://x", "memory://"),
        ("memory:", "memory://"),
        ("sqlite://", "four slashes"),
        ("sqlite://state.db", "four slashes"),
        ("sqlite:///", "memory://"),
        ("sqlite:///:memory:", "memory://"),
        ("sqlite:///a.db?durability=maybe", "durability=full"),
        ("sqlite:///a.db?durabilty=full", "durability=full"),
        ("sqlite:///a.db?busy_timeout_ms=-1", "busy_timeout_ms"),
        ("sqlite:///a\0.db", "null"),
    ],
)
def test_an_unusable_url_says_what_is_possible(url: str, said: str) -> None:
    with pytest.raises(InvalidError, match=said) as caught:
        open_store(url)
    assert caught.value.errors[0].expected


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidError) as caught:
        open_store("postgresql://ada:hunter2@db/x")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.errors)


@pytest.mark.parametrize(
    "name", ["a b.db", "ünï.db", "what?.db", "a?b/c.db", "100%20.db", "a&b=c.db"]
)
def test_any_path_may_be_named(tmp_path: Path, name: str) -> None:
    store = open_store(f"sqlite:///{tmp_path}/{name}")
    store.open(boot())
    add(store, "clean")
    store.close()

    assert (tmp_path / name).is_file()
    assert store.url == f"sqlite:///{tmp_path}/{name}"


def test_a_relative_path_is_below_the_working_directory_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///sub/rel.db?durability=full&busy_timeout_ms=100")
    monkeypatch.chdir("/")
    store.open(boot())
    store.close()

    assert (tmp_path / "sub" / "rel.db").is_file()
    assert store.url == f"sqlite:///{tmp_path}/sub/rel.db"


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "state.db"
    store = open_store(f"sqlite:///{path}")
    store.open(boot())
    add(store, "clean")

    assert mode(tmp_path / "deep") == mode(path.parent) == 0o700
    assert {found.name: mode(found) for found in path.parent.iterdir()} == {
        "state.db": 0o600,
        "state.db-shm": 0o600,
        "state.db-wal": 0o600,
        "state.db.lock": 0o600,
    }
    store.close()


def test_nothing_is_made_before_open(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/sub/state.db")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        open_store(f"sqlite:///{tmp_path}").open(boot())


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "state.db"
    os.mkfifo(pipe)
    with pytest.raises(StoreError, match="is no regular file"):
        open_store(f"sqlite:///{pipe}").open(boot())


def test_a_path_below_a_file_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailableError, match="check the path"):
        open_store(f"sqlite:///{tmp_path}/file/state.db").open(boot())


@pytest.mark.parametrize(
    ("options", "synchronous", "timeout_ms"),
    [
        ("", 1, 5000),
        ("?durability=normal", 1, 5000),
        ("?busy_timeout_ms=70&durability=full", 2, 70),
    ],
)
def test_options_reach_the_database(
    tmp_path: Path, options: str, synchronous: int, timeout_ms: int
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/state.db{options}")
    assert isinstance(store, SqliteStore)
    store.open(boot())
    assert store._writer is not None
    found = [
        store._writer.exec_driver_sql(f"PRAGMA {name}").scalar()
        for name in ("synchronous", "busy_timeout")
    ]
    store.close()

    assert found == [synchronous, timeout_ms]
