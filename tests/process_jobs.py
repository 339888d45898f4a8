"""Functions that worker processes import; see tests/core/execution/test_process.py."""

from __future__ import annotations

import asyncio
import os
import time

from schedtui import Group, log

group = Group("p")


@group.function
def add(a: int, b: int = 1) -> int:
    print("adding", a)
    log("hello", a=a)
    return a + b


@group.function
async def aadd(a: int) -> int:
    await asyncio.sleep(0)
    print("async")
    return a


@group.function
def die() -> None:
    print("last words")
    os._exit(3)


@group.function
def nap(seconds: float = 30) -> str:
    print("napping", flush=True)
    try:
        time.sleep(seconds)
    finally:
        print("woken")
    return "slept"
