"""Steps of the wall clock: noticed at the next tick, made durable, and followed as cron(8) does.

A step is a change of wall time against monotonic time by more than a second between two ticks (a
suspended machine looks the same: its monotonic clock stood still). Each begins a new *clock epoch*,
which is part of the key of every due time, so that a time of day that comes twice may have two
rows.

Forward: what was jumped over is found late and decided by the grace and the catch-up.
Back by up to three hours: intervals and wildcard cron follow the new time; fixed times, which have
had their turn, do not repeat. Back by more: everything follows. Source of both: cron(8), Debian.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, NamedTuple

from schedtui.clock import from_us
from schedtui.engine.core import Core
from schedtui.engine.jobs.owed import FAILED, failed, note_broken
from schedtui.engine.live.job import LiveJob
from schedtui.engine.tick.claim import Claims
from schedtui.engine.tick.entries import due_of
from schedtui.engine.upkeep.halt import Halt
from schedtui.errors import ForeignTriggerError, SchedtuiError, StoreUnavailableError
from schedtui.models import Job
from schedtui.protocols import Claim, EnginePause, StoreTx
from schedtui.triggers import Trigger

logger = logging.getLogger("schedtui.clock")

STEP_US = 1_000_000
FOLLOW_US = 3 * 3_600 * 1_000_000
"""A step back by more is a correction of a wrong clock; everything follows it."""
CHUNK = 500
RETRY_S = 1.0

Write = Callable[[Callable[[StoreTx], Any]], Awaitable[Any]]
"""One transaction in the lane of the claims; gives what the callable gives."""


class _Move(NamedTuple):
    """Where a job goes on after a step back."""

    live: LiveJob
    claim: Claim
    problem: str
    """How its trigger failed; empty where it did not."""


class _Anew(NamedTuple):
    """A job without a next due time, as it is after a step back."""

    live: LiveJob
    changed: Job
    problem: str
    """How its trigger fails; empty where it does not."""


class ClockWatch:
    """Compares the two clocks at every tick; claims rest while a step is dealt with.

    Args:
        core: The engine's parts.
        claims: Closed while the heap is rebuilt.
        write: One transaction in the lane of the claims.
        halt: The pause of the whole engine, which follows a step back too.
    """

    def __init__(self, core: Core, claims: Claims, write: Write, halt: Halt) -> None:
        self._core = core
        self._claims = claims
        self._write = write
        self._halt = halt
        self._offset_us = self._offset()
        self._steps: deque[int] = deque()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def check(self) -> None:
        """Notice a step; on the loop, before each tick."""
        offset_us = self._offset()
        step_us = offset_us - self._offset_us
        self._offset_us = offset_us
        if abs(step_us) > STEP_US and not self._stopped:
            logger.warning("the wall clock was stepped by %.3f s", step_us / 1e6)
            self._claims.rest()
            self._core.slots.shift(step_us)
            self._steps.append(step_us)
            if self._task is None or self._task.done():
                self._task = self._core.loop.create_task(self._follow_all())

    async def since(self, last_seen_us: int) -> None:
        """Follow a step back that happened while no engine ran; before the first tick.

        Raises:
            StoreUnavailableError: the store cannot take it now.
        """
        step_us = self._core.clock.now_us() - last_seen_us
        if step_us < -STEP_US:
            logger.warning("the wall clock was set back by %.3f s meanwhile", -step_us / 1e6)
            lasted_us = max(0, last_seen_us - self._core.halted_us)
            await self._follow(step_us, self._write, lambda: lasted_us)

    async def settle(self) -> None:
        """Wait until every step that was noticed is dealt with."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def stop(self) -> None:
        """Give up on what is under way; at a stop."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    def _offset(self) -> int:
        return self._core.clock.now_us() - round(self._core.clock.monotonic() * 1e6)

    async def _follow_all(self) -> None:
        try:
            while self._steps:
                try:
                    step_us = self._steps.popleft()
                    await self._follow(step_us, self._persist, self._halt.lasted_us)
                except Exception:  # claims rest meanwhile, so that this must end
                    logger.exception("a step of the clock could not be followed")
        finally:
            if not self._stopped:
                self._claims.open()

    async def _follow(self, step_us: int, write: Write, lasted_us: Callable[[], int]) -> None:
        """``lasted_us``: how long a pause of the whole engine, if there is one, has lasted."""
        core = self._core
        epoch = core.epoch + 1
        detail: dict[str, int] = {"epoch": epoch, "step_us": step_us}

        def apply(tx: StoreTx) -> EnginePause | None:
            at_us = core.clock.now_us()  # the store may have been away for a while
            tx.set_clock_epoch(epoch)
            pause = tx.move_pause(lasted_us(), at_us) if step_us < 0 else None
            told = detail if pause is None else detail | {"paused_since_us": pause.since_us}
            tx.audit(at_us, "engine", "engine.clock", core.boot, json.dumps(told))
            return pause

        self._halt.moved(await write(apply))
        core.epoch = epoch
        if step_us < 0:
            jobs = list(core.jobs)
            for first in range(0, len(jobs), CHUNK):
                chunk = jobs[first : first + CHUNK]
                await self._move(chunk, write, everything=-step_us > FOLLOW_US)
                await asyncio.sleep(0)

    async def _move(self, jobs: list[LiveJob], write: Write, *, everything: bool) -> None:
        core = self._core
        held: list[LiveJob] = []
        try:
            for live in jobs:
                while live.busy:
                    waiter: asyncio.Future[None] = core.loop.create_future()
                    live.waiters.append(waiter)
                    await waiter
                if self._follows(live, everything=everything):
                    live.busy = True
                    held.append(live)
            await self._set_back([live for live in held if live.next_due_us is None], write)
            due = [live for live in held if live.next_due_us is not None]
            found = await asyncio.gather(*(self._moved(live) for live in due))
            moves = [one for one in found if one is not None]
            if not moves:
                return
            alerts = core.alerts
            notices = [one for move in moves for one in alerts.of_broken(move.live, move.problem)]

            def apply(tx: StoreTx) -> set[int]:
                lost = tx.claim([move.claim for move in moves])
                for live, _, problem in moves:
                    if problem and live.id not in lost:
                        note_broken(tx, live, problem, core.clock.now_us())
                alerts.post(tx, [one for one in notices if one.job_id not in lost])
                return lost

            lost: set[int] = await write(apply)
            for live, claim, problem in moves:
                if live.id not in lost:
                    live.next_due_us, live.last_due_us = claim.next_due_us, claim.last_due_us
                    if problem:
                        live.problem = problem
                        core.problem(f"job {live.id}", f"{live.full_name}: {problem}")
            alerts.committed(notices)
        finally:
            for live in held:
                live.release()
                core.heap.push(live)
                core.hub.job(live.id)

    def _follows(self, live: LiveJob, *, everything: bool) -> bool:
        """Whether a step back is for this job."""
        trigger = live.trigger
        if trigger is None or live.removed or (live.next_due_us is None and not self._owes(live)):
            return False
        return everything or not trigger.fixed

    def _owes(self, live: LiveJob) -> bool:
        """Whether it begins anew from now on: its last due time has not come by the new time.

        It may get more runs than it had, or its trigger fails, or may have failed.
        """
        last_us, trigger = live.last_due_us, live.trigger
        ended = not live.problem and trigger is not None and trigger.foreign
        anew = live.exhausted or ended or live.problem.startswith(FAILED)
        return anew and last_us is not None and last_us > self._core.clock.now_us()

    async def _set_back(self, jobs: list[LiveJob], write: Write) -> None:
        """Let jobs without a next due time go on from now, or owe, where their trigger fails."""
        core = self._core
        found = await asyncio.gather(*(self._anew(live) for live in jobs))
        moves = [one for one in found if one is not None]
        if not moves:
            return
        notices = {
            move.live.id: core.alerts.of_broken(move.live, move.problem)
            for move in moves
            if not move.live.problem
        }

        def apply(tx: StoreTx) -> set[int]:
            kept = set()
            for live, changed, problem in moves:
                if not tx.update_job(changed, version=live.version, counts=False):
                    continue
                kept.add(live.id)
                if problem:
                    note_broken(tx, live, problem, core.clock.now_us())
                    core.alerts.post(tx, notices.get(live.id, ()))
            return kept

        kept: set[int] = await write(apply)
        for live, changed, problem in moves:
            if live.id in kept:
                live.problem = problem
                core.adopt(live, changed)
                core.alerts.committed(notices.get(live.id, ()))

    async def _anew(self, live: LiveJob) -> _Anew | None:
        """What a job without a next due time is from now on; None where it stays as it is."""
        next_us, problem = None, live.problem
        if not problem and not live.exhausted:
            next_us, problem = await self._ended(live)
            if next_us is None and not problem:
                return None
        changed = replace(
            live.current(),
            last_due=from_us(self._core.clock.now_us()),
            next_due=None if next_us is None else from_us(next_us),
            version=live.version + 1,
        )
        return _Anew(live, changed, problem)

    async def _ended(self, live: LiveJob) -> tuple[int | None, str]:
        """Where a job goes on whose trigger had said that nothing is due any more, or its failure.

        Neither where that was true: then it still names what it had named, and nothing later.
        """
        trigger, last_us, now_us = live.trigger, live.last_due_us, self._core.clock.now_us()
        if trigger is None or last_us is None:
            return None, ""

        def question() -> tuple[int | None, int | None]:
            return trigger.next_after_us(now_us), trigger.next_after_us(last_us)

        try:
            next_us, later_us = await self._core.asking.ask(trigger, question)
            if next_us is None:
                raise _silent(trigger, last_us)
        except Exception as error:  # noqa: BLE001 - a trigger of the user's own may raise anything
            logger.warning("the trigger of %s failed: %s", live.full_name, error)
            return None, failed(error)
        return None if later_us is None else next_us, ""

    async def _moved(self, live: LiveJob) -> _Move | None:
        """Where a job goes on after a step back; None where it stays as it is.

        Where its trigger does not say, all is owed from now on: the old time is no answer.
        """
        due_us, trigger = due_of(live)
        now_us = self._core.clock.now_us()
        if due_us <= now_us:
            return None
        next_us, problem = None, ""
        try:
            next_us = await self._core.asking.ask(trigger, lambda: trigger.next_after_us(now_us))
            if next_us is None and trigger.foreign:
                raise _silent(trigger, due_us)
        except Exception as error:  # noqa: BLE001 - a trigger of the user's own may raise anything
            logger.warning("the trigger of %s failed: %s", live.full_name, error)
            problem = failed(error)
        if not problem and (next_us is None or next_us >= due_us):
            return None
        last_us = min(live.last_due_us or now_us, now_us)
        claim = Claim(next_us, last_us, live.id, live.version, due_us, (), live.fired)
        return _Move(live, claim, problem)

    async def _persist(self, apply: Callable[[StoreTx], Any]) -> Any:
        while True:
            try:
                return await self._write(apply)
            except SchedtuiError as error:
                if not error.retryable or self._stopped:
                    raise
                logger.warning("a clock step waits for the store: %s", error)
                text = f"a step of the clock cannot be written now: {error}; nothing was changed"
                self._claims.block(StoreUnavailableError(f"{text}, try again"))
            again = asyncio.Event()
            self._core.clock.call_later(RETRY_S, again.set)
            await again.wait()


def _silent(trigger: Trigger, due_us: int) -> ForeignTriggerError:
    due = f"{from_us(due_us):%FT%TZ}"
    return ForeignTriggerError(
        f"{trigger.short()!r} had named {due}, and says that nothing is due any more"
    )
