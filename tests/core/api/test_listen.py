"""The rules on where an engine may listen, and the sockets."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from schedtui.api.listen import Listen, bind_tcp, bind_unix
from schedtui.errors import InvalidError, RefusedError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".schedtui"
    made.mkdir(mode=0o700)
    return made


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_is_always_allowed(host: str) -> None:
    Listen(host=host).check(tokens=0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "jobs.example.org", "127.evil"])
def test_beyond_loopback_needs_a_token_and_protection(host: str) -> None:
    files = {"certfile": Path("c.pem"), "keyfile": Path("k.pem")}
    for listen in (
        Listen(host=host, certfile=files["certfile"], keyfile=files["keyfile"]),
        Listen(host=host, behind_proxy="jobs.example.org"),
        Listen(host=host, insecure_http=True),
    ):
        listen.check(tokens=1)
        with pytest.raises(RefusedError, match="schedtui token create"):
            listen.check(tokens=0)
    with pytest.raises(RefusedError, match=r"--behind-proxy HOST.*--insecure-http"):
        Listen(host=host).check(tokens=1)


def test_half_a_pair_of_tls_files_is_refused() -> None:
    with pytest.raises(InvalidError, match="key file"):
        Listen(certfile=Path("c.pem")).check(tokens=1)


def test_a_taken_port_is_told() -> None:
    (first,) = bind_tcp(Listen(port=0))
    with first, pytest.raises(RefusedError, match=r"taken.*--listen HOST:PORT"):
        bind_tcp(Listen(port=first.getsockname()[1]))


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 300, "ex ample"])
def test_a_host_that_is_none_is_told(host: str) -> None:
    with pytest.raises(InvalidError, match="listen"):
        bind_tcp(Listen(host=host, port=0))


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(RefusedError, match="cannot listen on"):
        bind_tcp(Listen(host="192.0.2.1", port=0))


def test_all_addresses_of_a_name_share_one_port() -> None:
    bound = bind_tcp(Listen(host="localhost", port=0))

    assert len({one.getsockname()[1] for one in bound}) == 1
    assert all(one.proto == socket.IPPROTO_TCP for one in bound)
    for one in bound:
        one.close()


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (Listen(), "http://127.0.0.1:99"),
        (Listen(host="::1"), "http://[::1]:99"),
        (Listen(host="h", certfile=Path("c"), keyfile=Path("k")), "https://h:99"),
    ],
)
def test_the_url_names_what_was_bound(listen: Listen, url: str) -> None:
    assert listen.url(99) == url


def test_the_socket_is_for_this_user_only(folder: Path) -> None:
    path = folder / "engine.sock"
    with bind_unix(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_missing_folder_is_made_closed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "engine.sock"
    with bind_unix(path):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["shared", "schedtui", ".schedtui"])
def test_a_folder_that_is_open_to_others_is_refused_and_left_alone(
    tmp_path: Path, name: str
) -> None:
    shared = tmp_path / name
    shared.mkdir()
    shared.chmod(0o755)
    with pytest.raises(RefusedError, match="chmod 700"):
        bind_unix(shared / "engine.sock")
    assert list(shared.iterdir()) == []
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755


def test_a_stale_socket_is_replaced(folder: Path) -> None:
    path = folder / "engine.sock"
    bind_unix(path).close()
    assert path.exists()

    with bind_unix(path), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(path))


def test_an_engine_that_answers_is_not_pushed_away(folder: Path) -> None:
    path = folder / "engine.sock"
    with bind_unix(path):
        inode = path.stat().st_ino
        with pytest.raises(RefusedError, match="already answers"):
            bind_unix(path)
        assert path.stat().st_ino == inode


def test_what_is_not_a_socket_is_left_alone(folder: Path) -> None:
    path = folder / "engine.sock"
    path.write_text("mine", encoding="utf-8")
    link = folder / "link.sock"
    link.symlink_to(path)
    for one in (path, link):
        with pytest.raises(RefusedError, match="not a socket"):
            bind_unix(one)
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_path_that_is_too_long_is_told(folder: Path) -> None:
    with pytest.raises(RefusedError, match="cannot listen on"):
        bind_unix(folder / ("x" * 150))


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_forked_child_does_not_keep_the_address(folder: Path, kind: str) -> None:
    if kind == "tcp":
        (made,) = bind_tcp(Listen(port=0))
    else:
        made = bind_unix(folder / "engine.sock")
    address, family = made.getsockname(), made.family
    hold, release = os.pipe()
    born, bear = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(release)
        os.write(bear, b".")
        os.read(hold, 1)
        os._exit(0)
    try:
        os.read(born, 1)
        made.close()
        with socket.socket(family) as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(address)
    finally:
        for number in (release, hold, born, bear):
            os.close(number)
        os.waitpid(child, 0)


def test_a_folder_behind_a_symlink_is_not_changed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    theirs.chmod(0o755)
    (tmp_path / ".schedtui").symlink_to(theirs)
    with pytest.raises(RefusedError, match="chmod 700"):
        bind_unix(tmp_path / ".schedtui" / "engine.sock")
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o755
