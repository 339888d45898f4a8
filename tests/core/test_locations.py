"""The state folder: made closed, and only where nobody else has a hand in it."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from schedtui.errors import RefusedError
from schedtui.locations import StateDir, check_own_socket


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


def test_a_long_path_has_its_socket_in_a_closed_folder_of_this_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    made = tmp_path / "schedtui"
    made.mkdir(mode=0o755)
    path = StateDir.beside(tmp_path / ("x" * 120)).socket
    assert path.parent == made
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


@pytest.fixture
def no_runtime_folder(tmp_path: Path) -> dict[str, str]:
    """The environment of a program that no login has given a folder for sockets."""
    if Path(f"/run/user/{os.getuid()}").exists():
        pytest.skip("the system has one for this user")
    env = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    return env | {"TMPDIR": str(tmp_path)}


def socket_in(folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Where a fresh interpreter has the socket; what it warns of is told but once."""
    code = (
        "import sys; from pathlib import Path; from schedtui.locations import StateDir\n"
        "from schedtui.errors import RefusedError\n"
        "try: print(StateDir.beside(Path(sys.argv[1])).socket)\n"
        "except RefusedError as error: sys.exit(str(error))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, folder / ("x" * 120)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_system_without_a_folder_for_sockets_warns_nobody(
    tmp_path: Path, no_runtime_folder: dict[str, str]
) -> None:
    done = socket_in(tmp_path, no_runtime_folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(str(tmp_path))


def test_where_somebody_else_took_the_place_of_that_folder_it_is_told_in_a_line(
    tmp_path: Path, no_runtime_folder: dict[str, str]
) -> None:
    (tmp_path / f"runtime-{os.getuid()}").symlink_to(tmp_path)
    done = socket_in(tmp_path, no_runtime_folder)
    assert done.stderr.startswith("there is no folder for the engine's socket: ")
    assert "Set XDG_RUNTIME_DIR" in done.stderr


@pytest.fixture
def engine_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A socket as an engine makes it."""
    monkeypatch.chdir(tmp_path)  # a socket's own path must be short
    state = StateDir.beside(tmp_path).create()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(state.path / "engine.sock"))
    return state.path / "engine.sock"


def test_a_socket_of_this_user_is_fine_and_so_is_none(engine_socket: Path) -> None:
    check_own_socket(engine_socket)
    check_own_socket(engine_socket.with_name("none.sock"))
    check_own_socket(engine_socket / "below" / "a.sock")


def test_another_users_socket_is_refused(
    engine_socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.lstat

    def foreign(path: Path) -> os.stat_result:
        found = real(path)
        if path != engine_socket:
            return found
        return os.stat_result((*found[:4], os.getuid() + 1, *found[5:]))

    monkeypatch.setattr(Path, "lstat", foreign)
    with pytest.raises(RefusedError, match=r"engine\.sock belongs to another user.*--connect URL"):
        check_own_socket(engine_socket)


def test_links_to_a_socket_are_refused(engine_socket: Path, tmp_path: Path) -> None:
    link = engine_socket.with_name("link.sock")
    link.symlink_to(engine_socket)
    folder = tmp_path / "elsewhere"
    folder.symlink_to(engine_socket.parent)
    for path in (link, folder / "engine.sock"):
        with pytest.raises(RefusedError, match=r"is a symbolic link.*remove it"):
            check_own_socket(path)


def test_a_socket_where_others_may_write_is_refused(engine_socket: Path) -> None:
    engine_socket.parent.chmod(0o770)
    with pytest.raises(RefusedError, match="chmod 700"):
        check_own_socket(engine_socket)
