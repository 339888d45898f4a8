"""The jobs of the soak: all policies, triggers and executors, and functions that misbehave.

Workers import this module, so that it starts nothing. Each function first of all appends a line to
a file, in one ``write``, so that what ran can be held against what the store says.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from schedtui import AllOf, AnyOf, Between, Calendar, Cron, Every, Except, Group, current_run, log
from schedtui.triggers import Trigger

LEDGER = "SOAK_LEDGER"
"""The variable of the environment that names the file of the executions."""
POOLS = {"narrow": 3, "wide": 20}
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
STUBBORN_S = 25.0
"""How long what cannot be ended goes on, so that there are ever so many of them and not more."""
LINES = 3_000
HANGS_S = 600.0


def record() -> None:
    """Leave the line of this execution."""
    run = current_run()
    line = f"{run.id} {run.attempt}\n".encode()
    ledger = os.open(os.environ[LEDGER], os.O_WRONLY | os.O_APPEND)
    try:
        os.write(ledger, line)
    finally:
        os.close(ledger)


async def quick(n: int = 0) -> int:
    record()
    if n % 5 == 0:
        log("ran", n=n)
    await asyncio.sleep(0)
    return n


def plain(n: int = 0) -> int:
    record()
    if n % 3 == 0:
        print("from a thread", n)
    return n


async def slow(seconds: float = 4.0) -> None:
    record()
    await asyncio.sleep(seconds)


def slow_thread(seconds: float = 1.0) -> None:
    record()
    end = time.monotonic() + seconds
    while time.monotonic() < end and not current_run().cancelled:
        time.sleep(0.05)


async def raising(every: int = 1) -> None:
    record()
    if current_run().id % every == 0:
        raise ConnectionResetError("as it always does")


def raising_thread() -> None:
    record()
    print("about to fail", file=sys.stderr)
    raise KeyError("no such thing")


async def hanging() -> None:
    record()
    await asyncio.sleep(HANGS_S)


def stubborn() -> None:
    """In a thread, and deaf."""
    record()
    time.sleep(STUBBORN_S)


async def stubborn_task() -> None:
    record()
    end = time.monotonic() + STUBBORN_S
    while time.monotonic() < end:
        try:
            await asyncio.sleep(end - time.monotonic())
        except asyncio.CancelledError:
            log("no")


def leaving() -> None:
    record()
    sys.exit(3)


def forking() -> None:
    """From a thread of the engine's own process."""
    record()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def spawning() -> None:
    record()
    subprocess.run(["true"], check=True)


def shouting() -> None:
    record()
    for number in range(LINES):
        print(f"line {number}", "x" * 60)


