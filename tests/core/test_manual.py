"""core/README.md against the code: the policies it lists, their defaults, and what it imports."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from schedtui.models import Policies
from schedtui.policies import DEFAULTS, IMPLIED_RETRIES

MANUAL = (Path(__file__).parents[2] / "core" / "README.md").read_text()
_NAME = re.compile(r"`(\w+)`")
_NO_POLICY = {"after": "none"}
"""Rows of the table that are fields of a job."""
_WORDS = {"none": "", "no": "False", "all": "()"}
"""How the table writes what Python spells otherwise."""


def rows() -> Iterator[tuple[list[str], str]]:
    """The policies of each row of the table, and its column of defaults."""
    _, _, table = MANUAL.partition("| policy | values | default |")
    for line in table.splitlines()[2:]:
        if not line.startswith("|"):
            return
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not re.search(r"\bpolicy\b|^a |^an |^the ", cells[0]):
            yield _NAME.findall(cells[0]), cells[2]


def defaults() -> dict[str, str]:
    found: dict[str, str] = {}
    for names, told in rows():
        values = [told] if len(names) == 1 else told.split(", ")
        assert len(names) == len(values), names
        found |= zip(names, values, strict=True)
    return found


def in_words(value: object) -> str:
    if isinstance(value, float):
        return f"{value / 86_400:g} days" if value > 86_400 else f"{value:g}"
    if type(value) is int:
        return f"{value:,}"
    return str(value)


def test_the_manual_lists_every_policy_and_no_other() -> None:
    assert {field.name for field in fields(Policies)} == defaults().keys() - _NO_POLICY.keys()


def test_the_manual_says_the_defaults_that_hold() -> None:
    told = defaults()
    assert {name: told.pop(name) for name in _NO_POLICY} == _NO_POLICY
    assert told.pop("retries") == (
        f"{DEFAULTS.retries}; naming a delay or a factor alone means {IMPLIED_RETRIES}"
    )
    for name, text in told.items():
        plain = text.strip("`")
        assert _WORDS.get(plain, plain) == in_words(getattr(DEFAULTS, name)), name


def test_what_the_manual_imports_is_there() -> None:
    found = 0
    for code in re.findall(r"^```python\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("schedtui"):
                module = importlib.import_module(str(node.module))
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module}.{alias.name}"
                    found += 1
    assert found > 10


def test_every_command_of_the_engine_that_the_manual_calls_is_there() -> None:
    from schedtui import Engine

    called = set(re.findall(r"\bengine\.(?:sync\.)?(\w+)\(", MANUAL))
    assert {name for name in called if not hasattr(Engine, name)} == set()
    assert len(called) > 5
