"""Commands that are done whole, whatever becomes of those who asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")


def whole(
    command: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """A caller that goes away does not end a command between its commit and what follows it."""

    @wraps(command)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.ensure_future(command(self, *args, **kwargs))
        task.add_done_callback(_seen)
        return await asyncio.shield(task)

    return run


def _seen(task: asyncio.Future[Any]) -> None:
    """A caller that went away does not ask how it ended."""
    if not task.cancelled():
        task.exception()
