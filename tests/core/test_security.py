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
