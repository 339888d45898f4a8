"""The console in a real terminal: on an engine of its own, and on one behind HTTP."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from terminal_driver import Terminal
from terminal_place import Place

from schedtui_tui.commands.host import GRACE_S


def filtered(terminal: Terminal, text: str) -> None:
    """Show only the jobs whose name holds ``text``, with the cursor on the first."""
    terminal.send("/", text, "enter")
    terminal.wait_gone("export_orders")


@pytest.mark.parametrize("where", ["here", "remote"])
def test_a_job_from_its_creation_to_its_deletion_by_keys(place: Place, where: str) -> None:
    words: list[str] = []
    if where == "here":
        terminal = place.console("jobs.py")
    else:
        served = place.serve("--listen", "127.0.0.1:0")
        token = place.token("admin")
        words = ["schedtui", "--connect", served.url]
        terminal = place.console(*words[1:], SCHEDTUI_TOKEN=token)
    terminal.wait("export_orders")

    # create: choose the function, fill in the form
    terminal.send("n")
    terminal.wait("Write a mail into the outbox")
    terminal.send("send_rep")
    terminal.wait_gone("wait_for_file")
    terminal.send("enter")
    terminal.wait("recipient")
    terminal.send("anna@shop.example", "tab", "tab", "tab", "0 9 * * mon")
    terminal.wait("09:00")
    terminal.send("tab", "tab", "tab", "for-anna", "ctrl+s")
    terminal.wait(lambda screen: "for-anna" in screen and "Create (Ctrl+S)" not in screen)
    job = place.json("jobs", "reports/for-anna")
    assert (job["trigger"]["expression"], job["static"]) == ("0 9 * * mon", False)

    # trigger: its function really runs
    filtered(terminal, "for-anna")
    terminal.send("t")
    terminal.wait("Triggered reports/for-anna")
    run = place.ended("reports/for-anna")
    assert run["kwargs"]["recipient"] == "anna@shop.example"
    assert list((place.folder / "outbox").glob("*.eml"))
    terminal.wait("succeeded")

    # pause, resume
    terminal.send("p")
    terminal.wait("Paused reports/for-anna")
    assert place.json("jobs", "reports/for-anna")["paused"]
    terminal.send("p")
    terminal.wait("Resumed reports/for-anna")
    assert not place.json("jobs", "reports/for-anna")["paused"]

    # its log
    terminal.send("l")
    terminal.wait("sent recipient=anna@shop.example kind=daily")
    terminal.send("esc")
    terminal.wait("sort:")

    # delete, after a question
    terminal.send("D")
    terminal.wait("Delete reports/for-anna?")
    terminal.send("y")
    terminal.wait("Deleted reports/for-anna")
    place.run("jobs", "reports/for-anna", code=3)

    if where == "here":
        quit_and_stop(terminal)
    else:
        terminal.send("esc", "q")
    assert terminal.leave() == 0
    assert terminal.modes() == terminal.modes_before
    assert place.answers() == (where == "remote")
    if where == "remote":
        assert f"`{' '.join(words)}` opens" in terminal.wait("The engine goes on").replace("\n", "")
    else:
        assert "goes on" not in terminal.text()


def quit_and_stop(terminal: Terminal) -> None:
    """Answer what `q` asks with: stop the engine."""
    terminal.press_until("q", "Stop it")
    terminal.send("s")


def test_the_first_frame_comes_before_the_engine(place: Place) -> None:
    """A target that takes its time to load does not keep the screen empty, nor `q` waiting."""
    path = place.folder / "jobs.py"
    path.write_text(
        "import pathlib, time\n"
        "while not pathlib.Path('loaded').exists():\n    time.sleep(0.01)\n"
        + path.read_text().replace("from __future__ import annotations\n", "")
    )
    terminal = place.console("jobs.py")
    terminal.wait("starting")
    assert "export_orders" not in terminal.text()
    (place.folder / "loaded").touch()
    terminal.wait("export_orders")


def test_it_follows_the_size_of_its_terminal(place: Place) -> None:
    terminal = place.console(columns=140, rows=40)
    terminal.wait("export_orders")
    for columns, rows in ((70, 20), (200, 50), (100, 30)):
        terminal.resize(columns, rows)
        terminal.wait(_fills(rows))


def _fills(rows: int) -> Callable[[str], bool]:
    """The jobs are there, and the keys are in the last row."""

    def holds(screen: str) -> bool:
        lines = screen.split("\n")
        return len(lines) == rows and "Help" in lines[-1] and "export_ord" in screen

    return holds


def test_it_recovers_when_the_server_is_killed_and_comes_back(place: Place) -> None:
    served = place.serve("--listen", "127.0.0.1:0")
    token = place.token("viewer")
    terminal = place.console("--connect", served.url, SCHEDTUI_TOKEN=token)
    terminal.wait("export_orders")
    served.stop(signal.SIGKILL)
    terminal.wait("disconnected")
    assert "export_orders" in terminal.text()
    place.serve("--listen", served.url.removeprefix("http://"))
    terminal.send("\x12")  # Ctrl+R
    terminal.wait(lambda screen: "live" in screen and "disconnected" not in screen)
    terminal.send("q")
    assert terminal.leave() == 0


def test_a_wrong_token_is_told_after_the_screen_is_gone(place: Place) -> None:
    served = place.serve("--listen", "127.0.0.1:0")
    terminal = place.console("--connect", served.url, SCHEDTUI_TOKEN="sched_wrong")
    assert terminal.leave() == 4
    assert "schedtui: " in terminal.wait("token")


def test_a_token_is_asked_for_once_and_kept(place: Place) -> None:
    served = place.serve("--listen", "127.0.0.1:0")
    token = place.token("viewer")
    terminal = place.console("--connect", served.url)
    terminal.wait("Access token for")
    terminal.send(token, "enter")
    terminal.wait("export_orders")
    assert token.encode() not in terminal.written()
    (kept,) = place.home.rglob("tokens.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert place.json("jobs", "--connect", served.url)


def test_read_only_hides_what_changes(place: Place) -> None:
    terminal = place.console("--read-only")
    terminal.wait("export_orders")
    assert "read-only" in terminal.text()
    assert "Trigger" not in terminal.text()
    terminal.send("t", "n", "l")
    terminal.wait("has not run yet")


def test_a_second_console_attaches_and_leaves_the_engine_alone(place: Place) -> None:
    first = place.console()
    first.wait("export_orders")
    place.wait(place.answers)
    second = place.console()
    second.wait(lambda screen: "(attached)" in screen and "export_orders" in screen)
    filtered(second, "wait_for_file")
    second.send("p")
    second.wait("Paused shop/wait_for_file")
    first.wait("paused")
    second.send("esc", "q")
    assert second.leave() == 0
    assert place.answers()
    assert "export_orders" in first.text()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("x = 1 / 0\n", "jobs.py:1"),
        ("from schedtui import Group\nGroup('a/b')\n", "jobs.py:2"),
        ("import sys\nsys.exit(0)\n", "jobs.py"),
        ("x = 1\n", "Group"),
    ],
)
def test_a_target_that_cannot_be_loaded_ends_the_console(
    empty: Place, code: str, told: str
) -> None:
    (empty.folder / "jobs.py").write_text(code)
    terminal = empty.console()
    assert terminal.leave() == 1
    assert told in terminal.wait("schedtui: ")
    assert "Traceback" not in terminal.text()
    assert terminal.modes() == terminal.modes_before
    assert not empty.state.path.exists()


HOSTILE = """
import os, subprocess, sys
from schedtui import Group, log

