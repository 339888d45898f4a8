"""The engine of the soak, in a process of its own, so that it can be killed.

    python -m benchmarks.soak_engine STORE --jobs N --seed S --life L --offset SECONDS

It says a line of JSON each second on standard output: how old the tick has become at most, what it
complains of, what it is at. On standard input it takes ``step SECONDS`` (of the wall clock) and
``stop``. All the time a crowd of people does things to its jobs, at random.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any

from benchmarks.memory import in_use
from benchmarks.soak_jobs import POOLS, groups, trigger_of

from schedtui import Engine
from schedtui.clock import SystemClock, from_us
from schedtui.errors import SchedtuiError
from schedtui.models import BulkAction, JobFilter, JobPatch, RunFilter, RunState
from schedtui.policies import make
from schedtui.store import open_store

LOOK_S = 0.05
TELL_S = 1.0
THINK_S = (0.05, 0.5)
"""Between two commands of the crowd."""
CREATED = 40
"""Dynamic jobs that there are at most."""
STOP_S = 3.0


class StepClock(SystemClock):
    """The machine's clock, whose wall time can be set."""

    def __init__(self, offset_s: float) -> None:
        self.offset_us = round(offset_s * 1e6)

    def now_us(self) -> int:
        return super().now_us() + self.offset_us


class Crowd:
    """People who do things to jobs; on the engine's loop.

    Args:
        engine: A running engine.
        clock: Its clock.
        rng: What they do.
    """

    def __init__(self, engine: Engine, clock: StepClock, rng: random.Random) -> None:
        self._engine = engine
        self._clock = clock
        self._rng = rng
        self.done = 0
        self.refused = 0
        self.ended = threading.Event()
        self.surprises: list[str] = []
        """What was raised that is no error of schedtui's."""
        self._deeds: tuple[tuple[int, Callable[[], Awaitable[object]]], ...] = (
            (10, self.pause),
            (12, self.resume),
            (12, self.edit),
            (5, self.reschedule),
            (3, self.revert),
            (20, self.trigger),
            (12, self.cancel),
            (6, self.rerun),
            (8, self.create),
            (5, self.delete),
            (4, self.call),
            (1, self.halt),
            (2, self.many),
            (6, self.ask),
        )

    async def go_on(self) -> None:
        """One thing after another, until it is cancelled."""
        try:
            await self._go_on()
        finally:
            self.ended.set()

    async def _go_on(self) -> None:
        await self._engine.resume_engine(actor="crowd")  # the one before may have died in a halt
        while True:
            await asyncio.sleep(self._rng.uniform(*THINK_S))
            (deed,) = self._rng.choices(
                [deed for _, deed in self._deeds], [weight for weight, _ in self._deeds]
            )
            try:
                async with asyncio.timeout(60):
                    await deed()
                self.done += 1
            except SchedtuiError:
                self.refused += 1
            except Exception as error:  # noqa: BLE001 - told, and makes the soak fail
                self.surprises.append(f"{deed.__name__}: {type(error).__name__}: {error}")

    def _any(self, *, static: bool | None = None) -> str:
        jobs = [
            live.full_name
            for live in self._engine.running.core.jobs
            if static is None or live.job.static == static
        ]
        return self._rng.choice(jobs) if jobs else "soak/nobody"

    async def pause(self) -> None:
        until = from_us(self._clock.now_us()) + timedelta(seconds=self._rng.uniform(2, 30))
        end = self._rng.choice([None, until])
        await self._engine.pause_job(self._any(), reason="a look", until=end, actor="crowd")

    async def resume(self) -> None:
        paused = [live.full_name for live in self._engine.running.core.jobs if live.job.paused]
        if paused:
            await self._engine.resume_job(self._rng.choice(paused), actor="crowd")

    async def edit(self) -> None:
        policies = make(
            overlap=self._rng.choice(["skip", "queue_one", "queue_all", "cancel_running"]),
            concurrency=self._rng.randint(1, 3),
            grace_s=self._rng.choice([1, 60]),
            catch_up=self._rng.choice(["skip", "latest", "all"]),
            catch_up_limit=3,
            timeout_s=5,
            start_within_s=30,
            retries=self._rng.randint(0, 1),
            priority=self._rng.randint(-5, 5),
        )
        await self._engine.edit_job(self._any(), JobPatch(policies=policies), actor="crowd")

    async def reschedule(self) -> None:
        trigger = trigger_of(self._rng, self._rng.uniform(20, 90)).to_json()
        await self._engine.edit_job(self._any(), JobPatch(trigger=trigger), actor="crowd")

    async def revert(self) -> None:
        overridden = [one for one in self._engine.running.core.jobs if one.job.overridden]
        if overridden:
            name = self._rng.choice(overridden).full_name
            await self._engine.revert_job(name, actor="crowd")

    async def trigger(self) -> None:
        await self._engine.trigger_job(self._any(), actor="crowd")

    async def cancel(self) -> None:
        active = [i for live in self._engine.running.core.jobs for i in live.running]
        if active:
            force = self._rng.random() < 0.2
            await self._engine.cancel_run(self._rng.choice(active), force=force, actor="crowd")

    async def rerun(self) -> None:
        where = RunFilter(state=self._rng.choice([RunState.FAILED, RunState.SUCCEEDED]))
        page = await self._engine.reads.runs(where, 20, None)
        if page.items:
            await self._engine.rerun(self._rng.choice(page.items).id, actor="crowd")

    async def create(self) -> None:
        dynamic = sum(not live.job.static for live in self._engine.running.core.jobs)
        if dynamic < CREATED:
            trigger = trigger_of(self._rng, self._rng.uniform(3, 20))
            name = f"made-{self._rng.randrange(100)}"
            await self._engine.create_job(
                function="soak/quick", trigger=trigger, name=name, actor="crowd", kwargs={"n": 1}
            )

    async def delete(self) -> None:
        await self._engine.remove_job(self._any(static=False), actor="crowd")

    async def call(self) -> None:
        await self._engine.run_function("soak/plain", {"n": 3}, actor="crowd")

    async def halt(self) -> None:
        await self._engine.pause_engine(reason="a look", actor="crowd")
        try:
            await asyncio.sleep(self._rng.uniform(0.5, 4))
        finally:
            await self._resumed()

    async def _resumed(self) -> None:
        while True:
            try:
                await self._engine.resume_engine(actor="crowd")
                return
            except SchedtuiError:  # the store is away
                await asyncio.sleep(1)

    async def many(self) -> None:
        where = JobFilter(tag="limited")
        await self._engine.bulk(BulkAction.PAUSE, where, reason="all", actor="crowd")
        await asyncio.sleep(1)
        await self._engine.bulk(BulkAction.RESUME, where, actor="crowd")

    async def ask(self) -> None:
        await self._engine.explain(self._any())


