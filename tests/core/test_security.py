"""The threat list is true: its tests are there, and nothing in the house makes code of data."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THREATS = [
    line for line in (ROOT / ".github/SECURITY.md").read_text().splitlines() if line.startswith("|")
][2:]
_BUILT_IN = {"eval", "exec", "compile", "__import__"}
IMPORTS = {
    "core/schedtui/__init__.py": "a public name of its own, from the table there",
    "core/schedtui/api/__init__.py": "a room of its own, by a constant",
    "core/schedtui/api/routes/metrics.py": "a room of its own, by a constant",
    "core/schedtui/client/local_measures.py": "a room of its own, by a constant",
    "core/schedtui/engine/code/reloading.py": "a room of its own, by a constant",
    "core/schedtui/execution/process/find.py": "where the engine's process found the function",
    "core/schedtui/target/imports.py": "the target that the user names when the engine starts",
    "tui/schedtui_tui/cli.py": "a command of the table there",
}
"""Which files import by a name that is computed, and whose names those are."""
_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}


def _tests(path: Path) -> set[str]:
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {one.name for one in found if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("line", THREATS, ids=range(len(THREATS)))
def test_each_threat_names_tests_that_exist(line: str) -> None:
    named = re.findall(r"`(tests/[^`:]+\.py)::(test_\w+)`", line.rsplit("|", 2)[1])
    assert named, line
    for file, test in named:
        assert test in _tests(ROOT / file), f"{file} has no {test}"


def test_nothing_makes_code_of_data() -> None:
    found = []
    for path in [*(ROOT / "core").rglob("*.py"), *(ROOT / "tui").rglob("*.py")]:
        place = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: set[str] = set()
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names = {node.func.id} & _BUILT_IN
            elif isinstance(node, ast.Import):
                names = {one.name for one in node.names} & _MODULES
            elif isinstance(node, ast.ImportFrom):
                names = {node.module or ""} & _MODULES
            found += [(place, name) for name in names]
    assert found == []


def test_only_these_import_by_a_name() -> None:
    found = set()
    for path in [*(ROOT / "core").rglob("*.py"), *(ROOT / "tui").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {node.id} if isinstance(node, ast.Name) else set()
            names |= {node.attr} if isinstance(node, ast.Attribute) else set()
            if names & {"import_module", "resolve_name", "find_spec", "exec_module"}:
                found.add(path.relative_to(ROOT).as_posix())
    assert found == IMPORTS.keys()
