"""Values that no text of an engine may show: what this process has seen of secrets."""

from __future__ import annotations

import json
import threading
import weakref
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import quote

MASK: Final = "***"
"""What is shown in place of a secret."""
SHORTEST: Final = 4
"""Characters of a value that is looked for in text: a shorter one would blot out ordinary words."""
REMEMBERED: Final = 10_000
"""Values; beyond that those seen longest ago are forgotten, but for what somebody holds."""
_FEW: Final = 16
"""Beginnings of secrets that are faster looked for one by one."""


_looking: Final = ContextVar("looking", default=False)


@contextmanager
def looking() -> Iterator[None]:
    """Nothing that is seen in this block is remembered: nothing runs with it yet, if ever."""
    before = _looking.set(True)
    try:
        yield
    finally:
        _looking.reset(before)


def remember(value: Any) -> None:
    """Let no text show ``value`` from now on: a text, a number, or every one in a JSON value."""
    if _looking.get():
        return
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
        _KNOWN.add(str(value))


def hold(value: Any) -> None:
    """Remember the text ``value``, which takes weak references, for as long as it lives."""
    if _looking.get():
        return
    remember(value)
    _KNOWN.hold(str(value), value)


def hide(text: str) -> str:
    """``text`` with `MASK` in place of every secret that was remembered."""
    return _KNOWN.hidden(text)


class _Known:
    """All that is remembered, by how it begins; a new one costs the same whatever is known."""

    def __init__(self) -> None:
        # Reentrant: the garbage collector may run a __del__ that makes a secret in the midst of it.
        self._lock = threading.RLock()
        self._values: OrderedDict[str, frozenset[str]] = OrderedDict()
        """Each with the forms that it may have in a text."""
        self._forms: Counter[str] = Counter()
        """Of how many values each is a form."""
        self._lengths: dict[str, Counter[int]] = {}
        """How many forms of which length begin so."""
        self._begins: dict[str, tuple[int, ...]] = {}
        """The lengths, longest first, so that of two forms that begin alike no rest is left."""
        self._few: tuple[str, ...] = ()
        """All beginnings, while they are few. Read without the lock, as are forms and `_begins`."""
        self._holders: Counter[str] = Counter()
        """How many hold each."""

    def add(self, value: str) -> None:
        """Know one."""
        with self._lock:
            if value in self._values:
                self._values.move_to_end(value)
                return
            self._values[value] = forms = _forms(value)
            for form in forms:
                self._forms[form] += 1
                if self._forms[form] == 1:
                    self._count(form, 1)
            for _ in range(len(self._values) - REMEMBERED):
                self._forget_one()
            self._few = tuple(self._begins) if len(self._begins) <= _FEW else ()

    def hold(self, value: str, holder: object) -> None:
        """Forget one not before ``holder`` is gone."""
        with self._lock:
            self._holders[value] += 1
        weakref.finalize(holder, self._let_go, value).atexit = False

    def hidden(self, text: str) -> str:
        """A text without any."""
        begins, few = self._begins, self._few
        if not begins or (few and not any(begin in text for begin in few)):
            return text
        shown: list[str] = []
        end = 0
        starts = map("".join, zip(*(text[skip:] for skip in range(SHORTEST)), strict=False))
        for at in [at for at, start in enumerate(starts) if start in begins]:
            if at < end:
                continue
            lengths = begins.get(text[at : at + SHORTEST], ())
            length = next((one for one in lengths if text[at : at + one] in self._forms), 0)
            if length:
                shown += (text[end:at], MASK)
                end = at + length
        return "".join((*shown, text[end:]))

    def _let_go(self, value: str) -> None:
        with self._lock:
            self._holders[value] -= 1
            if not self._holders[value]:
                del self._holders[value]

    def _forget_one(self) -> None:
        """Forget the one that was seen longest ago, of those that nobody holds."""
        gone = next((one for one in self._values if one not in self._holders), None)
        if gone is None:
            return
        for form in self._values.pop(gone):
            self._forms[form] -= 1
            if not self._forms[form]:
                del self._forms[form]
                self._count(form, -1)

    def _count(self, form: str, more: int) -> None:
        begin = form[:SHORTEST]
        lengths = self._lengths.setdefault(begin, Counter())
        lengths[len(form)] += more
        left = tuple(sorted((one for one in lengths if lengths[one]), reverse=True))
        if left:
            self._begins[begin] = left
        else:
            del self._begins[begin], self._lengths[begin]


def _forms(value: str) -> frozenset[str]:
    """How a value may be written: as it is, its lines, in JSON, in a ``repr``, in a URL."""
    forms = set()
    for part in {value, value.strip(), *value.splitlines()}:
        quoted = {json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]}
        forms |= {part, *quoted, repr(part)[1:-1], _quoted(part)}
    return frozenset(form for form in forms if len(form) >= SHORTEST)


def _quoted(part: str) -> str:
    return quote(part.encode("utf-8", "surrogatepass"), safe="")


_KNOWN: Final = _Known()
