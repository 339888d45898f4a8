"""Starting a worker process."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from schedtui.execution.process import lifeline
from schedtui.execution.process.place import Place

GIVEN = "SCHEDTUI_WORKER"
"""The variable that says to a worker what it is; gone before a job could see it."""

# What is appended cannot hide the standard library from the worker's own imports.
_BOOT = f"""
import json, os, sys
given = json.loads(os.environ.pop("{GIVEN}"))
sys.path += [entry for entry in [given["home"], *given["path"]] if entry not in sys.path]
from schedtui.execution.process.worker import main
main(given)
"""


class Launched(NamedTuple):
    """A process that has just been started, and the engine's ends of what leads to it."""

    process: subprocess.Popen[bytes]
    sock: socket.socket
    stdout: int
    stderr: int
    lifeline: int

    def close(self) -> None:
        """Close the engine's ends."""
        for fd in (self.sock.detach(), self.stdout, self.stderr, self.lifeline):
            lifeline.close(fd)


def launch(place: Place) -> Launched:
    """Start a worker: a new interpreter, never a fork of this one. Takes some milliseconds.

    It has a session and a process group of its own, so that Ctrl-C in the terminal reaches the
    engine alone; nothing on its standard input; and no file of this process but its socket.

    Raises:
        OSError: the machine has no process, file or memory left.
    """
    ours, theirs = socket.socketpair()
    ends: list[int] = []
    try:
        for _ in range(3):
            ends += os.pipe()
        out, out_there, err, err_there, line_there, line = ends
        process = subprocess.Popen(  # noqa: S603 - the interpreter that runs this
            _command(),
            stdin=subprocess.DEVNULL,
            stdout=out_there,
            stderr=err_there,
            pass_fds=(theirs.fileno(), line_there),
            start_new_session=True,
            cwd=place.cwd,
            env={**os.environ, GIVEN: _given(place, theirs.fileno(), line_there)},
        )
    except BaseException:
        ours.close()
        for fd in ends:
            os.close(fd)
        raise
    finally:
        theirs.close()
    for fd in (out_there, err_there, line_there):
        os.close(fd)
    for fd in (ours.fileno(), out, err, line):
        lifeline.keep(fd)
    ours.setblocking(False)
    os.set_blocking(out, False)
    os.set_blocking(err, False)
    return Launched(process, ours, out, err, line)


def _command() -> list[str]:
    options = ["-P", *(f"-W{option}" for option in sys.warnoptions)]
    if sys.flags.optimize:
        options.append("-" + "O" * sys.flags.optimize)
    if sys.flags.dont_write_bytecode:
        options.append("-B")
    if sys.flags.utf8_mode:
        options.append("-Xutf8")
    return [_interpreter(), *options, "-c", _BOOT]


def _interpreter() -> str:
    # It knows better than sys.executable where Python is embedded in another program.
    from multiprocessing.spawn import get_executable  # imported late: 10 ms, and only needed here

    found = os.fsdecode(get_executable() or "")
    if not found:
        raise OSError("it is not known which program is Python; see multiprocessing.set_executable")
    return found


def _given(place: Place, fd: int, line: int) -> str:
    given = {
        **place._asdict(),
        "fd": fd,
        "lifeline": line,
        "home": str(Path(__file__).parents[3]),
        "argv": sys.argv[:1],
        "log_level": logging.getLogger().level,
    }
    return json.dumps(given)
