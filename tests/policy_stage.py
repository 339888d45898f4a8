"""The jobs that a test makes of the functions in `policy_jobs`, and what these have done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from engine_kit import Kit, KitClock, World, check
from policy_jobs import LOOK_S, a_work, work

from schedtui import Group, Never
from schedtui.models import Run, RunState

KINDS = ("async", "thread", "process")


class Line(NamedTuple):
    """An execution that began, or ended."""

    what: str
    job: str
    run_id: int
    attempt: int


class Stage:
    """Jobs of one executor, and what their functions have done.

    Args:
        kind: The executor.
        folder: Where the files are.
    """

    def __init__(self, kind: str, folder: Path, **group: Any) -> None:
        self.kind = kind
        self.folder = folder
        self.world = World("sqlite", folder)
        self.group = Group("g", **group)

    def job(
        self, name: str = "work", every: float | None = 10, *, kwargs: Any = None, **own: Any
    ) -> Stage:
        """Declare a job; one that is never due has no ``every``."""
        call: Callable[..., Any] = a_work if self.kind == "async" else work
        given = {"folder": str(self.folder), **(kwargs or {})}
        executor = "process" if self.kind == "process" else None
        if every is None and "after" not in own:
            own["trigger"] = Never()
        decorate = self.group.job(every=every, name=name, kwargs=given, executor=executor, **own)
        decorate(call)
        return self

    @property
    def function(self) -> str:
        """The full name of what the jobs run."""
        return "g/a_work" if self.kind == "async" else "g/work"

    def kit(self, clock: KitClock | None = None, **settings: Any) -> Kit:
        """An engine of these jobs, with three slots unless told otherwise."""
        slots = {"async_slots": 3, "threads": 3, "processes": 3}
        return Kit([self.group], world=self.world, clock=clock, **(slots | settings))

    def let(self, name: str) -> None:
        """Let executions go on: ``open`` for all, ``go-RUN`` or ``go-RUN-ATTEMPT``."""
        Path(self.folder, name).touch()

    def hold(self, name: str) -> None:
        """Let them go on no longer."""
        Path(self.folder, name).unlink()

    @property
    def said(self) -> list[Line]:
        """What began and ended, in that order."""
        file = Path(self.folder, "said")
        lines = file.read_text().splitlines() if file.exists() else []
        found = (line.split() for line in lines)
        return [Line(what, job, int(run), int(attempt)) for what, job, run, attempt in found]

    @property
    def began(self) -> list[tuple[str, int, int]]:
        """Job, run and attempt of each execution, in the order in which they began."""
        return [(one.job, one.run_id, one.attempt) for one in self.said if one.what == "began"]

    @property
    def most(self) -> int:
        """How many were at work at once at most."""
        now = most = 0
        for line in self.said:
            now += 1 if line.what == "began" else -1
            most = max(most, now)
        return most

    async def at_work(self, kit: Kit, number: int) -> None:
        """Wait until so many executions have begun."""
        await kit.until(lambda: len(self.began) >= number)
        assert len(self.began) == number

    async def become(self, kit: Kit, *states: RunState) -> list[Run]:
        """Wait until the runs, oldest first, have these states."""
        rows: list[Run] = []
        async with asyncio.timeout(20):
            try:
                while [run.state for run in rows] != list(states):
                    await asyncio.sleep(LOOK_S)
                    rows = await kit.rows()
            except asyncio.CancelledError:
                raise AssertionError(f"runs are {[run.state for run in rows]}") from None
        await kit.until(lambda: not kit.running.writer.busy)
        return rows


@asynccontextmanager
async def begun(stage: Stage, clock: KitClock | None = None, **settings: Any) -> AsyncIterator[Kit]:
    """A started engine; at its end the invariants hold, and nothing was done twice."""
    kit = await stage.kit(clock, **settings).start()
    try:
        yield kit
        if not kit.store.dead:
            stage.let("open")
            await kit.until(lambda: kit.running.supervisor.idle.is_set())
            await check(kit, effects=stage.began)
    finally:
        stage.let("open")
        if not kit.store.dead:
            await kit.stop()
