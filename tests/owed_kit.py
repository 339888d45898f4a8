"""A job whose trigger is the user's own and fails when it is told to, and what happens to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine_kit import Kit, KitClock, World, at, check, due_s

from schedtui import Group
from schedtui.models import JobState, RunState

Answer = datetime | None
LOOK = "paused by local: look"
FAILS = "its trigger failed: ForeignTriggerError: the trigger 'calendar' raised OSError: away"
SKIPPED, MISSED, RAN = RunState.SKIPPED, RunState.MISSED, RunState.SUCCEEDED


class Calendar:
    """An object as APScheduler has them: every ten seconds, while its service answers."""

    def __init__(self) -> None:
        self.wrong: Callable[[Answer, datetime], Answer] | None = None

    def __str__(self) -> str:
        return "calendar"

    def get_next_fire_time(self, previous: Answer, now: datetime) -> Answer:
        if self.wrong is not None:
            return self.wrong(previous, now)
        return self.right(previous, now)

    @staticmethod
    def right(previous: Answer, now: datetime) -> datetime:
        due = datetime.fromtimestamp(math.ceil(now.timestamp() / 10) * 10, UTC)
        return due + timedelta(seconds=10) if previous is not None and due <= previous else due


def away(_previous: Answer, _now: datetime) -> Answer:
    raise OSError("away")


def naive(_previous: Answer, now: datetime) -> Answer:
    return now.replace(tzinfo=None)


def falling(previous: Answer, now: datetime) -> Answer:
    return now - timedelta(days=1) if previous is None else previous


def ended(_previous: Answer, _now: datetime) -> Answer:
    return None


class Place:
    """A job with such a trigger, its engine, and what may happen to them."""

    def __init__(self, folder: Path, **policies: Any) -> None:
        self.world = World("sqlite", folder)
        self.calendar = Calendar()
        self.policies = policies
        self.done: list[str] = []
        self.kit = self._kit(KitClock())

    def _kit(self, clock: KitClock) -> Kit:
        group = Group("g")

        async def work() -> None: ...

        group.job(trigger=self.calendar, **self.policies)(work)
        return Kit([group], world=self.world, clock=clock)

    async def restart(self, down_s: float = 0, *, paused: bool = False) -> None:
        clock = KitClock(await self.kit.crash())
        clock.step(down_s)
        self.kit = self._kit(clock)
        self.kit.engine.start_paused = paused
        await self.kit.start()

    async def told(self, *, right: bool = True) -> list[tuple[float | None, RunState, str]]:
        wrong = self.calendar.wrong
        self.calendar.wrong = None if right else wrong
        await check(self.kit)
        self.calendar.wrong = wrong
        return [(due_s(run), run.state, run.reason) for run in await self.kit.rows()]

    @property
    def broken(self) -> bool:
        return self.state is JobState.BROKEN

    @property
    def state(self) -> JobState:
        return self.kit.running.core.jobs.named("g/work").state


async def paused(folder: Path, until_s: float | None = 35, **policies: Any) -> Place:
    """A job paused at 0, at 12 seconds, when its trigger begins to fail."""
    place = Place(folder, **policies)
    await place.kit.start()
    until = None if until_s is None else at(until_s)
    await place.kit.client.pause_job("g/work", reason="look", until=until)
    await place.kit.clock.advance(12)
    place.calendar.wrong = away
    return place
