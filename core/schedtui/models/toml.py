"""Reading TOML of strangers: in time and memory that grow with its length alone."""

from __future__ import annotations

import re
import tomllib
from itertools import takewhile
from typing import Any, Final

MAX_PARTS: Final = 16
"""Parts of one key, as in ``a.b.c``; `tomllib` keeps every beginning of it, which is its square."""
BYTES_A_TABLE: Final = 10
"""Letters of a text for each table that its heads and its dotted keys make, about.

`tomllib` takes up to 1,400 bytes for each of these, and at most 105 for a letter of the others,
which nobody counts. A job is two or three of them, in forty letters at the least. What a head or a
dotted key has in common with the one before is there already; with earlier ones, it counts anew.
"""
FEW: Final = 5_000
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
    | (?P<key>{_KEY})(?P<named>[ \t]*+=)?+
    ''',
    re.VERBOSE | re.DOTALL | re.ASCII | re.MULTILINE,
)
_KEY_PART: Final = re.compile(_PART, re.DOTALL | re.ASCII)
_BRACE: Final = re.compile("[{}]")


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
    head: list[str] = []
    table: list[str] = []
    end = 0
    for found in _TOKEN.finditer(text):
        key = found["head"] or found["key"]
        value = found["head"] is None and found["named"] is None
        dots = 0 if key is None else key.count(".")
        if key is None or (found["head"] is None and dots < 1 + value):  # 1.5 is no key
            continue
        parts = _KEY_PART.findall(key)
        if len(parts) > MAX_PARTS:
            line = _line(text, found)
            raise ValueError(f"a key of {len(parts)} parts at line {line}; at most {MAX_PARTS}")
        if found["head"] is not None:
            left -= len(parts) - _shared(head, parts)
            head, table = parts, []
        elif not value:
            made = parts[:-1]
            # Those in another pair of braces are others, whatever they are called.
            same = table and not _BRACE.search(text, end, found.start())
            left -= len(made) - (_shared(table, made) if same else 0)
            table, end = made, found.end()
        if left < 0:
            raise ValueError(
                f"too many tables, up to line {_line(text, found)}: heads and dotted keys may make "
                f"about one for {BYTES_A_TABLE} letters of the file"
            )


def _shared(one: list[str], other: list[str]) -> int:
    """How many parts both begin with."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


def _line(text: str, found: re.Match[str]) -> int:
    return text.count("\n", 0, found.start()) + 1
