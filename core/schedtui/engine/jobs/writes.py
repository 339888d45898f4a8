"""How jobs are written: one transaction, its line in the audit trail, and the memory after it.

Commands of people and programs and the reconciliation with the code both go through here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from schedtui.clock import from_us, to_us
from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.tick.decide import FINISHED, Decision, Verdict, account, decide
from schedtui.engine.tick.newruns import decided_row
from schedtui.engine.upkeep import damage
from schedtui.engine.upkeep.once_past import learn_before
from schedtui.errors import ConflictError, SchedtuiError
from schedtui.models import Job, RunState, Source
from schedtui.models.secret import shown
from schedtui.models.wire import to_wire
from schedtui.protocols import NewRun, RecentRun, StoreTx
from schedtui.store.writer import Lane, Write
from schedtui.triggers import Trigger

T = TypeVar("T")

logger = logging.getLogger("schedtui.engine")

TRIGGER = "its trigger"
"""How the problem of a job begins whose trigger failed or cannot be read."""

Accounting = Callable[[Trigger, int, int], tuple[Verdict, ...]]
"""Rows for the due times from one moment up to another that the tick does not decide."""

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
        "replayed",
    }
)


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
        # Shielded: a caller that goes away must not undo what is on its way to the store.
        return await asyncio.shield(future)

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
        last_us = rows[-1].scheduled_for_us if rows else None
        if last_us is not None:
            changed = replace(changed, last_due=from_us(last_us))
        now = from_us(self._core.clock.now_us())
        changed = replace(changed, version=live.version + 1, updated_at=now)

        def write(tx: StoreTx) -> None:
            if not tx.update_job(changed, version=before.version, counts=bool(before.damage)):
                raise changed_meanwhile(before.full_name)
            tx.insert_runs(rows)
            also(tx)
            named = changed if before.damage else before
            self.audit(tx, actor, action, named, _difference(before, changed))

        def done() -> Job:
            for row in rows:
                live.recent.append(RecentRun(row.id, live.id, row.state, row.claimed_at_us, None))
            self._core.adopt(live, changed)
            return live.current()

        return Replacement(write, done)

    async def passed(
        self,
        live: LiveJob,
        until_us: int,
        otherwise: str,
        state: RunState = RunState.SKIPPED,
        under: Trigger | None = None,
    ) -> tuple[NewRun, ...]:
        """Rows for the due times that nobody decided, under the schedule or the pause that ends.

        Args:
            live: The job as it was until then.
            until_us: The last moment of it: now, or before.
            otherwise: Why, where the job did fire.
            state: What they are then; those of a job that did not fire are ``skipped``.
            under: Its schedule from now on, for a job whose own had failed (`came_back`).
        """
        core, trigger, due_us = self._core, live.trigger, live.next_due_us
        reason = idle_reason(live)
        if trigger is not None and live.exhausted and live.last_due_us is not None:
            last_us = live.last_due_us
            due_us = await core.asking.ask(trigger, lambda: trigger.next_after_us(last_us))
            reason = FINISHED
        elif trigger is None or due_us is None:
            return await came_back(core, live, until_us, under, otherwise)
        if trigger is None or due_us is None:
            return ()
        since_us, fires = due_us, partial(account, state=state, reason=otherwise)
        if live.halted and reason == live.halted:
            since_us = core.halted_us  # the pause of the engine is no reason for what was before
            found = partial(decide, now_us=core.clock.now_us(), policies=live.policies)
            fires = partial(
                _late,
                found=partial(found, absence=core.absence(due_us)),
                state=state,
                reason=otherwise,
            )
        question = partial(_undecided, trigger, due_us, until_us, fires, (since_us, reason))
        try:
            verdicts = await core.asking.ask(trigger, question)
        except Exception:  # it must not keep its job from being deleted or given another
            logger.exception("the trigger of %s failed", live.full_name)
            if reason:
                state = RunState.SKIPPED
            only = Verdict(due_us, state, Source.SCHEDULE, reason or otherwise)
            verdicts = (only,) if due_us <= until_us else ()
        now_us = core.clock.now_us()
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
            self._core.wakeup()
        return live.current()


def _undecided(
    trigger: Trigger, due_us: int, until_us: int, fires: Accounting, idle: tuple[int, str]
) -> tuple[Verdict, ...]:
    """Rows for due times of a job that fired, and from a moment on did not (why)."""
    since_us, reason = idle
    if not reason:
        return fires(trigger, due_us, until_us)
    before: tuple[Verdict, ...] = ()
    if due_us < since_us:
        before = fires(trigger, due_us, min(since_us - 1, until_us))
        next_us = trigger.next_after_us(since_us - 1)
        if next_us is None:
            return before
        due_us = next_us
    return (*before, *account(trigger, due_us, until_us, RunState.SKIPPED, reason))


def _late(
    trigger: Trigger,
    due_us: int,
    until_us: int,
    *,
    found: Callable[..., Decision],
    state: RunState,
    reason: str,
) -> tuple[Verdict, ...]:
    """Due times that wait for the end of a pause of the engine: late ones are missed.

    Nothing is claimed before that end, so that the others do not run (as what, why).
    """
    verdicts = found(trigger, due_us, until_us=until_us).verdicts
    return tuple(
        one
        if one.state is RunState.MISSED
        else one._replace(state=state, source=Source.SCHEDULE, reason=reason)
        for one in verdicts
    )


async def came_back(
    core: Core, live: LiveJob, now_us: int, under: Trigger | None, otherwise: str = ""
) -> tuple[NewRun, ...]:
    """Rows for the due times up to now of a job whose trigger had failed, which has no next one.

    By its own schedule, where that can be told by now, else by the one it gets (``under``).
    ``otherwise``: why, where nothing had failed and its schedule cannot be read any more.
    """
    own = core.trigger_of(live.job)[0]
    if live.job.damage or (own is not None and own.dueless):
        return ()
    why = await _failure(core, live, otherwise)
    if not why:
        return ()
    idle = live.job.orphaned or live.job.paused
    state, reason = RunState.MISSED, why
    if idle:
        state, reason = RunState.SKIPPED, idle_reason(live)
    after_us = to_us(live.job.created_at) if live.last_due_us is None else live.last_due_us

    def verdicts(trigger: Trigger) -> tuple[Verdict, ...]:
        due_us = trigger.next_after_us(after_us)
        return () if due_us is None else account(trigger, due_us, now_us, state, reason)

    for trigger in (own, under):
        if trigger is None or trigger.dueless:
            continue
        try:
            found = await core.asking.ask(trigger, partial(verdicts, trigger))
        except Exception as error:  # noqa: BLE001 - it may well fail still
            logger.debug("the trigger of %s failed: %s", live.full_name, error)
            continue
        return tuple(
            decided_row(next(core.run_ids), live, verdict, core.epoch, now_us) for verdict in found
        )
    return ()


def _of_trigger(problem: str) -> str:
    return problem if problem.startswith(TRIGGER) else ""


async def _failure(core: Core, live: LiveJob, otherwise: str) -> str:
    """Why the due times of a job were not asked for; empty where its trigger did not fail."""
    if live.next_due_us is not None:  # it did fire; only now its trigger cannot be read
        return otherwise if live.job.static else _of_trigger(live.problem)
    last_us = live.last_due_us
    if last_us is None:
        return f"{TRIGGER} gave no due time when its job was made"
    rows = await core.off_loop(core.store.due_runs, live.id, last_us, last_us, limit=10)
    reasons = [run.reason.partition("; backfilled by run ")[0] for run in rows]
    said = [one for one in (*reasons, live.problem) if one.startswith(f"{TRIGGER} failed")]
    return said[0] if said else ""


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