EVIL = "\\x1b]0;PWNED\\x07\\x1b[2J\\x1b]52;c;UFdO\\x07\\x9b31m\\u202e[/red][@click=app.quit]"
g = Group("g", tags=["[red]"])

@g.job(every="1h", name="shout[red][@click=app.quit]now", description=EVIL, kwargs={"text": EVIL})
def shout(text: str) -> str:
    print(EVIL)
    log(EVIL, field=EVIL)
    subprocess.run(["printf", "%s", "\\\\033]0;PWNED\\\\007" + EVIL], check=True)
    os.write(1, EVIL.encode())
    os.write(2, EVIL.encode())
    print(EVIL, file=sys.__stdout__, flush=True)
    print(EVIL, file=sys.__stderr__, flush=True)
    try:
        with open("/dev/tty", "w") as tty:
            tty.write(EVIL)
    except OSError:
        log("no terminal to reach")
    try:
        input()
    except EOFError:
        log("nobody to ask")
    raise ValueError(EVIL)
"""


@pytest.mark.parametrize("where", ["here", "attached"])
def test_nothing_that_jobs_say_reaches_the_terminal(empty: Place, where: str) -> None:
    """Not by names, logs, errors and results, and not by a subprocess's own hands."""
    (empty.folder / "jobs.py").write_text(HOSTILE)
    if where == "attached":
        empty.serve("--no-listen")
    terminal = empty.console()
    terminal.wait("shout")
    terminal.send("t")
    terminal.wait("Triggered g/shout")
    terminal.wait("failed")
    terminal.send("enter")
    terminal.wait("ValueError")
    terminal.send("enter")
    screen = terminal.wait("nobody to ask")
    if where == "here":
        assert "no terminal to reach" in screen
    terminal.send("?")
    terminal.send("esc", "esc", "esc")
    terminal.wait("sort:")
    written = terminal.written()
    for mark in (b"\x1b]0;PWNED", b"\x1b]52;c;UFdO", "\x9b".encode(), "\u202e".encode()):
        assert mark not in written
    assert b"\x1b[2J" not in written


