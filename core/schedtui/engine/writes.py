"""How jobs are written: one transaction, its line in the audit trail, and the memory after it.

Commands of people and programs and the reconciliation with the code both go through here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from schedtui.clock import from_us
from schedtui.engine import damage
from schedtui.engine.core import Core
from schedtui.engine.decide import FINISHED, account
from schedtui.engine.live import LiveJob
from schedtui.engine.newruns import decided_row
from schedtui.engine.once_past import learn_before
from schedtui.errors import ConflictError, SchedtuiError
from schedtui.models import Job, RunState
from schedtui.models.secret import shown
from schedtui.models.wire import to_wire
from schedtui.protocols import NewRun, RecentRun, StoreTx
from schedtui.store.writer import Lane, Write

T = TypeVar("T")

_NOT_TOLD = frozenset(
    {
        "version",
        "created_at",
        "updated_at",
        "effective",
        "next_due",
        "last_due",
        "fired",
        "failures",
        "declared",
    }
)


def _nothing(_tx: StoreTx) -> None:
    return None


class JobWrites:
    """Writes jobs of one started engine; on its loop."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def write(self, apply: Callable[[StoreTx], T]) -> T:
        """One transaction's worth of writing, in the lane of the claims.

        Raises:
            StoreUnavailableError: nothing was written.
            SchedtuiError: what ``apply`` raised; nothing was written.
        """
        future: asyncio.Future[T] = self._core.loop.create_future()

        def failed(error: SchedtuiError) -> None:
            if not future.done():
                future.set_exception(error)
                future.exception()  # seen: a caller that went away does not ask for it

        def done(result: T) -> None:
            if not future.done():
                future.set_result(result)

        self._core.writer.submit(Write(Lane.CLAIM, apply, done=done, failed=failed))
        # Shielded: a caller that goes away must not undo what is on its way to the store.
        return await asyncio.shield(future)

    async def insert(self, jobs: Sequence[Job], actor: str) -> list[Job]:
        """Insert new jobs, all in one transaction, and take them into the engine.

        Raises:
            ConflictError: a name is taken; none was inserted.
            StoreUnavailableError: nothing was written.
        """

        def apply(tx: StoreTx) -> list[Job]:
            created = [tx.insert_job(job) for job in jobs]
            for job in created:
                self.audit(tx, actor, "job.create", job, {"after": told(job)})
            return created

        return [self._entered(job) for job in await self.write(apply)]

    async def replace(
        self,
        live: LiveJob,
        changed: Job,
        actor: str,
        action: str,
        rows: Sequence[NewRun] = (),
        also: Callable[[StoreTx], object] = _nothing,
    ) -> Job:
        """Write a changed job, with the rows of due times that it no longer decides.

        ``also`` is done in the same transaction.

        Raises:
            ConflictError: it was changed or deleted meanwhile; nothing was written.
            StoreUnavailableError: nothing was written.
        """
        await learn_before(self._core, self.write, live, changed)
        before = live.current()
        if changed.damage:
            damage.refuse(live)
        last_us = rows[-1].scheduled_for_us if rows else None
        if last_us is not None:
            changed = replace(changed, last_due=from_us(last_us))
        now = from_us(self._core.clock.now_us())
        changed = replace(changed, version=live.version + 1, updated_at=now)

        def apply(tx: StoreTx) -> None:
            if not tx.update_job(changed, version=before.version, counts=bool(before.damage)):
                raise changed_meanwhile(before.full_name)
            tx.insert_runs(rows)
            also(tx)
            named = changed if before.damage else before
            self.audit(tx, actor, action, named, _difference(before, changed))

        await self.write(apply)
        for row in rows:
            live.recent.append(RecentRun(row.id, live.id, row.state, row.claimed_at_us, None))
        self._core.adopt(live, changed)
        return live.current()

    def passed(
        self, live: LiveJob, now_us: int, otherwise: str, state: RunState = RunState.SKIPPED
    ) -> tuple[NewRun, ...]:
        """Rows for the due times up to now that nobody decided, under the schedule that ends.

        Args:
            live: The job as it was until now.
            now_us: The engine's wall clock.
            otherwise: Why, where the job did fire.
            state: What they are then; those of a job that did not fire are ``skipped``.
        """
        core = self._core
        trigger, due_us = live.trigger, live.next_due_us
        reason = idle_reason(live)
        if trigger is not None and live.exhausted and live.last_due_us is not None:
            due_us = trigger.next_after_us(live.last_due_us)
            reason = FINISHED
        if trigger is None or due_us is None:
            return ()
        if reason:
            state = RunState.SKIPPED
        verdicts = account(trigger, due_us, now_us, state, reason or otherwise)
        return tuple(
            decided_row(next(core.run_ids), live, verdict, core.epoch, now_us)
            for verdict in verdicts
        )

    def audit(
        self, tx: StoreTx, actor: str, action: str, job: Job, detail: Mapping[str, Any]
    ) -> None:
        """Add a line about a job to the audit trail."""
        now_us = self._core.clock.now_us()
        said = json.dumps(detail, sort_keys=True)
        subject = job.id if "before" in detail or "after" in detail else None
        tx.audit(now_us, actor, action, job.full_name, said, subject=subject)

    def _entered(self, job: Job) -> Job:
        live = self._core.jobs.by_id(job.id)
        if live is None:
            live = self._core.live(job)
            self._core.jobs.add(live)
            self._core.heap.push(live)
            self._core.hub.job(live.id)
            self._core.on_change(live)
            self._core.names_changed()
            self._core.wakeup()
        return live.current()


def idle_reason(live: LiveJob) -> str:
    """Why nobody decided the due times of a job; empty for one that fires."""
    if live.job.orphaned:
        return "orphaned: its declaration was gone from the code"
    if live.job.paused:
        said = f": {live.job.pause_reason}" if live.job.pause_reason else ""
        return f"paused by {live.job.paused_by or 'its declaration'}{said}"
    return live.problem or live.halted


def told(job: Job) -> dict[str, Any]:
    """A job as the audit trail keeps it."""
    wire: dict[str, Any] = to_wire(shown(job))
    if not job.damage:
        del wire["damage"]
    return {key: value for key, value in wire.items() if key not in _NOT_TOLD}


def changed_meanwhile(name: str) -> ConflictError:
    """The store holds another version of a job than the engine."""
    return ConflictError(f"{name} was changed or deleted meanwhile; read it again")


def _difference(before: Job, after: Job) -> dict[str, Any]:
    old, new = told(before), told(after)
    changed = [key for key in old if old[key] != new.get(key)]
    return {
        "before": {key: old[key] for key in changed},
        "after": {key: new[key] for key in changed if key in new},
    }
