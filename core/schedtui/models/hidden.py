"""Values that no text of an engine may show: what this process has seen of secrets."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

MASK: Final = "***"
"""What is shown in place of a secret."""
SHORTEST: Final = 4
"""Characters of a value that is looked for in text: a shorter one would blot out ordinary words."""
REMEMBERED: Final = 1_000
"""Values; beyond that those that were seen longest ago are forgotten."""

# Reentrant: the garbage collector may run a __del__ that makes a secret in the midst of it.
_lock = threading.RLock()
_values: OrderedDict[str, None] = OrderedDict()
_pattern: re.Pattern[str] | None = None


def remember(value: Any) -> None:
    """Let no text show ``value`` from now on: a text, a number, or every one in a JSON value."""
    if isinstance(value, Mapping):
        for item in value.values():
            remember(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            remember(item)
    elif hasattr(value, "get_secret_value"):  # pydantic's SecretStr and its like
        remember(value.get_secret_value())
    elif isinstance(value, bytes):
        remember(value.decode("utf-8", "replace"))
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        _remember(str(value))


def hide(text: str) -> str:
    """``text`` with `MASK` in place of every secret that was remembered."""
    pattern = _pattern
    return text if pattern is None else pattern.sub(MASK, text)


def _remember(text: str) -> None:
    global _pattern
    with _lock:
        known = text in _values
        _values[text] = None
        _values.move_to_end(text)
        if known:
            return
        while len(_values) > REMEMBERED:
            _values.popitem(last=False)
        forms = {form for value in _values for form in _forms(value)}
        # The longest first, so that of two secrets that begin alike no rest is left.
        found = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        _pattern = re.compile(found) if found else None


def _forms(value: str) -> set[str]:
    """How a value may be written: as it is, its lines, in JSON, in a ``repr``, in a URL."""
    forms = set()
    for part in {value, value.strip(), *value.splitlines()}:
        quoted = {json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]}
        forms |= {part, *quoted, repr(part)[1:-1], _quoted(part)}
    return {form for form in forms if len(form) >= SHORTEST}


def _quoted(part: str) -> str:
    return quote(part.encode("utf-8", "surrogatepass"), safe="")
