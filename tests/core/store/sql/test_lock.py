from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store_rows import T0, add, boot

from schedtui.errors import StoreLockedError, StoreUnavailableError
from schedtui.protocols import Store
from schedtui.store import open_store
from schedtui.store.sql.lock import Lock, Owner, lock_path, read_owner

HOLD = """
import os, sys
from schedtui.protocols import Boot
from schedtui.store import open_store

store = open_store(f"sqlite:///{sys.argv[1]}")
store.open(Boot(boot="theirs", pid=os.getpid(), started_at_us=5, address="/run/theirs.sock"))
print("open", flush=True)
sys.stdin.read()
store.close()
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_engine_is_refused_with_the_first_ones_address(path: Path) -> None:
    with held_elsewhere(path) as process:
        store = open_store(f"sqlite:///{path}")
        with pytest.raises(StoreLockedError, match=f"process {process.pid}") as caught:
            store.open(boot())

    assert caught.value.pid == process.pid
    assert caught.value.address == "/run/theirs.sock"
    assert caught.value.path == str(path)


def test_kill_9_frees_the_store(path: Path) -> None:
    with held_elsewhere(path) as process:
        process.kill()
        process.wait()
        assert read_owner(path) is None
        store = open_store(f"sqlite:///{path}")
        assert not store.open(boot()).clean
        store.close()


def test_the_owner_is_told_only_while_it_holds_the_store(path: Path) -> None:
    assert read_owner(path) is None
    store = open_store(f"sqlite:///{path}")
    store.open(boot(pid=os.getpid()))
    owner = Owner(pid=os.getpid(), boot="boot-1", address="/run/a.sock", started_at_us=T0)
    assert read_owner(path) == owner
    store.close()

    assert lock_path(path).exists()
    assert read_owner(path) is None


@pytest.mark.usefixtures("sqlite")
def test_an_owner_who_has_not_written_yet_is_still_one(path: Path) -> None:
    lock_path(path).write_text("")
    assert read_owner(path) == Owner(pid=None)

    with pytest.raises(StoreLockedError, match="another process"):
        open_store(f"sqlite:///{path}").open(boot())


@pytest.mark.usefixtures("sqlite")
def test_the_same_file_under_another_name_has_the_same_lock(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)

    with pytest.raises(StoreLockedError):
        open_store(f"sqlite:///{tmp_path}/link.db").open(boot("boot-2"))
    assert read_owner(tmp_path / "link.db") is not None


def test_two_stores_of_one_process_are_refused_and_the_first_keeps_its_lock(
    sqlite: Store, path: Path
) -> None:
    for _ in range(2):
        with pytest.raises(StoreLockedError):
            open_store(f"sqlite:///{path}").open(boot("boot-2"))
    add(sqlite, "clean")


def test_a_tool_takes_no_lock(sqlite: Store, path: Path) -> None:
    add(sqlite, "clean")
    tool = open_store(f"sqlite:///{path}")
    tool.open(None)

    assert [job.name for job in tool.jobs()] == ["clean"]
    tool.close()
    assert read_owner(path) is not None


def test_a_failed_open_leaves_no_lock(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(Exception, match="damaged"):
        open_store(f"sqlite:///{path}").open(boot())
    assert read_owner(path) is None


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # 3.12: fork with threads
def test_a_forked_child_does_not_keep_the_lock(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    store.open(boot())
    context = multiprocessing.get_context("fork")
    gate = context.Event()
    child = context.Process(target=gate.wait, args=(30,))
    child.start()
    try:
        store.close()
        assert child.is_alive()
        assert read_owner(path) is None
        store.open(boot("boot-2"))
        store.close()
    finally:
        gate.set()
        child.join()


def test_a_lock_let_go_is_free_while_somebody_has_a_copy_of_it(path: Path) -> None:
    lock = Lock(path)
    lock.acquire(boot())
    held = [int(fd.name) for fd in Path("/dev/fd").iterdir() if _is(int(fd.name), lock.path)]
    copies = [os.dup(fd) for fd in held]  # as a child has that was forked a moment ago
    assert copies
    try:
        lock.release()
        assert read_owner(path) is None
    finally:
        for copy in copies:
            os.close(copy)


def _is(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False


@pytest.mark.usefixtures("sqlite")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # 3.12: fork with threads
def test_a_child_that_ends_does_not_free_its_parents_lock(path: Path) -> None:
    child = multiprocessing.get_context("fork").Process(target=int)
    child.start()
    child.join()

    assert read_owner(path) is not None


@pytest.mark.usefixtures("sqlite")
def test_the_lock_file_says_who(path: Path) -> None:
    assert json.loads(lock_path(path).read_text()) == {
        "pid": 4711,
        "boot": "boot-1",
        "address": "/run/a.sock",
        "started_at_us": T0,
    }


def test_a_symlink_in_the_place_of_the_lock_is_not_followed(path: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine", encoding="utf-8")
    lock_path(path).symlink_to(precious)
    store = open_store(f"sqlite:///{path}")
    with pytest.raises(StoreUnavailableError, match=r"symbolic link.*remove it"):
        store.open(boot())
    assert precious.read_text(encoding="utf-8") == "mine"
    assert read_owner(path) is None
