"""The whole engine paused: nothing is claimed, by no job, until it is resumed; over restarts too.

Runs that were claimed before go on, retries included, and manual triggers still work. What is due
meanwhile is ``skipped`` when the engine is resumed, with who paused it; the due times of a job that
is itself paused keep that job's reason. What was due before the pause and was not claimed by then,
as after a downtime, is decided at the resume.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import NamedTuple

from schedtui.clock import to_us
from schedtui.engine.core import Core
from schedtui.engine.jobs.idle import halted_words
from schedtui.engine.jobs.owed import goes_on
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob
from schedtui.engine.tick.claim import Claims
from schedtui.engine.tick.entries import due_of
from schedtui.errors import StoreDataError, StoreUnavailableError
from schedtui.models.names import check_reason
from schedtui.protocols import Claim, EnginePause, RecentRun, StoreTx

logger = logging.getLogger("schedtui.engine")

CHUNK = 500
"""Jobs that are accounted for in one transaction."""
SLICE = 25
"""Jobs whose triggers are asked before others have the loop."""


class _Move(NamedTuple):
    """A job that goes on behind a pause."""

    live: LiveJob
    claim: Claim
    problem: str
    """How its trigger failed, if it did."""


class Halt:
    """Pauses and resumes one started engine; on its loop.

    Args:
        core: The engine's parts.
        claims: Claim what is due before a pause.
        writes: Transactions, and the rows of due times that nobody decides.
    """

    def __init__(self, core: Core, claims: Claims, writes: JobWrites) -> None:
        self._core = core
        self._claims = claims
        self._writes = writes
        self._turn = asyncio.Lock()
        self.now: EnginePause | None = None
        """Who paused the engine, and why; None while it is not paused."""
        self._began_s = 0.0

    def take_over(self, pause: EnginePause | None) -> None:
        """The engine is paused so, or not, whatever it was."""
        self.now = pause
        self._core.halted = "" if pause is None else halted_words(pause.by, pause.reason)
        self._core.halted_us = 0 if pause is None else pause.since_us
        ago_us = max(0, self._core.clock.now_us() - self._core.halted_us)
        self._began_s = self._core.clock.monotonic() - ago_us / 1e6

    def lasted_us(self) -> int:
        """How long the pause has lasted, however often the wall clock was set meanwhile."""
        return round((self._core.clock.monotonic() - self._began_s) * 1e6)

    def moved(self, pause: EnginePause | None) -> None:
        """What a step of the clock has left in the store; None: there was no pause in it."""
        # One that is not moved has lasted as long as before, whatever the wall clock says of it.
        if pause is not None and self.now is not None and pause != self.now:
            self.take_over(pause)

    async def pause(self, reason: str, actor: str) -> None:
        """Claim nothing more; see `EngineClient.pause_engine`.

        Raises:
            InvalidError: the reason is too long.
            StoreUnavailableError: nothing was changed.
        """
        check_reason(reason)
        await asyncio.shield(asyncio.ensure_future(self._pause(reason, actor)))

    async def resume(self, actor: str) -> None:
        """Claim again; see `EngineClient.resume_engine`.

        Raises:
            StoreUnavailableError: the engine is still paused; a part of what was due before and
                meanwhile may be accounted for already.
        """
        await asyncio.shield(asyncio.ensure_future(self._resume(actor)))

    async def _pause(self, reason: str, actor: str) -> None:
        async with self._turn:
            if self.now is not None:
                return
            now_us = self._core.clock.now_us()
            self._claim_due(now_us)
            pause = EnginePause(by=actor, reason=reason, since_us=now_us)
            # In memory first: what falls due while the store is asked is not claimed any more.
            self._set(pause)
            try:
                await self._write(pause, actor, "engine.pause", {"reason": reason})
            except BaseException:
                self._set(None)
                raise
            logger.info("%s", self._core.halted)

    async def _resume(self, actor: str) -> None:
        async with self._turn:
            pause = self.now
            if pause is None:
                return
            jobs = list(self._core.jobs)
            for first in range(0, len(jobs), CHUNK):
                chunk = jobs[first : first + CHUNK]
                await self._decide(chunk)
                await self._account(chunk)
            detail = {"paused_by": pause.by, "reason": pause.reason}
            await self._write(None, actor, "engine.resume", detail)
            self._set(None)
            logger.info("resumed by %s", actor)

    async def _write(
        self, pause: EnginePause | None, actor: str, action: str, detail: dict[str, str]
    ) -> None:
        now_us, boot = self._core.clock.now_us(), self._core.boot

        def apply(tx: StoreTx) -> None:
            tx.pause_engine(pause)
            tx.audit(now_us, actor, action, boot, json.dumps(detail, sort_keys=True))

        await self._writes.write(apply)

    def _set(self, pause: EnginePause | None) -> None:
        core = self._core
        self.take_over(pause)
        for live in core.jobs:
            live.halted = core.halted
            if pause is not None:
                core.heap.drop(live)
            elif not live.busy:  # whoever keeps it busy enters it again
                core.heap.push(live)
        core.hub.engine()
        core.wakeup()

    def _claim_due(self, now_us: int) -> None:
        """Claim what was due before the pause; what the store does not take now is skipped."""
        heap, claims = self._core.heap, self._claims
        while (due_us := heap.next_us()) is not None and due_us <= now_us:
            before = claims.under_way
            claims.tick()
            if claims.under_way == before:
                return

    async def _decide(self, jobs: Sequence[LiveJob]) -> None:
        """Claim what was due of these jobs before the pause."""
        await self._released(jobs)
        since_us = min(self._core.halted_us, self._core.clock.now_us())
        left = {live: live.next_due_us for live in jobs if _left(live, since_us)}
        if left:
            self._claims.claim_before(list(left), since_us - 1)
            await self._released(jobs)
        for live, due_us in left.items():
            if live.next_due_us == due_us and _left(live, since_us):
                raise StoreUnavailableError(
                    f"{live.full_name} was due before the pause and its claim could not be "
                    "written; the engine is still paused, try again"
                )

    async def _released(self, jobs: Sequence[LiveJob]) -> None:
        while busy := next((live for live in jobs if live.busy), None):
            waiter: asyncio.Future[None] = self._core.loop.create_future()
            busy.waiters.append(waiter)
            await waiter

    async def _account(self, jobs: Sequence[LiveJob]) -> None:
        """Rows for what was due of these jobs during the pause, and the jobs moved on behind it."""
        await self._released(jobs)
        now_us = self._core.clock.now_us()
        due = [live for live in jobs if self._owes(live, now_us)]
        for live in due:
            live.busy = True
        try:
            moves: list[_Move] = []
            for first in range(0, len(due), SLICE):
                some = (self._moved(live, now_us) for live in due[first : first + SLICE])
                moves += await asyncio.gather(*some)
                await asyncio.sleep(0)
            await self._move(moves)
        finally:
            for live in due:
                live.release()
                self._core.heap.push(live)

    def _owes(self, live: LiveJob, now_us: int) -> bool:
        """Whether it was due, and has no reason of its own that nobody decided."""
        due_us, ready = live.next_due_us, live.trigger is not None and not _is_own(live)
        return ready and due_us is not None and due_us <= now_us

    async def _moved(self, live: LiveJob, now_us: int) -> _Move:
        """Where a job goes on that was due."""
        due_us, _ = due_of(live)
        rows, next_due, problem = await goes_on(self._core, live, now_us, self._core.halted)
        last_us = rows[-1].scheduled_for_us or due_us
        next_us = None if next_due is None else to_us(next_due)
        claim = Claim(next_us, last_us, live.id, live.version, due_us, rows, live.fired)
        return _Move(live, claim, problem)

    async def _move(self, moves: Sequence[_Move]) -> None:
        if not moves:
            return

        alerts = self._core.alerts
        notices = [note for one in moves for note in alerts.of_broken(one.live, one.problem)]

        def apply(tx: StoreTx) -> set[int]:
            lost = tx.claim([one.claim for one in moves])
            for live, _, problem in moves:
                if live.id not in lost:
                    self._writes.broken(tx, live, problem)
            alerts.post(tx, [note for note in notices if note.job_id not in lost])
            return lost

        try:
            lost = await self._writes.write(apply)
        except StoreDataError as error:
            middle = len(moves) // 2
            if not middle:  # its due times are found late by the tick, which knows what to do
                logger.error("the rows of %s were refused: %s", moves[0].live.full_name, error)
                return
            await self._move(moves[:middle])
            await self._move(moves[middle:])
            return
        for one in moves:
            if one.live.id not in lost:
                self._done(one)
        alerts.committed(notices)

    def _done(self, move: _Move) -> None:
        live, claim, problem = move
        if problem:
            live.problem = problem
            self._core.problem(f"job {live.id}", f"{live.full_name}: {problem}")
            self._core.hub.job(live.id)
        live.next_due_us, live.last_due_us = claim.next_due_us, claim.last_due_us
        for row in claim.runs:
            live.recent.append(RecentRun(row.id, live.id, row.state, row.claimed_at_us, None))
            self._core.hub.run(row.id, live.id, row.state, live.job.group)


def _is_own(live: LiveJob) -> bool:
    """Whether a job would not fire anyway."""
    job = live.job
    return live.removed or job.paused or job.orphaned or bool(job.damage)


def _left(live: LiveJob, since_us: int) -> bool:
    """Whether a job that fires has a due time from before the pause that nobody decided."""
    due_us = live.next_due_us
    ready = not (_is_own(live) or live.busy or live.trigger is None)
    return ready and due_us is not None and due_us < since_us
