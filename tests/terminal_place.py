"""A folder where the real `schedtui` is used, and where nothing is left running after a test."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terminal_driver import DEADLINE_S, Terminal

from schedtui.locations import StateDir

SCHEDTUI = (sys.executable, "-m", "schedtui_tui")


@dataclass(kw_only=True)
class Served:
    """A running `schedtui serve`."""

    process: subprocess.Popen[str]
    url: str
    said: str

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


@dataclass(kw_only=True)
class Place:
    """A folder where `schedtui` is used, with its own home and environment."""

    folder: Path
    env: dict[str, str]
    background: list[int] = field(default_factory=list)
    """Processes that a test let go of."""
    _terminals: list[Terminal] = field(default_factory=list)
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The home folder."""
        return Path(self.env["HOME"])

    @property
    def state(self) -> StateDir:
        """What `schedtui` keeps here."""
        return StateDir.beside(self.folder)

    def console(self, *words: str, columns: int = 140, rows: int = 40, **env: str) -> Terminal:
        """`schedtui` in a terminal of its own."""
        terminal = Terminal(
            [*SCHEDTUI, *words],
            cwd=self.folder,
            env=self.env | env,
            columns=columns,
            rows=rows,
        )
        self._terminals.append(terminal)
        return terminal

    def run(self, *words: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """A command, without a terminal; its exit code must be ``code``."""
        done = subprocess.run(
            [*SCHEDTUI, *words],
            cwd=self.folder,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, *words: str, code: int = 0, **env: str) -> Any:
        """What a command prints with ``--json``, which must be ASCII and nothing else."""
        out = self.run(*words, "--json", code=code, **env).stdout
        assert out.isascii()
        return json.loads(out)

    def serve(self, *words: str, prefix: Sequence[str] = ()) -> Served:
        """`schedtui serve`, once it says that it is there."""
        with (self.folder / "serve.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*prefix, *SCHEDTUI, "serve", *words],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._started.append(process)
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("store:"):
                break
        found = re.search(r"listening on (\S+)", said)
        assert "store:" in said, (self.folder / "serve.log").read_text()
        return Served(process=process, url=found[1] if found else "", said=said)

    def answers(self) -> bool:
        """Whether an engine answers on this folder's socket."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(os.fspath(self.state.socket))
            except OSError:
                return False
        return True

    def token(self, role: str) -> str:
        """A new access token."""
        return self.run("token", "create", "--name", role, "--role", role).stdout.strip()

    def ended(self, job: str, *, state: str = "succeeded") -> dict[str, Any]:
        """The newest run of a job that ended so, as soon as there is one."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = self.json("runs", job, "--state", state, "--limit", "1")
            return bool(found)

        self.wait(look)
        return found[0]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that goes on for a while; what it prints can be read."""
        process = subprocess.Popen(
            [*SCHEDTUI, *words],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End everything that was started here, engines in the background included."""
        for terminal in self._terminals:
            terminal.close()
        for process in self._started:
            process.kill()
            process.wait(DEADLINE_S)
            assert process.stdout is not None
            process.stdout.close()
        for pid in self.background:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait(self, holds: Callable[[], bool], *, deadline_s: float = DEADLINE_S) -> None:
        """Until ``holds()``."""
        until = time.monotonic() + deadline_s
        while not holds():
            assert time.monotonic() < until, "it did not come to be"
            time.sleep(0.02)
