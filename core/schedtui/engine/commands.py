"""What people and programs do to jobs: create, edit, pause, resume, delete, trigger.

Each command first waits until no claim of its job is under way and claims what is due already, so
that no due time slips away between the old job and the new one; then it is one transaction, with
its line in the audit trail. The job in memory follows from the commit.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from schedtui.clock import from_us, to_us
from schedtui.engine.admit import Admission
from schedtui.engine.claim import Claims, claimed_row, decided_row
from schedtui.engine.core import Core
from schedtui.engine.decide import Verdict, account
from schedtui.engine.draft import Drafts, next_due_after
from schedtui.engine.live import LiveJob, LiveRun, dump_kwargs
from schedtui.errors import (
    ConflictError,
    InvalidError,
    SchedtuiError,
    StaticJobError,
    StoreUnavailableError,
)
from schedtui.models import Job, JobPatch, JobSpec, RunState, Source
from schedtui.models.wire import to_wire
from schedtui.protocols import NewRun, RecentRun, StoreTx
from schedtui.store.writer import Lane, Write

T = TypeVar("T")
P = ParamSpec("P")

MAX_REASON = 1_000
"""Characters of the reason of a pause."""


def _whole(
    command: Callable[Concatenate[Commands, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Commands, P], Coroutine[Any, Any, T]]:
    """A caller that goes away does not end a command between its commit and what follows it."""

    @wraps(command)
    async def run(self: Commands, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.shield(asyncio.ensure_future(command(self, *args, **kwargs)))

    return run


class Commands:
    """The commands of one started engine; on its loop."""

    def __init__(
        self,
        core: Core,
        claims: Claims,
        admission: Admission,
        dispatch: Callable[[list[LiveRun]], None],
    ) -> None:
        self._core = core
        self._claims = claims
        self._admission = admission
        self._dispatch = dispatch
        self._drafts = Drafts(core)

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

        def done(result: T) -> None:
            if not future.done():
                future.set_result(result)

        self._core.writer.submit(Write(Lane.CLAIM, apply, done=done, failed=failed))
        # Shielded: a caller that goes away must not undo what is on its way to the store.
        return await asyncio.shield(future)

    @_whole
    async def create(self, spec: JobSpec, actor: str) -> Job:
        """Create a dynamic job; see `EngineClient.create_job`."""
        while True:
            job = self._drafts.new(spec)

            def apply(tx: StoreTx, job: Job = job) -> Job:
                created = tx.insert_job(job)
                self._audit(tx, actor, "job.create", created, {"after": _told(created)})
                return created

            try:
                return self.entered(await self.write(apply))
            except ConflictError:
                # Another command took the name that was chosen here; by now it can be seen.
                taken = self._core.jobs.find(job.group, job.name) is not None
                if spec.name is not None or not taken:
                    raise

    def entered(self, job: Job) -> Job:
        """Take a job that the store has into the engine."""
        live = self._core.jobs.by_id(job.id)
        if live is None:
            live = self._core.live(job)
            self._core.jobs.add(live)
            self._core.heap.push(live)
            self._core.hub.job(live.id)
            self._core.wakeup()
        return live.current()

    @_whole
    async def edit(
        self, name: str, patch: JobPatch, actor: str, *, version: int | None, expect_id: int | None
    ) -> Job:
        """Change a job; see `EngineClient.edit_job`."""
        async with self._hold(name, expect_id) as live:
            if version is not None and live.version != version:
                raise ConflictError(
                    f"{name} has version {live.version}, not {version}: it was changed meanwhile; "
                    "read it again and repeat the edit on what it is now"
                )
            now_us = self._core.clock.now_us()
            changed = self._drafts.edited(live, patch, now_us)
            rows: tuple[NewRun, ...] = ()
            if changed.next_due != live.current().next_due:
                reason = self._idle_reason(live, f"changed by {actor} just then")
                rows = self._accounted(live, reason, now_us)
                changed = _after(changed, rows)
            return await self._replace(live, changed, actor, "job.edit", rows)

    @_whole
    async def pause(self, name: str, reason: str, actor: str, *, expect_id: int | None) -> Job:
        """Stop claiming a job; see `EngineClient.pause_job`."""
        if len(reason) > MAX_REASON:
            raise InvalidError.one("reason", reason, f"at most {MAX_REASON} characters")
        async with self._hold(name, expect_id) as live:
            if live.job.paused:
                return live.current()
            changed = replace(live.current(), paused=True, pause_reason=reason, paused_by=actor)
            return await self._replace(live, changed, actor, "job.pause", ())

    @_whole
    async def resume(self, name: str, actor: str, *, expect_id: int | None) -> Job:
        """Claim a job again; see `EngineClient.resume_job`."""
        async with self._hold(name, expect_id) as live:
            if not live.job.paused:
                return live.current()
            now_us = self._core.clock.now_us()
            rows = self._accounted(live, self._idle_reason(live), now_us)
            changed = _after(
                replace(live.current(), paused=False, pause_reason="", paused_by=""), rows
            )
            last_us = None if changed.last_due is None else to_us(changed.last_due)
            next_due = next_due_after(live.trigger, last_us, now_us)
            changed = replace(changed, next_due=next_due)
            return await self._replace(live, changed, actor, "job.resume", rows)

    @_whole
    async def delete(self, name: str, actor: str, *, expect_id: int | None) -> None:
        """Delete a job; see `EngineClient.delete_job`."""
        async with self._hold(name, expect_id) as live:
            job = live.current()
            if job.static and not job.orphaned:
                raise StaticJobError(
                    f"{name} is declared in code and cannot be deleted at run time; "
                    "pause it, or remove its declaration from the code"
                )
            now_us = self._core.clock.now_us()
            reason = self._idle_reason(live, f"deleted by {actor} just then")
            rows = self._accounted(live, reason, now_us)

            def apply(tx: StoreTx) -> list[int]:
                if not tx.delete_job(live.id, version=live.version, now_us=now_us):
                    raise _changed(name)
                tx.insert_runs(rows)
                self._audit(tx, actor, "job.delete", job, {"before": _told(job)})
                return tx.cancel_queued(live.id, f"its job was deleted by {actor}", now_us)

            cancelled = await self.write(apply)
            self._core.heap.drop(live)
            self._core.jobs.remove(live)
            self._core.problem(f"job {live.id}", None)
            self._core.hub.removed(live.id)
            self._admission.forget(cancelled)

    @_whole
    async def trigger(
        self,
        name: str,
        kwargs: Mapping[str, Any] | None,
        actor: str,
        *,
        expect_id: int | None,
    ) -> int:
        """Run a job now; see `EngineClient.trigger_job`. Returns the run's id."""
        while (live := self._find(name, expect_id)).busy:
            await self._released(live)  # it may be about to be deleted
        core = self._core
        given = self._drafts.arguments(live.job.function, {**live.kwargs, **(kwargs or {})})
        run_id = next(core.run_ids)
        now_us = core.clock.now_us()
        active = live.active_name()
        run: LiveRun | None = None
        if active is not None:
            verdict = Verdict(
                now_us, RunState.SKIPPED, Source.MANUAL, f"overlap: {active} is still active"
            )
            row = decided_row(run_id, live, verdict, core.epoch, now_us)
            row = row._replace(scheduled_for_us=None, kwargs_json=dump_kwargs(given), actor=actor)
        else:
            run = LiveRun(
                run_id,
                live,
                function=live.job.function,
                kwargs=given,
                source=Source.MANUAL,
                scheduled_for_us=None,
                pool=core.pool_of(live.job.function),
            )
            row = claimed_row(core, run, dump_kwargs(given), now_us)._replace(actor=actor)
            live.active += 1

        def apply(tx: StoreTx) -> None:
            tx.insert_runs([row])
            self._audit(tx, actor, "job.trigger", live.job, {"run": run_id})

        try:
            await self.write(apply)
        except SchedtuiError:
            if run is not None:
                live.active -= 1
                if run.state is RunState.RUNNING:
                    run.pool.claimed -= 1
                    run.pool.give_back()
            raise
        self._triggered(live, run, row)
        return run_id

    def _triggered(self, live: LiveJob, run: LiveRun | None, row: NewRun) -> None:
        if run is None:
            recent = RecentRun(row.id, live.id, row.state, row.claimed_at_us, None)
            live.recent.append(recent)
        else:
            live.running[run.id] = run
            if run.state is RunState.RUNNING:
                run.pool.claimed -= 1
                self._dispatch([run])
            else:
                run.pool.queue.append(run)
                self._admission.sweep()
        self._core.hub.run(row.id, live.id, row.state)

    async def _replace(
        self, live: LiveJob, changed: Job, actor: str, action: str, rows: Sequence[NewRun]
    ) -> Job:
        before = live.current()
        now = from_us(self._core.clock.now_us())
        changed = replace(changed, version=live.version + 1, updated_at=now)

        def apply(tx: StoreTx) -> None:
            if not tx.update_job(changed, version=before.version):
                raise _changed(before.full_name)
            tx.insert_runs(rows)
            self._audit(tx, actor, action, before, _difference(before, changed))

        await self.write(apply)
        for row in rows:
            live.recent.append(RecentRun(row.id, live.id, row.state, row.claimed_at_us, None))
        self._core.adopt(live, changed)
        return live.current()

    @asynccontextmanager
    async def _hold(self, name: str, expect_id: int | None) -> AsyncIterator[LiveJob]:
        """A job that no claim and no other command touches, what is due of it claimed.

        A job that is due again by the time its claim is written is not claimed once more (one that
        is due each millisecond would never be let go): the command accounts for those due times.
        """
        settled = False
        while True:
            live = self._find(name, expect_id)
            if live.busy:
                await self._released(live)
                continue
            due_us = live.next_due_us
            due = due_us is not None and due_us <= self._core.clock.now_us()
            if not due or not live.fires or settled:
                break
            await self._settle(live)
            settled = True
        live.busy = True
        self._core.heap.drop(live)
        try:
            yield live
        finally:
            live.release()
            if not live.removed:
                self._core.heap.push(live)
                self._core.wakeup()

    async def _released(self, live: LiveJob) -> None:
        waiter: asyncio.Future[None] = self._core.loop.create_future()
        live.waiters.append(waiter)
        await waiter

    async def _settle(self, live: LiveJob) -> None:
        """Claim what is due of a job; raises where the store does not take it."""
        before = live.next_due_us
        self._claims.claim_now(live)
        await self._released(live)
        if live.next_due_us == before and live.fires and not live.busy:
            raise StoreUnavailableError(
                f"{live.full_name} is due and its claim could not be written; nothing was changed, "
                "try again"
            )

    def _find(self, name: str, expect_id: int | None) -> LiveJob:
        live = self._core.jobs.named(name)
        if expect_id is not None and live.id != expect_id:
            raise ConflictError(
                f"{name} is not the job it was: that one (id {expect_id}) was deleted and this one "
                f"(id {live.id}) has its name; nothing was done"
            )
        return live

    def _accounted(self, live: LiveJob, reason: str, now_us: int) -> tuple[NewRun, ...]:
        """Rows for the due times that passed while the job did not fire."""
        if live.trigger is None or live.next_due_us is None:
            return ()
        core = self._core
        verdicts = account(live.trigger, live.next_due_us, now_us, RunState.SKIPPED, reason)
        return tuple(
            decided_row(next(core.run_ids), live, verdict, core.epoch, now_us)
            for verdict in verdicts
        )

    @staticmethod
    def _idle_reason(live: LiveJob, otherwise: str = "") -> str:
        """Why nobody decided the due times of a job."""
        if live.job.orphaned:
            return "orphaned: its declaration was gone from the code"
        if live.job.paused:
            said = f": {live.job.pause_reason}" if live.job.pause_reason else ""
            return f"paused by {live.job.paused_by or 'its declaration'}{said}"
        return live.problem or otherwise

    def _audit(
        self, tx: StoreTx, actor: str, action: str, job: Job, detail: Mapping[str, Any]
    ) -> None:
        now_us = self._core.clock.now_us()
        tx.audit(now_us, actor, action, job.full_name, json.dumps(detail, sort_keys=True))


def _after(job: Job, rows: Sequence[NewRun]) -> Job:
    """A job whose due times are accounted for by ``rows``."""
    last_us = rows[-1].scheduled_for_us if rows else None
    return job if last_us is None else replace(job, last_due=from_us(last_us))


_NOT_TOLD = frozenset({"version", "created_at", "updated_at", "next_due", "last_due", "declared"})


def _told(job: Job) -> dict[str, Any]:
    """A job as the audit trail keeps it."""
    wire: dict[str, Any] = to_wire(job)
    return {key: value for key, value in wire.items() if key not in _NOT_TOLD}


def _difference(before: Job, after: Job) -> dict[str, Any]:
    old, new = _told(before), _told(after)
    changed = [key for key in old if old[key] != new[key]]
    return {
        "before": {key: old[key] for key in changed},
        "after": {key: new[key] for key in changed},
    }


def _changed(name: str) -> SchedtuiError:
    return ConflictError(f"{name} was changed or deleted meanwhile; read it again")
