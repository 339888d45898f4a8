"""A life in which the trigger of one job is the user's own, and fails at times."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine_kit import Kit, KitClock
from life_kit import NAMES, Functions, Life

from schedtui.models import JobState, Policies
from schedtui.policies import make

OWN = "own"
"""The job of that trigger."""


class Calendar:
    """Every seven seconds, as an object of APScheduler, while it is right."""

    def __init__(self) -> None:
        self.wrong = ""

    def __str__(self) -> str:
        return "calendar"

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        wrong = self.wrong
        if wrong == "once":
            self.wrong = ""
        if wrong in {"once", "away"}:
            raise OSError("the calendar is away")
        due = datetime.fromtimestamp(math.ceil(now.timestamp() / 7) * 7, UTC)
        if previous is not None and due <= previous:
            due += timedelta(seconds=7)
        if wrong == "naive":
            return due.replace(tzinfo=None)
        return now - timedelta(days=1) if wrong == "falling" else due


class CalendarLife(Life):
    """A life with a job more."""

    def __init__(self, own: Policies, functions: Functions, folder: Path) -> None:
        self.calendar = Calendar()
        super().__init__({OWN: own, **dict.fromkeys(NAMES, make())}, functions, folder)
        self.promises.edges = None

    def new(self, clock: KitClock) -> Kit:
        if self.group.declaration(OWN) is None:
            self.group.job(trigger=self.calendar, name=OWN)(self.functions.work)
        return super().new(clock)

    async def check(self) -> None:
        wrong, self.calendar.wrong = self.calendar.wrong, ""
        await super().check()
        self.calendar.wrong = wrong

    async def do_calendar(self, wrong: str) -> None:
        self.calendar.wrong = wrong

    async def end(self) -> None:
        """It is right again, and pays all that it owes."""
        self.calendar.wrong = ""
        await self.kit.engine.resume_engine()
        await self.kit.client.resume_job(f"g/{OWN}")
        assert self._job(OWN).state in {JobState.SCHEDULED, JobState.FINISHED}
        await self.kit.clock.settle()
        await super().end()
