"""Functions that an APScheduler runs; job stores keep them by their names."""

from __future__ import annotations

import asyncio
import threading

from schedtui import current_run, log

GATE = threading.Event()
"""What `waits` waits for."""
WAITING = threading.Semaphore(0)
"""Released by each call of `waits`."""
CALLS: list[str] = []
"""What the functions were called with."""


def report(name: str = "nobody") -> str:
    print(f"report for {name}")
    log("written", name=name, job=current_run().job)
    CALLS.append(name)
    return f"done {name}"


def fails() -> None:
    raise ValueError("no paper")


def waits() -> None:
    WAITING.release()
    assert GATE.wait(30)


def quiet() -> str:
    return "quiet"


async def report_async(name: str = "nobody") -> str:
    print(f"report for {name}")
    await asyncio.sleep(0)
    print("and on")
    return f"done {name}"
