"""Reading TOML of strangers: in time and memory that grow with its length alone."""

from __future__ import annotations

import re
import tomllib
from itertools import takewhile
from typing import Any, Final

MAX_PARTS: Final = 16
"""Parts of one key, as in ``a.b.c``; `tomllib` keeps every beginning of it, which is its square."""
BYTES_A_TABLE: Final = 16
"""Letters of a text for each table that the heads and the dotted keys in it may make.

`tomllib` takes up to 1,400 bytes for a table that has a head; a job has one for forty letters.
"""
FEW: Final = 1_000
"""Tables that any text may make."""

_PART = r"""(?:[\w-]+|"(?:[^"\\\n]+|\\.)*+"?|'[^'\n]*+'?)"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*+"
# What is left open goes to the end, so that nothing is looked for twice.
_TOKEN: Final = re.compile(
    rf'''
    """(?:[^"\\]+|\\.|"(?!""))*+(?:"{{3,5}}|\Z)
    | \'\'\'(?:[^']+|'(?!\'\'))*+(?:'{{3,5}}|\Z)
    | \#[^\n]*+
    | ^[ \t]*+\[{{1,2}}[ \t]*+(?P<head>{_KEY})(?=[ \t]*+\]{{1,2}}[ \t]*+(?:[\r\n\#]|\Z))
    | (?P<key>{_KEY})
    ''',
    re.VERBOSE | re.DOTALL | re.ASCII | re.MULTILINE,
)
_KEY_PART: Final = re.compile(_PART, re.DOTALL | re.ASCII)


def loads(text: str) -> dict[str, Any]:
    """The tables of ``text``.

    Raises:
        ValueError: it is no TOML, or nested deeper than anything that is meant, or says more
            tables than a text of its length has use for.
    """
    _refuse_heavy(text)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_heavy(text: str) -> None:
    """Refuse what would take much more memory than it is long."""
    left = max(FEW, len(text) // BYTES_A_TABLE)
    before: list[str] = []
    for found in _TOKEN.finditer(text):
        head = found["head"]
        key = head or found["key"]
        if key is None or (head is None and key.count(".") < 2):  # 1.5 is no key
            continue
        parts = _KEY_PART.findall(key)
        if len(parts) > MAX_PARTS:
            line = _line(text, found)
            raise ValueError(f"a key of {len(parts)} parts at line {line}; at most {MAX_PARTS}")
        if head is None:
            left -= max(len(parts) - 2, 0)
        else:
            # The tables that the head before this one is in are there already.
            left -= len(parts) - _shared(before, parts)
            before = parts
        if left < 0:
            raise ValueError(
                f"too many tables in tables, up to line {_line(text, found)}: at most one for "
                f"{BYTES_A_TABLE} letters of the file"
            )


def _shared(one: list[str], other: list[str]) -> int:
    """How many parts both begin with."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1
