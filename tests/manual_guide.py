"""The code blocks of a manual, and the folder of a reader who types them."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from terminal_driver import DEADLINE_S
from terminal_place import Place

ROOT = Path(__file__).parents[1]
MANUAL = ROOT / "core" / "README.md"
README = ROOT / "README.md"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LISTENS = re.compile(r"127\.0\.0\.1:8787")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block between fences."""

    language: str
    """As it stands after the fence; empty for what is typed into a shell."""
    text: str

    def __str__(self) -> str:
        """Its first words that tell it from others, for the name of a test."""
        words = re.findall(r"\w+", re.sub(r"^(from|import) .*$", "", self.text, flags=re.MULTILINE))
        return "-".join([self.language or "shell", *words[:3]])


def blocks_of(path: Path) -> list[Block]:
    """All blocks of a manual, in their order."""
    found = _BLOCK.findall(path.read_text(encoding="utf-8"))
    return [Block(language=language, text=text) for language, text in found]


@dataclass(kw_only=True)
class Guide:
    """A reader with an empty folder, who follows the engine's manual."""

    place: Place
    _loaded: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the reader works; also the working directory of the test."""
        return self.place.folder

    def write(self, name: str, text: str) -> Path:
        """A file of the reader's."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def module(self, name: str, code: str) -> ModuleType:
        """``code`` as a module of the reader's."""
        self.write(f"{name}.py", code)
        importlib.invalidate_caches()
        sys.modules.pop(name, None)
        self._loaded.append(name)
        return importlib.import_module(name)

    def first(self) -> ModuleType:
        """The manual's first block, which the others go on from, as ``jobs.py``."""
        return self.module("jobs", blocks_of(MANUAL)[0].text)

    def jobs(self) -> None:
        """``jobs.py`` with the jobs of the first block, for the program, which makes the engine."""
        self.write("jobs.py", blocks_of(MANUAL)[0].text.partition("\nengine = ")[0])
        self._loaded.append("jobs")

    async def type(self, code: str, **given: Any) -> dict[str, Any]:
        """Type ``code`` where ``await`` may stand at the top, after the first block.

        Args:
            code: The block.
            given: What the text around it says is there.

        Returns:
            All names, afterwards.
        """
        names = {**vars(self.first()), **given}
        compiled = compile(
            code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
        answer = eval(compiled, names)
        if inspect.isawaitable(answer):
            await answer
        return names

    def shell(self, script: str, **env: str) -> str:
        """What a real shell prints, with the `schedtui` of this environment in its path."""
        path = f"{Path(sys.executable).parent}:{self.place.env['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.place.env | {"PATH": path} | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, f"{script}: {done}"
        return done.stdout

    def close(self) -> None:
        """Forget the modules."""
        for name in self._loaded:
            sys.modules.pop(name, None)


def elsewhere(script: str, address: str | None = None) -> str:
    """``script`` with another address than that of the manual, which may be in use here."""
    if address is None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = f"127.0.0.1:{probe.getsockname()[1]}"
    assert _LISTENS.search(script)
    return _LISTENS.sub(address, script)
