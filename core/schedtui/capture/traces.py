"""Exceptions as text: the type, and a traceback that begins with the user's own code."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from schedtui.capture.text import clip, clip_middle, plain_kind_name, plain_type_name

MAX_TRACEBACK = 65_536
"""Bytes of a traceback that are kept."""

_MAX_LINE = 2_000
_MAX_KINDS = 20
_OURS = f"{Path(__file__).parent.parent}{os.sep}"


def type_name(error: BaseException) -> str:
    """The type of an exception as tracebacks name it: with its module, unless it is built in."""
    return _name(type(error))


def kinds(error: BaseException) -> tuple[str, ...]:
    """The names of the type of an exception and of those above it, up to `Exception`."""
    above = (kind for kind in type(error).__mro__ if issubclass(kind, BaseException))
    return tuple(_name(kind) for kind in above)[:_MAX_KINDS]


def _name(kind: type) -> str:
    try:
        module = kind.__module__
        if not isinstance(module, str) or module in ("builtins", "__main__"):
            return clip(kind.__qualname__, _MAX_LINE)
        return clip(f"{module}.{kind.__qualname__}", _MAX_LINE)
    except BaseException:  # noqa: BLE001 - a user's metaclass may raise anything
        return plain_kind_name(kind)


def format_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, from the first frame that is not ours, capped.

    Causes, contexts, notes and groups are kept; values of variables are never shown.
    """
    try:
        whole = traceback.TracebackException(type(error), error, error.__traceback__, compact=True)
        _cut_our_frames(whole)
        lines = "".join(whole.format()).splitlines()
    except BaseException as failure:  # noqa: BLE001 - a user's exception may raise anything
        name = type_name(error)
        return f"{name} (its traceback cannot be shown: {plain_type_name(failure)})"
    short = (clip(line, _MAX_LINE) for line in lines)
    return clip_middle("\n".join(short), MAX_TRACEBACK)


def _cut_our_frames(error: traceback.TracebackException) -> None:
    seen: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        stack = current.stack
        ours = 0
        while ours < len(stack) and stack[ours].filename.startswith(_OURS):
            ours += 1
        del stack[:ours]
        pending += [part for part in (current.__cause__, current.__context__) if part is not None]
        pending += current.exceptions or []
