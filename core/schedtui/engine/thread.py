"""An event loop in a thread of its own, which functions that exit do not end."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from typing import Any

from schedtui.execution.forked import leave_if_forked

logger = logging.getLogger("schedtui.engine")


def drive(main: Callable[[], Coroutine[Any, Any, None]]) -> BaseException | None:
    """Run a loop until ``main`` is done; returns what it, or the loop, failed with.

    It never raises: nobody is there in this thread to be told.
    """
    try:
        _drive(main)
    except BaseException as error:  # noqa: BLE001 - handed to the caller
        return error
    return None


def _drive(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a loop until ``main`` is done, as `asyncio.run` does, whatever the functions on it do.

    asyncio raises a `SystemExit` or `KeyboardInterrupt` of any task out of the loop as well. The
    task holds it too, so whoever awaits the task is told, and the loop can just go on. The same
    holds for a function that stops the loop.
    """
    pid = os.getpid()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(main())
        task.add_done_callback(lambda _: loop.stop())
        while not task.done():
            try:
                loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:
                leave_if_forked(pid, error)
                logger.warning(
                    "%s was raised in a task or callback of a function; the engine goes on",
                    type(error).__name__,
                )
        task.result()