async def chatty() -> None:
    record()
    for number in range(LINES // 10):
        log("line", number=number)


def worker_plain(n: int = 0) -> int:
    record()
    return n


def worker_hanging() -> None:
    record()
    time.sleep(HANGS_S)


def worker_dying() -> None:
    record()
    os.kill(os.getpid(), signal.SIGKILL)


def worker_forking() -> None:
    """Leaves a child behind, which ends with its worker."""
    record()
    subprocess.Popen(["sleep", "600"])


def worker_shouting() -> None:
    shouting()


FUNCTIONS: dict[str, tuple[Callable[..., Any], ...]] = {
    "process": (worker_plain, worker_hanging, worker_dying, worker_forking, worker_shouting),
    "own": (
        quick, plain, slow, slow_thread, raising, raising_thread, hanging, stubborn, stubborn_task,
        leaving, forking, spawning, shouting, chatty,
    ),
}  # fmt: skip

Recipe = tuple[float, Callable[..., Any], dict[str, Any]]
"""How often per thousand jobs, what, and how: policies, ``every`` (seconds, from and to),
arguments."""

OVERLAPS = ("skip", "queue_one", "queue_all", "cancel_running", "allow")
RECIPES: tuple[Recipe, ...] = (
    (300, quick, {"every": (20, 90)}),
    (120, plain, {"every": (20, 90)}),
    (60, quick, {"every": (10, 60), "catch_up": "latest", "grace_s": 2}),
    (40, plain, {"every": (10, 60), "catch_up": "all", "catch_up_limit": 5, "grace_s": 2}),
    (40, quick, {"every": (10, 60), "catch_up": "skip", "grace_s": 1}),
    *((16, slow, {"every": (3, 6), "overlap": overlap}) for overlap in OVERLAPS),
    (6, slow, {"every": (2, 4), "overlap": "queue_all", "concurrency": 3, "start_within_s": 20}),
    (6, slow, {"every": (2, 4), "overlap": "skip", "concurrency": 2}),
    (20, slow_thread, {"every": (15, 40), "overlap": "queue_one"}),
    (30, raising, {"every": (20, 60), "retries": 2, "retry_delay_s": 2}),
    (10, raising, {"every": (20, 60), "retries": 2, "retry_on": [ValueError]}),
    (10, raising_thread, {"every": (20, 60), "retries": 1, "retry_delay_s": 5}),
    (10, raising, {"every": (20, 60), "pause_after_failures": 4}),
    (10, hanging, {"every": (20, 60), "timeout_s": 3}),
    (10, hanging, {"every": (20, 60), "timeout_s": 3, "retries": 1, "retry_on": [TimeoutError]}),
    (1, stubborn, {"every": (60, 120), "timeout_s": 2}),
    (2, stubborn_task, {"every": (60, 120), "timeout_s": 2}),
    (20, slow, {"every": (20, 60), "on_lost": "rerun"}),
    (20, slow, {"every": (20, 60), "on_lost": "ignore"}),
    (30, quick, {"every": (10, 60), "jitter_s": 8}),
    (20, slow, {"every": (15, 40), "pool": "narrow", "priority": 5, "start_within_s": 15}),
    (20, slow, {"every": (15, 40), "pool": "narrow", "overlap": "queue_one"}),
    (10, slow, {"every": (15, 40), "pool": "wide", "priority": -5}),
    (10, quick, {"every": (10, 30), "max_runs": 7}),
    (10, quick, {"every": (300, 900), "run_on_startup": True}),
    (3, leaving, {"every": (20, 60)}),
    (2, forking, {"every": (20, 60)}),
    (3, spawning, {"every": (20, 60)}),
    (3, shouting, {"every": (30, 90)}),
    (3, chatty, {"every": (20, 60)}),
    (8, worker_plain, {"every": (10, 40), "retries": 1}),
    (1, worker_hanging, {"every": (30, 60), "timeout_s": 3}),
    (2, worker_dying, {"every": (20, 60), "retries": 1}),
    (1, worker_forking, {"every": (30, 60)}),
    (1, worker_shouting, {"every": (60, 120)}),
)


def groups(jobs: int, seed: int) -> list[Group]:
    """So many jobs; the same ones for the same seed, so that every engine finds its own again."""
    rng = random.Random(seed)
    found = [
        Group("soak", tags=["plain"]),
        Group("zoned", timezone="Europe/Berlin", retry_delay_s=3),
        Group("limited", limit=5, tags=["limited"]),
    ]
    for group in found:
        for call in FUNCTIONS["own"]:
            group.function(call)
        for call in FUNCTIONS["process"]:
            group.function(executor="process")(call)
    weights = [weight for weight, _, _ in RECIPES]
    chosen = list(RECIPES) + rng.choices(RECIPES, weights, k=max(0, jobs - len(RECIPES)))
    for number, (_, call, how) in enumerate(chosen[:jobs]):
        # Few are in the limited group: what must wait there adds up.
        group = found[2] if number % 50 == 7 else found[number % 2]
        policies = {key: value for key, value in how.items() if key != "every"}
        kwargs = {"n": number} if call in (quick, plain, worker_plain) else {}
        low, high = how["every"]
        group.job(
            trigger=trigger_of(rng, round(rng.uniform(low, high), 1)),
            name=f"{call.__name__}-{number}",
            kwargs=kwargs,
            timezone=rng.choice(ZONES),
            **policies,
        )(call)
    return found


def trigger_of(rng: random.Random, period_s: float) -> Trigger:
    """Some trigger that is due about every ``period_s`` seconds."""
    anchor = datetime.fromtimestamp(round(rng.uniform(0, period_s), 3), UTC)
    plain = Every(period_s, anchor=anchor)
    kind = rng.randrange(20)
    second = rng.randrange(60)
    if kind == 0:
        step = max(2, min(30, round(period_s)))
        return Cron(f"{rng.randrange(step)}/{step} * * * * *")
    if kind == 1:
        return Cron(f"{second} * * * * *")
    if kind == 2:
        return Cron(f"{second} */5 * * * *")
    if kind == 3:  # a fixed time
        return Cron(f"{rng.randrange(60)} {rng.randrange(24)} * * *")
    if kind == 4:
        return AnyOf({"often": plain, "each minute": Cron(f"{second} * * * * *")})
    if kind == 5:
        return AllOf([Every(max(2, round(period_s / 2))), Every(max(3, round(period_s / 3)))])
    if kind == 6:
        minute = rng.randrange(0, 55)
        windows = [f"{hour:02}:{minute:02}-{hour:02}:{minute + 5:02}" for hour in range(24)]
        return Except(plain, windows=windows)
    if kind == 7:
        return Between(plain, start=datetime(2020, 1, 1, tzinfo=UTC))
    if kind == 8:
        times = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(0, 60, 20)]
        return Calendar(days=1, at=times)
    return plain
