"""Commands that are seen through, whatever becomes of whoever gave them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")


def uninterrupted(
    command: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """A caller that goes away does not end a command between its commit and what follows it."""

    @wraps(command)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        # Not `asyncio.shield`, which takes one more turn of the loop to tell how it ended.
        told: asyncio.Future[T] = loop.create_future()
        task = loop.create_task(_tell(command(self, *args, **kwargs), told))
        task.add_done_callback(_seen)
        return await told

    return run


async def _tell(command: Coroutine[Any, Any, T], told: asyncio.Future[T]) -> None:
    """See a command through, and say how it ended to whoever still waits for that."""
    try:
        result = await command
    except BaseException as error:
        if not told.done():
            told.set_exception(error)
        raise
    if not told.done():
        told.set_result(result)


def _seen(task: asyncio.Future[Any]) -> None:
    """A caller that went away does not ask how it ended."""
    if not task.cancelled():
        task.exception()
