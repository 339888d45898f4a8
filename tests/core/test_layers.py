"""What `lint-imports` cannot see: imports by a name that is a text."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import schedtui
from schedtui.engine.embedded import Embedded
from schedtui.errors import SchedtuiError

ROOT = Path(__file__).parents[2]


def layers() -> list[list[str]]:
    """Each layer's packages, the highest first, as ``pyproject.toml`` has them."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (found,) = (one["layers"] for one in said["contracts"] if one["type"] == "layers")
    return [["schedtui"], *([name.strip() for name in layer.split("|")] for layer in found)]


def rank(module: str) -> int:
    """How low it stands; the package's own table of public names stands above all."""
    ranks = [
        number
        for number, names in enumerate(layers())
        for name in names
        if module == name or (name != "schedtui" and module.startswith(f"{name}."))
    ]
    assert ranks, f"{module} is in no layer"
    return ranks[0]


def texts_imported(source: str) -> Iterator[str]:
    """The modules of the house that a call names beside ``import_module``."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        parts = [call.func, *call.args]
        names = {getattr(part, "id", getattr(part, "attr", "")) for part in parts}
        if "import_module" in names:
            values = [part.value for part in parts if isinstance(part, ast.Constant)]
            yield from (str(value) for value in values if str(value).startswith("schedtui"))


def test_what_is_imported_by_a_text_stands_no_higher() -> None:
    found: set[tuple[str, str]] = set()
    for folder in (ROOT / "core", ROOT / "tui"):
        for path in folder.rglob("*.py"):
            module = ".".join(path.relative_to(folder).with_suffix("").parts)
            for name in texts_imported(path.read_text(encoding="utf-8")):
                found.add((module.removesuffix(".__init__"), name))
    assert ("schedtui.api", "schedtui.api.server") in found
    assert [(one, other) for one, other in found if rank(other) < rank(one)] == []


def test_an_engine_that_nothing_stands_above_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = schedtui.Engine(store="memory://")
    assert engine.router(auth="none").routes
    monkeypatch.setattr(Embedded, "services", None)
    with pytest.raises(SchedtuiError, match="take Engine from `schedtui`"):
        engine.router(auth="none")
