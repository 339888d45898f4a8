"""Reading TOML of strangers: in time and memory that grow with its length alone."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

MAX_PARTS: Final = 16
"""Parts of one key, as in ``a.b.c``; `tomllib` keeps every beginning of it, which is its square."""

_PART = r"""(?:[\w-]+|"(?:[^"\\\n]+|\\.)*+"?|'[^'\n]*+'?)"""
# What is left open goes to the end, so that nothing is looked for twice.
_TOKEN: Final = re.compile(
    rf'''
    """(?:[^"\\]+|\\.|"(?!""))*+(?:"{{3,5}}|\Z)
    | \'\'\'(?:[^']+|'(?!\'\'))*+(?:'{{3,5}}|\Z)
    | \#[^\n]*+
    | (?P<key>{_PART}(?:[ \t]*\.[ \t]*{_PART})*+)
    ''',
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_KEY_PART: Final = re.compile(_PART, re.DOTALL | re.ASCII)


def loads(text: str) -> dict[str, Any]:
    """The tables of ``text``.

    Raises:
        ValueError: it is no TOML, or nested deeper than anything that is meant.
    """
    for found in _TOKEN.finditer(text):
        key = found["key"]
        if key is not None and key.count(".") >= MAX_PARTS:
            parts = sum(1 for _ in _KEY_PART.finditer(key))
            if parts > MAX_PARTS:
                line = text.count("\n", 0, found.start()) + 1
                raise ValueError(f"a key of {parts} parts at line {line}; at most {MAX_PARTS}")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
