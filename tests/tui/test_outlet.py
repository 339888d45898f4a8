"""What is written without waiting for its reader: order, what is dropped, and the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from schedtui_tui import outlet
from schedtui_tui.outlet import Outlet


class Pipe:
    """A pipe that takes nothing until it is read."""

    def __init__(self) -> None:
        self.reads, self.writes = os.pipe()
        os.set_blocking(self.writes, False)
        self.full = 0
        for size in (4096, 1):
            try:
                while True:
                    self.full += os.write(self.writes, b"." * size)
            except BlockingIOError:
                continue
        os.set_blocking(self.writes, True)

    def read(self) -> str:
        """All that follows what it was filled with, once the writer has no more."""
        self.end()
        with open(self.reads, "rb", closefd=False) as file:
            return file.read()[self.full :].decode()

    def end(self) -> None:
        """Nothing more is written."""
        os.close(self.writes)
        self.writes = os.open(os.devnull, os.O_WRONLY)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reads)
    os.close(pipe.writes)


def take(pipe: Pipe) -> None:
    """Make room for all that is tried here."""
    pipe.full -= len(os.read(pipe.reads, pipe.full))


def test_what_waits_comes_whole_and_in_its_order(pipe: Pipe) -> None:
    way = Outlet()
    out, err = way.stream(pipe.writes, "utf-8"), way.stream(pipe.writes, "utf-8")
    long = "long " * 2000
    for line in ("one", long, "three"):
        out.write(f"{line}\n")
        err.write(f"after {line[:5]}\n")
    assert not way.drain()
    take(pipe)
    assert way.drain()
    lines = ["one", "after one", long, "after long ", "three", "after three"]
    assert pipe.read().splitlines() == lines


def test_what_is_too_much_is_dropped_and_counted(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "MAX_WAITING", 100)
    way = Outlet()
    out = way.stream(pipe.writes, "utf-8")
    for number in range(100):
        out.write(f"line {number}\n")
    take(pipe)
    assert way.drain()
    out.write("afterwards\n")
    assert way.drain()
    *first, told, last = pipe.read().splitlines()
    assert first == [f"line {number}" for number in range(len(first))]
    assert f"WARNING schedtui.outlet: {100 - len(first)} lines were dropped here" in told
    assert 5 < len(first) < 50
    assert last == "afterwards"


def test_where_nobody_reads_any_more_nothing_waits(pipe: Pipe) -> None:
    way = Outlet()
    os.dup2(pipe.writes, pipe.reads)
    way.stream(pipe.writes, "utf-8").write("line\n")
    assert way.drain()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")  # 3.12
def test_a_fork_writes_by_itself(pipe: Pipe) -> None:
    way = Outlet()
    out = way.stream(pipe.writes, "utf-8")
    take(pipe)
    child = os.fork()
    if child == 0:
        out.write("of the child\n")
        os._exit(0)
    os.waitpid(child, 0)
    assert pipe.read() == "of the child\n"
