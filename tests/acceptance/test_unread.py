"""A terminal that nobody reads any more: the console still leaves when it is told to."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal_driver import Terminal
from terminal_place import Place


def terminate(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGTERM)


ENDS = pytest.mark.parametrize("end", [terminate, Terminal.hang_up])


def gone(pid: int) -> bool:
    """Whether a process has ended, and only waits to be asked for its exit code if at all."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@ENDS
def test_a_console_and_its_engine_end(place: Place, end: Callable[[Terminal], None]) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    place.wait(place.answers)
    engine = terminal.child()
    place.background.append(engine)
    terminal.fill()
    end(terminal)
    assert terminal.process.wait(20) == 0
    assert gone(engine)
    assert not place.answers()
    assert place.state.log.read_text().splitlines()[-1].endswith("stopped")


@ENDS
def test_an_attached_console_ends(shared: Place, end: Callable[[Terminal], None]) -> None:
    terminal = shared.console()
    terminal.wait("export_orders")
    terminal.fill()
    end(terminal)
    assert terminal.process.wait(20) == 0
    assert shared.answers()


def test_one_on_a_small_terminal_that_was_never_read_ends(shared: Place) -> None:
    """It has left the app, and waits for its last words to be taken, when it is given up."""
    terminal = shared.console(columns=80, rows=24)
    terminal.unread = True
    shared.wait(lambda: terminal.untaken() > 4000)
    time.sleep(2)  # until it has drawn all it had to draw; a shorter one would prove less, not fail
    terminate(terminal)
    assert terminal.process.wait(20) == 0
    assert terminal.modes() == terminal.modes_before


def test_the_terminal_is_usable_afterwards(place: Place) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    place.wait(place.answers)
    terminal.fill()
    terminate(terminal)
    assert terminal.process.wait(20) == 0
    assert terminal.modes() == terminal.modes_before
    terminal.unread = False
    place.wait(lambda: b"\x1b[?1049l" in terminal.written())
    os.write(terminal.slave, b"a prompt")
    terminal.wait("a prompt")


def test_the_command_ends_when_its_engine_is_killed(place: Place) -> None:
    terminal = place.console()
    terminal.wait("export_orders")
    terminal.fill()
    os.kill(terminal.child(), signal.SIGKILL)
    assert terminal.process.wait(20) == 128 + signal.SIGKILL
    assert terminal.modes() == terminal.modes_before
