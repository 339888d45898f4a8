"""Tables of other schedulers' defects, each line naming the tests that show ours has it not."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_TEST = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
_NAMED = re.compile(r"\btest_\w+\b")


@cache
def known_tests() -> frozenset[str]:
    """The names of all tests of this repository."""
    files = Path(__file__).parent.rglob("test_*.py")
    return frozenset(name for file in files for name in _TEST.findall(file.read_text()))


def named_tests(table: str | None) -> list[str]:
    """The tests that a table names."""
    return _NAMED.findall(table or "")


def lines_without_a_test(table: str | None) -> list[str]:
    """The lines of a table that name neither a test nor why none is needed."""
    _, _, rows = (table or "").partition("::\n")
    return [
        row.strip()
        for row in re.split(r"\n(?=    \S)", rows.strip("\n"))
        if row.strip() and not _NAMED.search(row) and "not ours:" not in row
    ]
