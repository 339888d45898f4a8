"""Where a function runs: on the event loop, in a thread, or in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from schedtui.errors import InvalidError
from schedtui.schema.parameters import underlying

EXECUTORS = ("async", "thread", "process")
_EXPECTED = "'async' (for async def), 'thread' (for def) or 'process' (for both)"


def choose_executor(call: Callable[..., Any], executor: str | None, *, is_async: bool) -> str:
    """The executor of a function: the one asked for, else the event loop or a thread.

    Raises:
        InvalidError: there is no such executor, or not for this function, or not on this system.
    """
    own = "async" if is_async else "thread"
    if executor is None or executor == own:
        return own
    if executor == "process":
        _check_importable(call)
        if sys.platform == "win32":
            raise InvalidError.one("executor", executor, "'thread': Windows has no such processes")
        return executor
    if executor in EXECUTORS:
        kind = "an async def runs on the event loop" if is_async else "a def would block the loop"
        raise InvalidError.one("executor", executor, f"{own!r} or 'process': {kind}")
    raise InvalidError.one("executor", executor, _EXPECTED)


def check_memory_limit(limit_mb: object, executor: str) -> int | None:
    """MiB that a function's process may use.

    Raises:
        InvalidError: it is no limit, or the function does not run in a process.
    """
    if limit_mb is None:
        return None
    if type(limit_mb) is not int or limit_mb < 1:
        raise InvalidError.one("memory_limit_mb", limit_mb, "a whole number of MiB from 1 up")
    if executor != "process":
        raise InvalidError.one(
            "memory_limit_mb", limit_mb, "executor='process' with it: others share their memory"
        )
    return limit_mb


def place_of(call: Callable[..., Any]) -> tuple[str, str]:
    """Module and dotted name under which other processes find a function; empty for neither."""
    module = getattr(call, "__module__", None)
    name = getattr(call, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or "<" in name:
        return "", ""
    # Of a method, the name is that of the class's function, which has no instance to be called on.
    return ("", "") if hasattr(call, "__self__") else (module, name)


def _check_importable(call: Callable[..., Any]) -> None:
    if not place_of(call)[0]:
        shown = getattr(underlying(call), "__qualname__", None) or repr(call)
        raise InvalidError(
            f"{shown} cannot run with executor='process': a worker process imports the module of "
            "the function and looks it up by its name, so it must be a def at the top of a module, "
            "not a lambda, a partial, a method, or a function within a function"
        )
