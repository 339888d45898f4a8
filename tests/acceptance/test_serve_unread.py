"""`schedtui serve` where nobody takes what it says: its engine goes on, and it still ends."""

from __future__ import annotations

import os
import signal
import subprocess

from terminal_driver import DEADLINE_S, Terminal
from terminal_place import SCHEDTUI, Place

JOBS = """
from schedtui import Group

g = Group("g")

@g.function()
def counts(): return 1
"""


def break_code(place: Place, what: str) -> None:
    """Have the engine log that its code cannot be loaded."""
    (place.folder / "jobs.py").write_text(f"{JOBS}\nraise RuntimeError('{what}')\n")
    assert what in place.run("reload", code=1).stdout


def begin(place: Place) -> Terminal:
    (place.folder / "jobs.py").write_text(JOBS)
    terminal = place.console("serve", "--no-listen", "--no-reload")
    terminal.wait("store: ")
    return terminal


def test_at_a_terminal_that_holds(empty: Place) -> None:
    terminal = begin(empty)
    terminal.send("ctrl+s")
    for what in ("first", "second"):
        break_code(empty, what)
    assert empty.json("run", "g/counts", "--wait")["state"] == "succeeded"
    assert "first" not in terminal.text()
    terminal.send("ctrl+q")
    text = terminal.wait("second")
    assert text.index("first") < text.index("second"), "nothing is lost"
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.leave() == 0
    assert "serve: stopped" in terminal.wait("stopped")


def test_it_ends_at_a_terminal_that_holds(empty: Place) -> None:
    terminal = begin(empty)
    terminal.send("ctrl+s")
    break_code(empty, "first")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.leave() == 0
    assert not empty.answers()


def test_into_a_pipe_that_is_full(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(JOBS)
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    while True:
        try:
            os.write(writes, b"." * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writes, True)
    serve = [*SCHEDTUI, "serve", "--no-listen", "--no-reload"]
    with subprocess.Popen(
        serve, cwd=empty.folder, env=empty.env, stdout=writes, stderr=writes
    ) as process:
        os.close(writes)
        try:
            empty.wait(empty.answers)
            break_code(empty, "first")
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_S) == 0
        finally:
            process.kill()
            os.close(reads)


def test_into_a_pipe_that_is_closed(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(JOBS)
    process = empty.start("serve", "--no-listen", "--no-reload")
    assert process.stdout is not None
    process.stdout.close()
    empty.wait(empty.answers)
    assert empty.json("run", "g/counts", "--wait")["state"] == "succeeded"
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0
