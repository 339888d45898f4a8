"""`schedtui` in this process, in a folder where a real engine answers on its socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from files_kit import edited, fill, make_group

from schedtui import Engine, Group
from schedtui.api import start_server
from schedtui.client.local import LocalClient
from schedtui.locations import StateDir
from schedtui.models import Job
from schedtui.testing import FakeClock, MemoryStore
from schedtui_tui.cli import main


@dataclass
class Shell:
    """The folder, its engine, and what was printed."""

    folder: Path
    engine: Engine
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What a command printed on stdout and stderr; its exit code must be ``code``."""
        found = main(words)
        out, err = self.capsys.readouterr()
        assert found == code, (words, out, err)
        return out, err

    def json(self, *words: str, code: int = 0) -> Any:
        """What a command prints with ``--json``, which must be ASCII and nothing else."""
        out = self.run(*words, "--json", code=code)[0]
        assert out.isascii()
        return json.loads(out)

    def export(self) -> str:
        """All jobs as a file."""
        return self.engine.sync.export_jobs().text

    def write(self, *pairs: tuple[str, str]) -> None:
        """Write that file to ``jobs.toml``, edited."""
        (self.folder / "jobs.toml").write_text(edited(self.export(), *pairs), encoding="utf-8")

    def job(self, name: str) -> Job:
        """A job as the engine has it."""
        work = LocalClient(self.engine).job(name)
        return asyncio.run_coroutine_threadsafe(work, self.engine.running.loop).result(10)


def make_commands() -> Group:
    """Functions that take the commands of a crontab, one with all that belongs to them; and one
    that fails."""
    ops = Group("ops")

    @ops.function()
    def shell(
        command: str, stdin: str = "", user: str = "", environment: dict[str, str] | None = None
    ) -> str:
        return f"{command}{stdin}{user}{environment}"

    @ops.function()
    def broken() -> None:
        raise ValueError("no disk\x1b[31m")

    @ops.function()
    def bare(command: str) -> str:
        return command

    return ops


def engine_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """The jobs of `files_kit` on an engine; make a fixture of it."""
    monkeypatch.chdir(tmp_path)
    groups = [make_group(), make_commands()]
    engine = Engine(groups=groups, store=MemoryStore(), clock=FakeClock(), echo=False)
    engine.run_in_thread()
    loop = engine.running.loop
    state = StateDir.beside(tmp_path).create()

    def wait(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    server = wait(start_server(engine, listen=None, socket=state.socket))
    try:
        wait(fill(engine))
        yield Shell(tmp_path, engine, capsys)
    finally:
        wait(server.stop())
        engine.close(0)
