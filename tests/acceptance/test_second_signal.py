"""A stop in order gives runs time to end; who asks a second time does not wait for them."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

import pytest
from terminal_driver import Terminal
from terminal_place import Place

JOBS = """
import asyncio, threading, time
from pathlib import Path
from schedtui import Group

g = Group("g")

@g.function()
async def waits():
    Path("begun").touch()
    try:
        await asyncio.sleep(300)
    except asyncio.CancelledError:
        Path("cancelled").touch()
        raise

@g.function()
def holds():
    threading.Thread(target=time.sleep, args=[300]).start()
    Path("begun").touch()
    time.sleep(300)
"""


def begin(place: Place, function: str = "waits") -> None:
    place.wait(place.answers)
    place.json("run", f"g/{function}")
    place.wait((place.folder / "begun").exists)


def end(terminal: Terminal, number: int) -> int:
    """Send one signal after the other, as somebody does who has no patience; the exit code."""
    for _ in range(100):
        terminal.process.send_signal(number)
        time.sleep(0.2)
        if terminal.process.poll() is not None:
            break
    return terminal.leave(deadline_s=0.1)


def check_left(place: Place) -> None:
    """What ran was given up as by a kill: it was not cancelled, and the next start tells of it."""
    assert not (place.folder / "cancelled").exists()
    place.serve("--no-listen")
    assert [run["state"] for run in place.json("runs")] == ["lost"]


@pytest.fixture
def place(empty: Place) -> Place:
    (empty.folder / "jobs.py").write_text(JOBS)
    return empty


@pytest.mark.parametrize("function", ["waits", "holds"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends(place: Place, function: str, number: int) -> None:
    terminal = place.console("serve", "--no-listen", "--grace", "60")
    begin(place, function)
    assert end(terminal, number) == 130
    text = terminal.wait("stopped at once by a second signal; runs that were active are lost")
    assert "Traceback" not in text
    check_left(place)


def by_signals(terminal: Terminal) -> int:
    return end(terminal, signal.SIGTERM)


def by_keys(terminal: Terminal) -> int:
    terminal.press_until("q", "Quit?")
    terminal.wait("1 run is active")
    terminal.send("s")
    terminal.wait("Stopping: 1 run has 10 s to end. Ctrl-C: at once")
    terminal.send("ctrl+c")
    return terminal.leave()


@pytest.mark.parametrize("leave", [by_signals, by_keys])
def test_a_console_ends(place: Place, leave: Callable[[Terminal], int]) -> None:
    terminal = place.console()
    begin(place)
    assert leave(terminal) == 130
    assert terminal.modes() == terminal.modes_before
    log = place.state.log.read_text()
    assert "stopped at once by a second signal" in log.splitlines()[-1]
    assert "Traceback" not in log + terminal.text()
    check_left(place)


SCRIPT = """
import asyncio, signal, time
from pathlib import Path
from schedtui import Engine, Group

g = Group("g")

@g.job(every=3600, run_on_startup=True)
async def waits():
    Path("begun").touch()
    await asyncio.sleep(300)

Engine(groups=[g], store="memory://", stop_grace_s=60).run_in_thread()
while not Path("begun").exists():
    time.sleep(0.01)
print("at its end", flush=True)
"""


def test_a_program_with_an_engine_ends(place: Place) -> None:
    """There the end of the program stops the engine in order, and already the first one ends it."""
    (place.folder / "script.py").write_text(SCRIPT)
    terminal = Terminal([sys.executable, "script.py"], cwd=place.folder, env=place.env)
    try:
        terminal.wait("at its end")
        terminal.send("ctrl+c")
        terminal.leave()
        assert "Traceback" not in terminal.text()
    finally:
        terminal.close()
