"""Which engine a command means, and with which token."""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from schedtui.clock import SystemClock
from schedtui.errors import UnreachableError
from schedtui.locations import StateDir
from schedtui.protocols import Boot
from schedtui.store.sql.lock import Lock
from schedtui_tui.cli import main
from schedtui_tui.commands import connect, console, kept_tokens
from schedtui_tui.commands.connect import answers, find_engine, folder_of, given_token
from schedtui_tui.exits import Exit, UsageError


@pytest.mark.parametrize(
    ("target", "folder"),
    [
        (None, "."),
        ("jobs.py", "."),
        ("sub", "sub"),
        ("sub/jobs.py", "sub"),
        ("sub/jobs.py:engine", "sub"),
        ("sub/schedtui.toml", "sub"),
        ("package.module", "."),
        ("module:engine", "."),
    ],
)
def test_the_folder_of_a_target(
    target: str | None, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    assert folder_of(target) == (tmp_path / folder).resolve()


def test_a_socket_that_nobody_answers_on_is_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = StateDir.beside(tmp_path).create().socket
    args = argparse.Namespace(connect=None, target=None, token_file=None)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        made.listen()
        assert answers(path)
        assert find_engine(args).address == str(path)
    with pytest.raises(UnreachableError, match="schedtui serve"):
        find_engine(args)


@pytest.mark.parametrize("words", [["jobs"], ["pause", "shop/tick"], ["trigger", "shop/tick"], []])
def test_nothing_is_said_to_another_users_engine(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console, "is_terminal", lambda: True)
    path = StateDir.beside(tmp_path).create().socket
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(str(path))
        theirs.listen()
        theirs.setblocking(False)
        monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
        assert main(words) == Exit.REFUSED
        with pytest.raises(BlockingIOError):
            theirs.accept()
    assert "belongs to another user" in capsys.readouterr().err


HERE = argparse.Namespace(connect=None, target=None, token_file=None)


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateDir]:
    """A folder whose store an engine of this process holds, and no socket yet."""
    monkeypatch.chdir(tmp_path)
    state = StateDir.beside(tmp_path).create()
    lock = Lock(state.database)
    now_us = SystemClock().now_us()
    lock.acquire(Boot(boot="b", pid=os.getpid(), address="", started_at_us=now_us))
    yield state
    lock.release()


def test_an_engine_that_has_just_started_is_waited_for(
    locked: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                made.bind(str(locked.socket))
                made.listen()

        monkeypatch.setattr(connect, "sleep", sleep)
        assert find_engine(HERE).address == str(locked.socket)
        assert len(waits) == 3


def test_an_engine_that_never_answers_is_not_called_none(
    locked: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(connect, "monotonic", lambda: now[0])
    monkeypatch.setattr(connect, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    with pytest.raises(UnreachableError, match=rf"process {os.getpid()} .* does not answer"):
        find_engine(HERE)
    assert 3 < now[0] < 10
    locked.database.with_name("state.db.lock").write_text("{}")  # whose holder is not known
    with pytest.raises(UnreachableError, match=r"another process .* does not answer"):
        find_engine(HERE)


def test_an_engine_that_stops_while_it_is_waited_for_is_gone(
    locked: StateDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locked.database.with_name("state.db.lock")
    monkeypatch.setattr(connect, "sleep", lambda _: lock.unlink(missing_ok=True))
    with pytest.raises(UnreachableError, match="no engine runs"):
        find_engine(HERE)


def test_a_token_file_wins_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(" from-file \n")
    monkeypatch.setenv("SCHEDTUI_TOKEN", " from-environment ")
    assert given_token(file) == "from-file"
    assert given_token(None) == "from-environment"
    file.write_text("\n")
    with pytest.raises(UsageError, match="empty"):
        given_token(file)
    with pytest.raises(UsageError, match="No such file"):
        given_token(tmp_path / "none")


def test_kept_tokens_are_for_one_user_and_one_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "config" / "tokens.json"
    monkeypatch.setattr(kept_tokens, "place", lambda: place)
    assert kept_tokens.find("http://a") is None
    place.parent.mkdir()
    place.with_name(f"{place.name}.{os.getpid()}").write_text("left by a process that was killed")
    kept_tokens.keep("http://a/", "one")
    kept_tokens.keep("http://b", "two")
    kept_tokens.keep("http://b", "three")
    assert kept_tokens.find("http://a") == "one"
    assert kept_tokens.find("http://b/") == "three"
    assert place.stat().st_mode & 0o777 == 0o600
    place.write_text("[not what we wrote")
    assert kept_tokens.find("http://a") is None
