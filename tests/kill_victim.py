"""A real engine on a real file, made to be killed. Every execution of every job first appends a line
to a file, in one ``write``, so that what ran can be held against what the store says.

Run as a program: ``kill_victim.py STORE EXECUTIONS [--settle] [--die POINT:NUMBER]``. It says
``starting``, ``ready`` and so on, a line each, on standard output, and stops in order on SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from schedtui import Cron, Engine, Every, Group, Once, current_run, log
from schedtui.clock import from_us
from schedtui.engine.supervise import Supervisor
from schedtui.errors import SchedtuiError
from schedtui.protocols import Boot, Finish, Opened, StoreTx
from schedtui.store.sql import migrate
from schedtui.store.sql.sqlite import SqliteStore
from schedtui.store.sql.writes import SqlTx
from schedtui.triggers import Trigger

SECOND_US = 1_000_000
THREADS = 6
DYNAMIC = 10


class Schedule(NamedTuple):
    """When a job is due, in plain numbers: at ``phase + n * period`` microseconds since 1970."""

    period_us: int
    phase_us: int = 0


EACH_SECOND = Schedule(SECOND_US)
NEVER = Schedule(0)

QUICK = {f"at-once-{i}": EACH_SECOND for i in range(100)} | {
    f"spread-{i}": Schedule(SECOND_US, i * 16_000) for i in range(60)
}
QUEUED = {f"queued-{i}": EACH_SECOND for i in range(30)}
"""Plain functions, more of them than threads."""
SLOW = {f"slow-{i}": EACH_SECOND for i in range(6)}
SLOW_THREADS = {f"slow-thread-{i}": EACH_SECOND for i in range(3)}
FAILING = {"failing": EACH_SECOND}
DENSE = {"dense": Schedule(5_000)}
"""Due more than a hundred times while no engine runs, so that ranges come about."""
LATE = {"missed-when-late": Schedule(SECOND_US // 10), "caught-up": Schedule(SECOND_US // 10, 50)}
CRON = {
    "* * * * * *": EACH_SECOND,
    "*/2 * * * * *": Schedule(2 * SECOND_US),
    "1-59/3 * * * * *": Schedule(3 * SECOND_US, SECOND_US),
}
CREATED = {f"created-{i}": EACH_SECOND for i in range(DYNAMIC)}
"""Dynamic jobs."""
MANUAL = "by-hand"

SCHEDULES: dict[str, Schedule] = {
    **QUICK,
    **QUEUED,
    **SLOW,
    **SLOW_THREADS,
    **FAILING,
    **DENSE,
    **LATE,
    **{f"cron-{number}": schedule for number, schedule in enumerate(CRON.values())},
    **CREATED,
    MANUAL: NEVER,
}
"""All jobs of the victim, by bare name."""


class Victim:
    """The jobs, and what they do.

    Args:
        executions: Where each execution leaves its line.
        hurried: Whether nothing is slow, so that all can be settled.
    """

    def __init__(self, executions: str, *, hurried: bool) -> None:
        self._fd = os.open(executions, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._hurried = hurried
        self.group = Group("kill")
        group = self.group
        group.function("quick")(self.quick)
        group.function("queued")(self.queued)
        group.function("slow")(self.slow)
        group.function("slow_thread")(self.slow_thread)
        group.function("failing")(self.failing)
        self._declare(QUICK, self.quick)
        self._declare(QUEUED, self.queued)
        self._declare(SLOW, self.slow)
        self._declare(SLOW_THREADS, self.slow_thread)
        self._declare(FAILING, self.failing)
        self._declare(DENSE, self.quick)
        late, caught_up = LATE
        group.job(trigger=every(LATE[late]), name=late, grace_s=0.3)(self.quick)
        group.job(trigger=every(LATE[caught_up]), name=caught_up, grace_s=0, catch_up="latest")(
            self.quick
        )
        for number, expression in enumerate(CRON):
            group.job(trigger=Cron(expression), name=f"cron-{number}")(self.quick)
        far = datetime(2150, 1, 1, tzinfo=UTC)
        group.job(trigger=Once(far), name=MANUAL)(self.quick)

    def _declare(self, names: dict[str, Schedule], function: Callable[..., Any]) -> None:
        for name, schedule in names.items():
            self.group.job(trigger=every(schedule), name=name)(function)

    def _record(self) -> int:
        run = current_run()
        due_us = "-" if run.scheduled_for is None else microseconds(run.scheduled_for)
        line = f"{run.job} {run.id} {due_us} {run.attempt}\n"
        os.write(self._fd, line.encode())
        hit("function:first")
        return run.id

    async def quick(self, n: int = 0) -> int:
        run_id = self._record()
        if run_id % 5 == 0:
            log("ran", n=n)
        await asyncio.sleep(0)
        hit("function:last")
        return run_id

    def queued(self) -> None:
        if self._record() % 3 == 0:
            print("from a thread")
        time.sleep(0.03)

    async def slow(self) -> None:
        self._record()
        log("takes its time")
        await asyncio.sleep(0.01 if self._hurried else 4)

    def slow_thread(self) -> None:
        self._record()
        time.sleep(0.01 if self._hurried else 0.8)

    async def failing(self) -> None:
        self._record()
        raise RuntimeError("as it always does")


def every(schedule: Schedule) -> Trigger:
    """The trigger that means a schedule."""
    return Every(schedule.period_us / SECOND_US, anchor=from_us(schedule.phase_us))


def microseconds(moment: datetime) -> int:
    """Since 1970, not by the engine's own arithmetic."""
    return round(moment.timestamp()) * SECOND_US + _micro(moment)


def _micro(moment: datetime) -> int:
    rounded = round(moment.timestamp())
    part = moment - datetime.fromtimestamp(rounded, tzinfo=UTC)
    return part.days * 86_400 * SECOND_US + part.seconds * SECOND_US + part.microseconds
