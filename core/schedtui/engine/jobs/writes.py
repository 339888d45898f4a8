"""How jobs are written: one transaction, its line in the audit trail, and the memory after it.

Commands of people and programs and the reconciliation with the code both go through here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from schedtui.clock import from_us
from schedtui.engine.core import Core
from schedtui.engine.jobs import owed
from schedtui.engine.jobs.audited import difference, told
from schedtui.engine.live.job import LiveJob
from schedtui.engine.upkeep import damage
from schedtui.engine.upkeep.once_past import learn_before
from schedtui.errors import ConflictError, SchedtuiError
from schedtui.models import Job, RunState
from schedtui.protocols import NewRun, RecentRun, StoreTx
from schedtui.store.writer import Lane, Write
from schedtui.triggers import Trigger

T = TypeVar("T")

logger = logging.getLogger("schedtui.engine")

LOOKS_EVERY_US = 1_000_000
"""The tick looks at what is due so often without being woken; see `schedtui.engine.aps`."""


def _nothing(*_: object) -> None:
    return None


class Replacement(NamedTuple):
    """A changed job that is about to be written."""

    write: Callable[[StoreTx], None]
    """In a transaction."""
    done: Callable[[], Job]
    """Once that is in the store: the engine follows."""


def _nobody() -> None:
    return None


class JobWrites:
    """Writes jobs of one started engine; on its loop."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def write(
        self,
        apply: Callable[[StoreTx], T],
        then: Callable[[], object] = _nobody,
        lane: Lane = Lane.CLAIM,
    ) -> T:
        """One transaction's worth of writing; in the lane of the claims it fails at once.

        ``then`` is called at its commit, before anybody hears of a later one.

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
            then()
            if not future.done():
                future.set_result(result)

        self._core.writer.submit(Write(lane, apply, done=done, failed=failed))
        # A caller that goes away ends this future, and nothing of what is on its way to the store.
        return await future

    async def insert(
        self,
        jobs: Sequence[Job],
        actor: str,
        also: Callable[[StoreTx, Sequence[Job]], object] = _nothing,
    ) -> list[Job]:
        """Insert new jobs, all in one transaction, and take them into the engine.

        ``also`` is done in the same transaction.

        Raises:
            ConflictError: a name is taken; none was inserted.
            StoreUnavailableError: nothing was written.
        """

        def apply(tx: StoreTx) -> list[Job]:
            created = [tx.insert_job(job) for job in jobs]
            for job in created:
                self.audit(tx, actor, "job.create", job, {"after": told(job)})
            also(tx, created)
            return created

        return [self.entered(job) for job in await self.write(apply)]

    async def replace(
        self,
        live: LiveJob,
        changed: Job,
        actor: str,
        action: str,
        rows: Sequence[NewRun] = (),
        also: Callable[[StoreTx], object] = _nothing,
        then: Callable[[], object] = _nobody,
    ) -> Job:
        """Write a changed job, with the rows of due times that it no longer decides.

        ``also`` is done in the same transaction, ``then`` at its commit.

        Raises:
            ConflictError: it was changed or deleted meanwhile; nothing was written.
            StoreUnavailableError: nothing was written.
        """
        staged = await self.staged(live, changed, actor, action, rows, also)
        await self.write(staged.write, then)
        return staged.done()

    async def staged(
        self,
        live: LiveJob,
        changed: Job,
        actor: str,
        action: str,
        rows: Sequence[NewRun] = (),
        also: Callable[[StoreTx], object] = _nothing,
    ) -> Replacement:
        """What `replace` writes, to be written with more in one transaction."""
        await learn_before(self._core, self.write, live, changed)
        before = live.current()
        if changed.damage:
            damage.refuse(live)
        if self._core.finishes(live, changed):
            if live.exhausted and (changed.trigger, changed.timezone) == (
                before.trigger,
                before.timezone,
            ):
                rows = ()  # it owes nothing until more of its due times are to run
            changed = replace(changed, next_due=None)
        last_us = rows[-1].scheduled_for_us if rows else None
        if last_us is not None:
            changed = replace(changed, last_due=from_us(last_us))
        now = from_us(self._core.clock.now_us())
        changed = replace(changed, version=live.version + 1, updated_at=now)
        notices = self._core.alerts.of_missed(live, rows)

        def write(tx: StoreTx) -> None:
            if not tx.update_job(changed, version=before.version, counts=bool(before.damage)):
                raise changed_meanwhile(before.full_name)
            tx.insert_runs(rows)
            self._core.alerts.post(tx, notices)
            also(tx)
            named = changed if before.damage else before
            self.audit(tx, actor, action, named, difference(before, changed))

        def done() -> Job:
            for row in rows:
                live.recent.append(RecentRun(row.id, live.id, row.state, row.claimed_at_us, None))
            self._core.adopt(live, changed)
            self._core.alerts.committed(notices)
            return live.current()

        return Replacement(write, done)

    async def passed(
        self,
        live: LiveJob,
        until_us: int,
        otherwise: str,
        state: RunState = RunState.SKIPPED,
        under: Trigger | None = None,
    ) -> owed.Passed:
        """Rows for the due times that nobody decided, under the schedule or the pause that ends.

        Args:
            live: The job as it was until then.
            until_us: The last moment of it: now, or before.
            otherwise: Why, where the job did fire.
            state: What they are then; those of a job that did not fire are ``skipped``.
            under: Its schedule from now on, for a job whose own had failed (`came_back`).
        """
        return await owed.passed(self._core, live, until_us, otherwise, state, under)

    async def replaced(
        self,
        live: LiveJob,
        until_us: int,
        otherwise: str,
        under: Trigger | None,
        state: RunState = RunState.SKIPPED,
    ) -> tuple[NewRun, ...]:
        """The rows of `passed`, for a schedule that another one takes over from by command.

        Raises:
            ConflictError: no trigger told of all of them.
        """
        rows, problem = await self.passed(live, until_us, otherwise, state, under)
        if problem:
            raise ConflictError(
                f"{live.full_name} cannot be changed: {problem}; nothing was changed, try again "
                "once its trigger answers"
            )
        return rows

    def audit(
        self, tx: StoreTx, actor: str, action: str, job: Job, detail: Mapping[str, Any]
    ) -> None:
        """Add a line about a job to the audit trail."""
        now_us = self._core.clock.now_us()
        said = json.dumps(detail, sort_keys=True)
        subject = job.id if "before" in detail or "after" in detail else None
        tx.audit(now_us, actor, action, job.full_name, said, subject=subject)

    def broken(self, tx: StoreTx, live: LiveJob, problem: str) -> None:
        """Note since when the trigger of a job fails; nothing where there is no problem."""
        if problem and live.next_due_us is not None:
            owed.note_broken(tx, live, problem, self._core.clock.now_us())

    def entered(self, job: Job) -> Job:
        """Take a job into the engine that was inserted into the store."""
        live = self._core.jobs.by_id(job.id)
        if live is None:
            live = self._core.live(job)
            self._core.jobs.add(live)
            self._core.heap.push(live)
            self._core.hub.job(live.id)
            self._core.on_change(live)
            self._core.names_changed()
            due_us = live.next_due_us
            if due_us is not None and due_us < self._core.clock.now_us() + LOOKS_EVERY_US:
                self._core.wakeup()
        return live.current()


def changed_meanwhile(name: str) -> ConflictError:
    """The store holds another version of a job than the engine."""
    return ConflictError(f"{name} was changed or deleted meanwhile; read it again")
