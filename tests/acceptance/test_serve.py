"""`schedtui serve`: how it begins, how it ends, and what its jobs can reach."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest
from terminal_driver import DEADLINE_S, Terminal
from terminal_place import SCHEDTUI, Place

HANGING = """
import asyncio, time
from schedtui import Group

g = Group("g")

@g.job(every=3600)
async def blocked(): await asyncio.to_thread(time.sleep, 300)

@g.job(every=3600)
async def stubborn():
    while True:
        try:
            await asyncio.sleep(300)
        except asyncio.CancelledError:
            pass
"""


@pytest.mark.parametrize("job", ["blocked", "stubborn"])
def test_it_stops_although_a_job_does_not(empty: Place, job: str) -> None:
    (empty.folder / "jobs.py").write_text(HANGING)
    served = empty.serve("--no-listen", "--grace", "0.1")
    empty.json("trigger", f"g/{job}")
    assert served.stop() == 0
    assert "stopped" in (empty.folder / "serve.log").read_text().splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_while_the_import_of_its_target_hangs(empty: Place, number: int) -> None:
    code = "import time\nfrom pathlib import Path\nPath('loading').touch()\ntime.sleep(300)\n"
    (empty.folder / "jobs.py").write_text(code)
    starting = empty.start("serve", "--no-listen")
    empty.wait((empty.folder / "loading").exists)
    starting.send_signal(number)
    assert starting.wait(DEADLINE_S) == 130


def test_it_tells_that_nothing_ran_when_it_was_stopped_while_it_was_starting(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text("import time\nprint('loading')\ntime.sleep(300)\n")
    terminal = empty.console("serve", "--no-listen")
    terminal.wait("loading")
    terminal.send("ctrl+c")
    assert terminal.leave() == 130
    assert "while it was starting; nothing has run" in terminal.wait("schedtui.serve")
    assert "Traceback" not in terminal.text()


AT_ONCE = """
from pathlib import Path
from schedtui import Group

g = Group("g")

@g.job(every=3600, run_on_startup=True)
def at_once(): Path("ran").touch()
"""


NO_PLACE = [
    ("--listen 127.0.0.1:{taken}", 4, "is taken by another program"),
    ("--listen 0.0.0.0:0", 4, "no access token exists"),
    ("--listen 127.0.0.1", 2, "expected HOST:PORT"),
    ("--listen 127.0.0.1:99999", 2, "expected a port"),
    ("--listen 127.0.0.1:0 --certfile none --keyfile none", 2, "certfile"),
]


def test_where_it_may_not_listen_it_runs_nothing(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(AT_ONCE)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        for words, code, why in NO_PLACE:
            done = empty.run("serve", *words.format(taken=taken).split(), code=code)
            assert why in done.stderr
            assert not empty.state.socket.exists()
    assert not (empty.folder / "ran").exists()
    empty.serve("--listen", "127.0.0.1:0")
    empty.wait((empty.folder / "ran").exists)


RUDE = """
import subprocess, sys, threading
from schedtui import Group

g = Group("g")
TITLE = "\\x1b]0;mine\\x07 said aloud"
CODE = f"print({TITLE!r}); got = input(); open('in', 'w').write(got)"

@g.job(every=3600)
def asks(): return input("really? ")

@g.job(every=3600)
def starts(): subprocess.run([sys.executable, "-c", CODE])

@g.job(every=3600)
def spawns():
    thread = threading.Thread(target=print, args=[TITLE])
    thread.start()
    thread.join()

@g.job(every=3600)
async def waits():
    import asyncio
    await asyncio.sleep(60)
"""


@pytest.fixture
def served(empty: Place) -> Iterator[Terminal]:
    """`schedtui serve` at a terminal, of jobs that would use that."""
    (empty.folder / "jobs.py").write_text(RUDE)
    words = [*SCHEDTUI, "serve", "--no-listen", "--grace", "0.5"]
    terminal = Terminal(words, cwd=empty.folder, env=empty.env)
    terminal.wait("store: ")
    yield terminal
    terminal.close()


def test_its_terminal_is_not_its_jobs(empty: Place, served: Terminal) -> None:
    run = empty.json("trigger", "g/asks", "--wait", code=1)
    assert (run["state"], run["error_type"]) == ("failed", "EOFError")
    for job in ("starts", "spawns"):
        empty.json("trigger", f"g/{job}", "--wait")
    assert not (empty.folder / "in").exists()
    assert empty.state.log.read_text().count("said aloud") == 2
    served.process.send_signal(signal.SIGTERM)
    assert served.leave() == 0
    lines = served.wait("stopped").splitlines()
    assert [line.partition("serve: ")[2] for line in lines if "schedtui.serve" in line] == [
        "stopping",
        "stopped",
    ]
    assert b"said aloud" not in served.written()


def test_it_says_how_many_runs_it_waits_for(empty: Place, served: Terminal) -> None:
    empty.json("trigger", "g/waits")
    served.process.send_signal(signal.SIGTERM)
    served.wait("stopping: 1 active run has 0.5 s to end, a second signal does not wait")
    assert served.leave() == 0
