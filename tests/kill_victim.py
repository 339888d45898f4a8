"""A real engine on a real file, made to be killed. The first act of every execution is to append a
line to a file, in one ``write``, so that what ran can be held against what the store says.

Run as a program: ``kill_victim.py STORE EXECUTIONS [--settle] [--die POINT:NUMBER]``. It says
``starting``, ``ready`` and so on, a line each, on standard output, and stops in order on SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import calendar
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
from schedtui.engine.runs.supervise import Supervisor
from schedtui.errors import SchedtuiError
from schedtui.protocols import Boot, Finish, Opened, StoreTx
from schedtui.store.sql import migrate
from schedtui.store.sql.sqlite import SqliteStore
from schedtui.store.sql.writes import SqlTx
from schedtui.triggers import Trigger

SECOND_US = 1_000_000
THREADS = 6
DYNAMIC = 10
DEADLINE_S = 20.0


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
    return calendar.timegm(moment.utctimetuple()) * SECOND_US + moment.microsecond


# --- dying at a point ---------------------------------------------------------------------------

_awaited: list[str] = []
"""The point to die at, as often as it may yet be passed before and once more."""


def hit(point: str) -> None:
    """Die here, where this is the point and the time for it."""
    if _awaited and _awaited[-1] == point:
        _awaited.pop()
        if not _awaited:
            say(f"dies {point}")
            os.kill(os.getpid(), signal.SIGKILL)


def die_at(point: str, number: int) -> None:
    """Arm `hit`, and lay the points of the store and the engine in its way.

    ``NAME:before`` lies right before the commit of a transaction in which the store's method of
    that name was called, ``NAME:after`` right after that commit.
    """
    _awaited.extend([point] * number)
    names: set[str] = set()
    for method in ("claim", "start", "finish", "append_logs", "insert_job", "beat"):
        _note(method, names)
    transaction, open_, create = SqliteStore.transaction, SqliteStore.open, migrate._create
    dispatch = Supervisor.start

    @contextmanager
    def stopping(self: SqliteStore) -> Iterator[StoreTx]:
        with transaction(self) as tx:
            names.clear()
            yield tx
            seen = sorted(names)
            for name in seen:
                hit(f"{name}:before")
        for name in seen:
            hit(f"{name}:after")

    def opening(self: SqliteStore, boot: Boot | None) -> Opened:
        opened = open_(self, boot)
        hit("open:after")
        return opened

    def creating(connection: Any) -> None:
        create(connection)
        hit("create:before")

    def dispatching(self: Supervisor, runs: list[Any]) -> None:
        hit("dispatch:before")
        dispatch(self, runs)
        hit("dispatch:after")

    SqliteStore.transaction = stopping  # type: ignore[method-assign]
    SqliteStore.open = opening  # type: ignore[method-assign]
    migrate._create = creating
    Supervisor.start = dispatching  # type: ignore[method-assign]


def _note(method: str, names: set[str]) -> None:
    original = getattr(SqlTx, method)

    def noted(self: SqlTx, *args: Any, **kwargs: Any) -> Any:
        name = method
        if method == "finish" and _recovers(args[0]):
            name = "recover"
        elif method == "beat" and kwargs.get("stopped"):
            name = "stop"
        names.add(name)
        return original(self, *args, **kwargs)

    setattr(SqlTx, method, noted)


def _recovers(ends: Sequence[Finish]) -> bool:
    return all((end.reason or "").startswith("its engine ended") for end in ends)


# --- the program --------------------------------------------------------------------------------


def say(text: str) -> None:
    """A line to whoever started this."""
    os.write(1, f"{text}\n".encode())


async def live(engine: Engine, stop: asyncio.Event, *, settle: bool) -> None:
    """Start, make jobs, trigger one again and again, until told to stop."""
    say("starting")
    await engine.start()
    say("ready")
    busy = asyncio.create_task(_command(engine))
    if settle:
        await _settle(engine, busy)
    await stop.wait()
    say("stopping")
    busy.cancel()
    await engine.stop(0.2)


async def _command(engine: Engine) -> None:
    """What people do meanwhile: create the dynamic jobs there are not yet, and trigger one."""
    for n, (name, schedule) in enumerate(CREATED.items()):
        with suppress(SchedtuiError):
            trigger = every(schedule)
            await engine.create_job(
                function="kill/quick", trigger=trigger, name=name, kwargs={"n": n}
            )
    while True:
        with suppress(SchedtuiError):
            await engine.trigger_job(f"kill/{MANUAL}")
        await asyncio.sleep(0.02)


async def _settle(engine: Engine, busy: asyncio.Task[None]) -> None:
    """Go on for a while, then let nothing more be due and everything end."""
    running = engine.running
    until_us = time.time_ns() // 1000 + SECOND_US
    say(f"until {until_us}")
    await _until(lambda: min(job.next_due_us or 0 for job in running.core.jobs) > until_us)
    busy.cancel()
    await asyncio.gather(*(engine.pause_job(job.full_name) for job in running.core.jobs))
    idle = running.supervisor.idle
    await _until(lambda: idle.is_set() and not running._starting and not running.info().runs_queued)
    say("settled")


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - most of it has no event
            await asyncio.sleep(0.01)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("executions")
    parser.add_argument("--settle", action="store_true")
    parser.add_argument("--die")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if options.die:
        point, _, number = options.die.rpartition(":")
        die_at(point, int(number))
        # A point that is never passed is a failure of the test, which need not wait for it.
        asyncio.get_running_loop().call_later(DEADLINE_S, os._exit, 3)
    victim = Victim(options.executions, hurried=options.settle)
    engine = Engine(
        groups=[victim.group], store=f"sqlite:///{options.store}", threads=THREADS, echo=False
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await live(engine, stop, settle=options.settle)


if __name__ == "__main__":
    asyncio.run(main())