def test_a_job_that_wants_to_exit_the_process_does_not(empty: Place) -> None:
    (empty.folder / "jobs.py").write_text(
        "import sys\nfrom schedtui import Group\ng = Group('g')\n"
        "@g.job(every='1h')\ndef leave():\n    sys.exit(3)\n"
    )
    terminal = empty.console()
    terminal.wait("leave")
    terminal.send("t")
    terminal.wait("failed")
    quit_and_stop(terminal)
    assert terminal.leave() == 0


def test_the_demo_is_alive_and_leaves_nothing_behind(empty: Place) -> None:
    terminal = empty.console("demo")
    for name in ("count_visitors", "sales-to-anna", "move_to_new_host", "import_prices"):
        terminal.wait(name)
    for state in ("succeeded", "failed", "paused", "running"):
        terminal.wait(state)
    assert "* * * * *" in terminal.text()
    terminal.send("q")
    assert terminal.leave() == 0
    assert terminal.modes() == terminal.modes_before
    assert list((empty.home / "tmp").iterdir()) == []
    assert list(empty.folder.iterdir()) == []
    assert "Traceback" not in terminal.text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_demo_in_order(empty: Place, number: int) -> None:
    terminal = empty.console("demo")
    terminal.wait("count_visitors")
    terminal.process.send_signal(number)
    assert terminal.leave() == 0
    assert terminal.modes() == terminal.modes_before
    assert terminal.written().rstrip().count(b"\x1b[?1049l") == 1
    assert list((empty.home / "tmp").iterdir()) == []


def test_it_is_left_at_once_while_the_import_of_its_target_hangs(empty: Place) -> None:
    code = "import time\nfrom pathlib import Path\nPath('loading').touch()\ntime.sleep(300)\n"
    (empty.folder / "jobs.py").write_text(code)
    terminal = empty.console()
    empty.wait((empty.folder / "loading").exists)
    terminal.send("q")
    assert terminal.leave(deadline_s=GRACE_S - 2) == 0
    assert terminal.modes() == terminal.modes_before
