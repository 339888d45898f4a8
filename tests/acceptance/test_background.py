"""The engine and its terminal: going on without one, and what signals do to the pair."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest
from terminal_driver import Terminal
from terminal_place import Place


def detach(place: Place, terminal: Terminal) -> int:
    """Leave the console and keep its engine; the engine's process id."""
    terminal.press_until("q", "Keep running")
    terminal.send("b")
    assert terminal.leave() == 0
    # Not the dialog, which speaks of the background as well, and may still be on the screen.
    said = re.compile(r"in the background as process (\d+)\.")
    found = said.search(terminal.wait(lambda text: said.search(text) is not None))
    assert found
    pid = int(found[1])
    place.background.append(pid)
    return pid


def test_the_engine_goes_on_in_the_background_with_the_runs_it_has(place: Place) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    place.wait(place.answers)
    run = place.json("trigger", "shop/wait_for_file")
    terminal.wait("running")
    pid = detach(place, terminal)
    assert terminal.modes() == terminal.modes_before
    terminal.close()  # the terminal is gone for good

    # the very engine, and the very run
    before = place.json("runs", "shop/tick", "--limit", "1")[0]["id"]
    (place.folder / "go").touch()
    place.wait(lambda: place.json("runs", "shop/wait_for_file")[0]["state"] == "succeeded")
    assert place.json("runs", "shop/wait_for_file")[0]["id"] == run["id"]
    place.wait(lambda: place.json("runs", "shop/tick", "--limit", "1")[0]["id"] > before)

    again = place.console()
    again.wait(lambda screen: "(attached)" in screen and "export_orders" in screen)
    again.send("q")
    assert again.leave() == 0
    assert f"The engine goes on as process {pid}; `schedtui` opens" in again.wait("goes on")
    assert place.answers()

    os.kill(pid, signal.SIGTERM)
    place.wait(lambda: _state(pid) in {"Z", ""})
    last = place.state.log.read_text().splitlines()[-2:]
    assert [line.partition(": ")[2] for line in last] == ["stopping", "stopped"]
    assert "no engine runs" in place.run("jobs", code=5).stderr
    third = place.console()  # nothing is locked
    third.wait(lambda screen: "export_orders" in screen and "(attached)" not in screen)


def test_an_engine_that_died_is_not_said_to_go_on(place: Place) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    place.wait(place.answers)
    pid = detach(place, terminal)
    terminal.close()
    again = place.console()
    again.wait(lambda screen: "(attached)" in screen and "export_orders" in screen)
    os.kill(pid, signal.SIGKILL)
    again.wait("disconnected")
    again.send("q")
    assert again.leave() == 0
    told = again.wait("cannot be reached")
    assert f"The engine, last seen as process {pid}, cannot be reached" in told
    assert "goes on" not in told


def test_what_jobs_print_in_the_background_is_still_theirs(place: Place) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    place.wait(place.answers)
    detach(place, terminal)
    terminal.close()
    run = place.json("trigger", "shop/export_orders", "--wait")
    assert run["state"] == "succeeded"
    lines = [line["text"] for line in place.json("logs", str(run["id"]))["lines"]]
    assert lines == ["exported 2 countries"]


TALKER = """
import time
from pathlib import Path
from schedtui import Group

g = Group("g")


@g.job(every="1h")
def talk():
    said = 0
    while not Path("enough").exists():
        print(said)
        said += 1
        time.sleep(0.002)
    return said
"""


@pytest.mark.parametrize("end", ["kept", "stopped", "signal"])
def test_no_line_of_a_run_is_lost_while_the_console_is_left(empty: Place, end: str) -> None:
    """Not those printed between the screen's last moment and what comes after it."""
    (empty.folder / "jobs.py").write_text(TALKER)
    terminal = empty.console()
    terminal.wait("talk")
    empty.wait(empty.answers)
    terminal.send("t")
    terminal.wait("running")
    if end == "kept":
        detach(empty, terminal)
    elif end == "stopped":
        terminal.press_until("q", "Stop it")
        terminal.send("s")
        terminal.wait("Stopping: 1 run has")
    else:
        terminal.process.send_signal(signal.SIGTERM)
        terminal.wait("Stopping: 1 run has")
    (empty.folder / "enough").touch()
    if end != "kept":
        assert terminal.leave() == 0
        empty.serve("--no-listen")
    run = empty.ended("g/talk")
    logged = empty.json("logs", str(run["id"]))
    assert [line["text"] for line in logged["lines"]] == [str(n) for n in range(int(run["result"]))]
    assert not re.search(r"^\d+$", empty.state.log.read_text(), re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_stops_the_console_and_its_engine_in_order(place: Place, number: int) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    place.wait(place.answers)
    terminal.process.send_signal(number)
    assert terminal.leave() == 0
    assert terminal.modes() == terminal.modes_before
    assert not place.answers()
    assert not place.state.socket.exists()


def test_when_the_console_is_killed_the_engine_stops_and_leaves_the_terminal_alone(
    place: Place,
) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    place.wait(place.answers)
    terminal.process.kill()
    place.wait(lambda: not place.answers())
    assert b"\x1b[?1049l" in terminal.written()
    place.serve("--no-listen")  # nothing is locked
    states = {run["state"] for run in place.json("runs", "shop/tick")}
    assert "lost" not in states


def test_when_the_engine_is_killed_the_terminal_is_mended_and_nothing_stays_locked(
    place: Place,
) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    place.wait(place.answers)
    os.kill(terminal.child(), signal.SIGKILL)
    assert terminal.leave() == 128 + signal.SIGKILL
    assert terminal.modes() == terminal.modes_before
    assert "ended by signal 9" in terminal.wait("schedtui: ")
    again = place.console()
    again.wait(lambda screen: "export_orders" in screen and "(attached)" not in screen)


def test_it_can_be_suspended_and_continued(place: Place) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    terminal.process.send_signal(signal.SIGTSTP)
    place.wait(lambda: _state(terminal.pid) == "T")
    assert terminal.modes() == terminal.modes_before
    terminal.process.send_signal(signal.SIGCONT)
    terminal.wait("export_orders")
    terminal.send("n")
    terminal.wait("which function?")


def _state(pid: int) -> str:
    """A letter as `ps` has it; empty for a process that is gone."""
    if not Path(f"/proc/{pid}").exists():
        return ""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_second_signal_does_not_wait_for_jobs(place: Place) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    place.wait(place.answers)
    place.json("trigger", "shop/wait_for_file")
    terminal.wait("running")
    terminal.process.send_signal(signal.SIGTERM)
    terminal.wait("Stopping")
    time.sleep(0.6)  # nearer to the first one it would be taken for its echo
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.leave() == 130
    assert terminal.modes() == terminal.modes_before
