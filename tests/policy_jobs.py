"""One function for every executor, steered by files.

A test and a function in a process share nothing else. Workers import this: it imports little.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from schedtui import current_run

LOOK_S = 0.002
ERRORS: dict[str, type[Exception]] = {"value": ValueError, "reset": ConnectionResetError}


def _say(folder: str, what: str) -> None:
    run = current_run()
    line = f"{what} {run.job} {run.id} {run.attempt}\n".encode()
    file = os.open(Path(folder, "said"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line)
    os.close(file)


def _may_go(folder: str) -> bool:
    run = current_run()
    names = ("open", f"go-{run.id}", f"go-{run.id}-{run.attempt}")
    return any(Path(folder, name).exists() for name in names)


def work(folder: str, fails: int = 0, error: str = "value", gate: bool = True) -> str:
    """In a thread or a process."""
    _say(folder, "began")
    try:
        if current_run().attempt <= fails:
            raise ERRORS[error]("not yet")
        while gate and not _may_go(folder):
            if current_run().cancelled:
                raise asyncio.CancelledError
            time.sleep(LOOK_S)
        return "done"
    finally:
        _say(folder, "ended")


async def a_work(folder: str, fails: int = 0, error: str = "value", gate: bool = True) -> str:
    """On the loop."""
    _say(folder, "began")
    try:
        if current_run().attempt <= fails:
            raise ERRORS[error]("not yet")
        while gate and not _may_go(folder):  # noqa: ASYNC110 - a file knows no event loop
            await asyncio.sleep(LOOK_S)
        return "done"
    finally:
        _say(folder, "ended")
