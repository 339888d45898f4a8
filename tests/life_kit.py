"""What may happen to an engine in its life: commands of people, one or two at once, a store that
is away, kills before and after any write, and restarts; on a real SQLite file.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine_kit import Kit, KitClock, World, at
from life_laws import Promises, accounts, after_all, crowding, deeds, paused_for

from schedtui import After, Group, current_run, log
from schedtui.clock import from_us
from schedtui.engine.live.job import LiveJob
from schedtui.errors import (
    ConflictError,
    InvalidError,
    JobNotFoundError,
    SchedtuiError,
    StoreUnavailableError,
)
from schedtui.models import JobPatch, Policies, Run, RunState

NAMES = ("a", "b", "c")
EDGES = {
    "g/b": (After(job="g/a"),),
    "g/c": (After(job="g/a", on="failure"), After(job="g/b", on="end")),
}
MINUTE = "%Y-%m-%dT%H:%M"
"""The only period there is: a job that never had another one succeeds once for each minute."""

REFUSED: tuple[type[SchedtuiError], ...] = (ConflictError, StoreUnavailableError, JobNotFoundError)
"""Nothing was done, or nobody knows."""

Step = tuple[Any, ...]
"""What happens, and its arguments: `Life` has a method ``do_WHAT`` for it."""


@dataclass
class Functions:
    """What the functions do, one after the other, and what they did."""

    fates: list[str]
    executed: Counter[tuple[int, int]] = field(default_factory=Counter)

    async def work(self) -> None:
        run = current_run()
        self.executed[run.id, run.attempt] += 1
        log("here")
        fate = self.fates[sum(self.executed.values()) % len(self.fates)]
        if fate == "fail":
            raise ValueError("not today")
        if fate == "hang":
            await asyncio.Event().wait()


class Life:
    """An engine, its restarts, and what it is held to.

    Args:
        own: The policies of each job.
        functions: What the jobs run.
        folder: Where the store is.
    """

    def __init__(self, own: dict[str, Policies], functions: Functions, folder: Path) -> None:
        self.functions = functions
        self.world = World("sqlite", folder)
        self.group = Group("g", limit=4)
        self.group.function("work")(functions.work)
        self.own = own
        self.promises = Promises(edges=EDGES, period=MINUTE)
        self.done: Counter[str] = Counter()
        """Steps that were not refused, by kind."""
        self.kit = self.new(KitClock())

    def new(self, clock: KitClock) -> Kit:
        return Kit([self.group], world=self.world, clock=clock, async_slots=3, pools={"db": 1})

    async def begin(self) -> None:
        await self.kit.start()
        for number, name in enumerate(NAMES):
            job = await self.kit.engine.create_job(
                function="g/work",
                name=name,
                trigger={"type": "every", "seconds": 5 + 3 * number},
                after=EDGES.get(f"g/{name}", ()),
            )
            await self.kit.client.edit_job(job.full_name, JobPatch(policies=self.own[name]))
            self.promises.guarded[job.id] = self.own[name].run_once_key == MINUTE

    async def step(self, kind: str, *args: Any) -> None:
        async with asyncio.timeout(40):
            await self._do(kind, *args)
        crowding(self.kit)

    async def _do(self, kind: str, *args: Any) -> None:
        with suppress(*REFUSED):
            await getattr(self, f"do_{kind}")(*args)
            self.done[kind] += 1

    def _job(self, name: str) -> LiveJob:
        """The job that was created by this name, whatever it is called now."""
        jobs = self.kit.running.core.jobs
        found = jobs.find("g", name) or jobs.find("g", f"{name}2")
        if found is None:
            raise JobNotFoundError(f"there is no {name}, by no name")
        return found

    async def check(self) -> None:
        await accounts(self.kit)
        await deeds(self.kit, self.functions.executed, self.promises)

    # --- time -------------------------------------------------------------------------------------

    async def do_advance(self, seconds: float) -> None:
        await self.kit.clock.advance(seconds)

    async def do_away(self, seconds: float) -> None:
        self.promises.faultless = False
        self.kit.faults.down = True
        await self.kit.clock.advance(seconds)
        self.kit.faults.down = False
        for _ in range(10):
            await self.kit.clock.advance(1)  # until the engine's sign of life, at the latest
        await self.kit.until(lambda: "store" not in self.kit.running.core.problems)
        await self.kit.clock.settle()

    async def do_both(self, one: Step, other: Step) -> None:
        await asyncio.gather(self._do(*one), self._do(*other))
        await self.kit.clock.settle()

    # --- of a job ---------------------------------------------------------------------------------

    async def do_trigger(self, name: str) -> None:
        await self.kit.client.trigger_job(self._job(name).full_name)

    async def do_key(self, name: str, key: str) -> None:
        full_name = self._job(name).full_name
        run = await self.kit.client.trigger_job(full_name, idempotency_key=key)
        first = self.promises.keys.setdefault((run.job_id, key), run.id)
        assert run.id == first, f"the key {key} made run {first}, and now run {run.id}"

    async def do_pause(self, name: str, for_s: float | None) -> None:
        now = from_us(self.kit.clock.now_us())
        until = None if for_s is None else now + timedelta(seconds=for_s)
        reason = paused_for(now, until)
        await self.kit.client.pause_job(self._job(name).full_name, reason=reason, until=until)

    async def do_resume(self, name: str) -> None:
        await self.kit.client.resume_job(self._job(name).full_name)

    async def do_edit(self, name: str, own: Policies) -> None:
        live = self._job(name)
        if own.run_once_key != MINUTE:
            self.promises.guarded[live.id] = False
        await self.kit.client.edit_job(live.full_name, JobPatch(policies=own))

    async def do_rename(self, name: str) -> None:
        live = self._job(name)
        to = name if live.job.name != name else f"{name}2"
        self.promises.edges = None
        await self.kit.client.edit_job(live.full_name, JobPatch(name=to))

    async def do_after(self, name: str, other: str) -> None:
        first, second = self._job(other).full_name, self._job(name).full_name
        self.promises.edges = None
        with suppress(InvalidError):  # they would run in a circle
            patch = JobPatch(after=(After(job=first, on="end"),))
            await self.kit.client.edit_job(second, patch)

    async def do_delete(self, name: str) -> None:
        """And another one in its place."""
        self.promises.edges = None
        await self.kit.engine.remove_job(self._job(name).full_name)
        trigger = {"type": "every", "seconds": 6}
        await self.kit.engine.create_job(function="g/work", name=name, trigger=trigger)

    async def do_backfill(self, name: str, start_s: float, length_s: float, again: bool) -> None:
        job, start = self._job(name).full_name, at(start_s)
        with suppress(InvalidError):  # a range that has not been yet
            await self.kit.engine.backfill_job(job, start, at(start_s + length_s), again=again)

    async def do_cancel_backfill(self, name: str) -> None:
        await self.kit.engine.cancel_backfill(self._job(name).full_name)

    async def do_change_of_mind(self, name: str, length_s: float) -> None:
        """A backfill, cancelled while its first runs are on their way to their start."""
        job = self._job(name).full_name
        with suppress(InvalidError):  # no due time is in that while
            await self.kit.engine.backfill_job(job, at(-length_s), at(0), again=True)
        await self.kit.engine.cancel_backfill(job)

    # --- of a run ---------------------------------------------------------------------------------

    async def do_cancel(self, nth: int) -> None:
        active = [run for run in await self.kit.rows() if run.finished_at is None]
        if active:
            await self.kit.engine.cancel_run(active[nth % len(active)].id)

    async def do_rerun(self, nth: int) -> None:
        ended = [run for run in await self.kit.rows() if run.finished_at is not None]
        if ended:
            await self.kit.engine.rerun(ended[nth % len(ended)].id)

    async def do_direct(self) -> None:
        await self.kit.engine.run_function("g/work")

    # --- of the engine ----------------------------------------------------------------------------

    async def do_halt(self) -> None:
        now = from_us(self.kit.clock.now_us())
        await self.kit.engine.pause_engine(reason=paused_for(now, None))

    async def do_go_on(self) -> None:
        await self.kit.engine.resume_engine()

    async def do_kill(self, method: str, when: str, down_s: float, paused: bool) -> None:
        """Die at a write, or where that does not come, between two of them."""
        self.kit.faults.crash(method, when)
        await self._die(12, down_s, paused)

    async def do_kill_in(
        self, command: Step, method: str, when: str, down_s: float, paused: bool
    ) -> None:
        """The same while a command is under way."""
        self.kit.faults.crash(method, when)
        asked = asyncio.ensure_future(self._do(*command))
        await self.kit.clock.settle()
        await self._die(8, down_s, paused)
        asked.cancel()
        told = await asyncio.gather(asked, return_exceptions=True)
        for error in told:
            if isinstance(error, AssertionError):
                raise error

    async def _die(self, patience_s: int, down_s: float, paused: bool) -> None:
        self.promises.faultless = False
        kit = self.kit
        for _ in range(patience_s):
            if kit.store.dead:
                break
            await kit.clock.advance(1)
        clock = KitClock(await kit.crash())
        assert kit.store.illegal == []
        clock.step(down_s)
        self.kit = self.new(clock)
        self.kit.engine.start_paused = paused
        self.promises.starts.append(from_us(clock.now_us()))
        await self.kit.start()
        if paused:
            self.promises.paused_starts.append(from_us(clock.now_us()))
        await self.kit.clock.advance(1)
        await self.check()

    # --- the end ----------------------------------------------------------------------------------

    async def end(self) -> None:
        """Nothing hangs any more, and all that waits comes to its end."""
        self.functions.fates[:] = ["ok"]
        await self.kit.engine.resume_engine()
        for live in list(self.kit.running.core.jobs):
            await self.kit.client.pause_job(live.full_name, reason="the end")
        for _ in range(120):
            rows = await self._open()
            if not rows:
                break
            for run in rows:
                if run.state is RunState.RUNNING:
                    await self._do("cancel", 0)
            await self.kit.clock.advance(2)
        assert [(run.id, run.job, run.source, run.state) for run in await self._open()] == []
        await self.check()
        after_all(self.kit)
        await self.kit.stop()

    async def _open(self) -> list[Run]:
        return [run for run in await self.kit.rows() if run.finished_at is None]


def live(make: Callable[[], Life], steps: list[Step]) -> Coroutine[Any, Any, Life]:
    """A whole life. Whatever goes wrong, its engine is gone afterwards."""

    async def whole() -> Life:
        life = make()
        await life.begin()
        try:
            for kind, *args in steps:
                await life.step(kind, *args)
            await life.end()
        except BaseException:
            if not life.kit.store.dead:
                await life.kit.crash()
            raise
        return life

    return whole()
