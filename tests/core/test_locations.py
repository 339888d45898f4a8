"""The state folder: made closed, and only where nobody else has a hand in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from schedtui.errors import RefusedError
from schedtui.locations import StateDir


def test_it_is_made_closed_and_again_closed(tmp_path: Path) -> None:
    state = StateDir.beside(tmp_path).create()
    state.path.chmod(0o755)
    state.create()
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700
    assert (state.path / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_a_symlink_is_refused_and_where_it_points_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    state = StateDir.beside(tmp_path)
    state.path.symlink_to(elsewhere)
    with pytest.raises(RefusedError, match=r"symbolic link.*remove it"):
        state.create()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755
    assert list(elsewhere.iterdir()) == []


def test_a_symlink_to_nowhere_is_refused(tmp_path: Path) -> None:
    state = StateDir.beside(tmp_path)
    state.path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(RefusedError, match="symbolic link"):
        state.create()
    assert not (tmp_path / "nowhere").exists()


def test_another_users_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StateDir.beside(tmp_path)
    state.path.mkdir(mode=0o755)
    monkeypatch.setattr(os, "getuid", lambda: state.path.stat().st_uid + 1)
    with pytest.raises(RefusedError, match=r"another user.*folder of your own"):
        state.create()
    assert list(state.path.iterdir()) == []


def test_a_file_in_its_place_is_left_as_it_is(tmp_path: Path) -> None:
    state = StateDir.beside(tmp_path)
    state.path.write_text("mine", encoding="utf-8")
    state.path.chmod(0o644)
    with pytest.raises(NotADirectoryError):
        state.create()
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o644