class Watcher:
    """Looks at the tick from a thread of its own, and tells of it."""

    def __init__(self, engine: Engine, crowd: Crowd) -> None:
        self._engine = engine
        self._crowd = crowd
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        oldest_s, told = 0.0, time.monotonic()
        running = self._engine.running
        while not self._stop.wait(LOOK_S):
            now = time.monotonic()
            oldest_s = max(oldest_s, now - running.claims.last_tick)
            if now - told < TELL_S:
                continue
            info = running.info()
            say(
                tick_s=round(oldest_s, 3),
                problems=info.problems,
                active=info.runs_active,
                queued=info.runs_queued,
                commands=self._crowd.done,
                refused=self._crowd.refused,
                surprises=self._crowd.surprises[-5:],
                **in_use(),
            )
            oldest_s, told = 0.0, now


def say(**what: Any) -> None:
    """A line to the parent."""
    print(json.dumps(what), flush=True)


def orders(lines: Iterable[str], clock: StepClock) -> None:
    """Do what the parent says, until it says that this is the end."""
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == "step":
            clock.offset_us += round(float(rest) * 1e6)
        elif word == "stop":
            return


def main() -> None:
    """One life of the engine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--life", type=int, required=True)
    parser.add_argument("--offset", type=float, default=0.0)
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    clock = StepClock(given.offset)
    store = open_store(f"sqlite:///{given.store}")
    engine = Engine(
        groups=groups(given.jobs, given.seed), store=store, clock=clock, echo=False, pools=POOLS
    )
    engine.run_in_thread()
    crowd = Crowd(engine, clock, random.Random(given.seed * 1_000 + given.life))
    going = asyncio.run_coroutine_threadsafe(crowd.go_on(), engine.loop)
    watcher = Watcher(engine, crowd)
    watcher.start()
    say(ready=True)
    orders(sys.stdin, clock)
    going.cancel()
    crowd.ended.wait(STOP_S)
    watcher.stop()
    engine.close(STOP_S)
    say(stopped=True, wall_us=clock.now_us())


if __name__ == "__main__":
    main()
