"""What people and programs do to jobs: create, edit, pause, resume, delete, trigger.

Each command first waits until no claim of its job is under way and claims what is due already, so
that no due time slips away between the old job and the new one; then it is one transaction, with
its line in the audit trail. The job in memory follows from the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from schedtui.clock import to_us
from schedtui.engine import damage
from schedtui.engine.admit import Admission
from schedtui.engine.backfill import SHOWN_IDS, Backfills, Wanted
from schedtui.engine.cancel import Cancels
from schedtui.engine.claim import Claims
from schedtui.engine.core import Core
from schedtui.engine.draft import Drafts, next_due_after
from schedtui.engine.fire import Fire
from schedtui.engine.holds import Holds
from schedtui.engine.keys import Asked, Keys, Made, asked
from schedtui.engine.live import LiveJob, LiveRun
from schedtui.engine.once_past import moment_us
from schedtui.engine.oneoff import Replaced
from schedtui.engine.reconcile import reconcile_freed, revert
from schedtui.engine.writes import JobWrites, changed_meanwhile, told
from schedtui.errors import (
    ConflictError,
    InvalidError,
    JobNotFoundError,
    StaticJobError,
    VersionConflictError,
)
from schedtui.models import Backfill, Job, JobPatch, JobSpec, JobState, Run, Source
from schedtui.models.names import check_reason
from schedtui.protocols import NewRun, StoreTx

T = TypeVar("T")
P = ParamSpec("P")


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
        writes: JobWrites,
        claims: Claims,
        admission: Admission,
        cancels: Cancels,
        dispatch: Callable[[list[LiveRun]], None],
    ) -> None:
        self._core = core
        self._writes = writes
        self._holds = Holds(core, claims)
        self._admission = admission
        self._cancels = cancels
        self._fire = Fire(core, writes, admission, cancels, dispatch)
        self._backfills = Backfills(core, writes, admission)
        self._drafts = Drafts(core)
        self._keys = Keys(core)

    @_whole
    async def create(self, spec: JobSpec, actor: str) -> Job:
        """Create a dynamic job; see `EngineClient.create_job`."""
        await self._core.arguments.prepare([(spec.function, spec.kwargs)])
        async with self._chaining(spec.after):
            return await self._create(spec, actor)

    async def _create(self, spec: JobSpec, actor: str) -> Job:
        while True:
            job = self._drafts.new(spec)
            try:
                (created,) = await self._writes.insert([job], actor)
                return created
            except ConflictError:
                # Another command took the name that was chosen here; by now it can be seen.
                taken = self._core.jobs.find(job.group, job.name) is not None
                if spec.name is not None or not taken:
                    raise

    @_whole
    async def edit(
        self,
        name: str,
        patch: JobPatch,
        actor: str,
        *,
        version: int | None,
        expect_id: int | None,
        instead: bool = False,
    ) -> Job:
        """Change a job; see `EngineClient.edit_job`.

        ``instead``: a one-off that is due already, and whose run has not started, does not run.
        """
        chained = patch.after or patch.name is not None
        hold = self._holds.hold(name, expect_id)
        async with self._freeing(name), self._chaining(chained), hold as live:
            if version is not None and live.version != version:
                raise VersionConflictError(
                    f"{name} has version {live.version}, not {version}: it was changed meanwhile; "
                    "read it again and repeat the edit on what it is now"
                )
            before = live.current()
            if patch.kwargs is not None or patch.function is not None:
                kwargs = before.kwargs if patch.kwargs is None else patch.kwargs
                await self._core.arguments.prepare([(patch.function or before.function, kwargs)])
            now_us = self._core.clock.now_us()
            changed = self._drafts.edited(live, patch, now_us)
            if changed is None:
                return before
            rows: tuple[NewRun, ...] = ()
            if changed.next_due != before.next_due:
                rows = self._writes.passed(live, now_us, f"changed by {actor} just then")
            replaced = Replaced(live, actor, now_us, instead=instead)
            async with self._admission.ending(live, replaced.waited) as ending:
                return await self._writes.replace(
                    live,
                    changed,
                    actor,
                    "job.edit",
                    rows,
                    also=lambda tx: ending.write(tx, replaced.end(tx)),
                )

    @_whole
    async def pause(
        self,
        name: str,
        reason: str,
        actor: str,
        *,
        expect_id: int | None,
        until: datetime | None = None,
    ) -> Job:
        """Stop claiming a job; see `EngineClient.pause_job`."""
        check_reason(reason)
        if until is not None and to_us(until) <= self._core.clock.now_us():
            raise InvalidError.one("until", until.isoformat(), "a moment in the future")
        async with self._holds.hold(name, expect_id) as live:
            job = live.current()
            if job.paused and (until is None or job.paused_until == until):
                return job
            changed = replace(
                job,
                paused=True,
                pause_reason=reason,
                paused_by=actor,
                paused_until=until,
            )
            return await self._writes.replace(live, changed, actor, "job.pause")

    @_whole
    async def resume(
        self, name: str, actor: str, *, expect_id: int | None, version: int | None = None
    ) -> Job:
        """Claim a job again; see `EngineClient.resume_job`.

        ``version``: where it has another one by then, it is left as it is.
        """
        async with self._holds.hold(name, expect_id) as live:
            if version is not None and live.version != version:
                return live.current()
            damage.refuse(live)
            if live.state is JobState.BROKEN:
                raise ConflictError(
                    f"{live.full_name} cannot be resumed: {live.problem}; edit its trigger"
                )
            if not live.job.paused:
                return live.current()
            now_us = self._core.clock.now_us()
            rows = self._writes.passed(live, now_us, "")
            changed = replace(
                live.current(),
                paused=False,
                pause_reason="",
                paused_by="",
                paused_until=None,
                next_due=next_due_after(live.trigger, live.last_due_us, now_us),
            )
            await self._writes.replace(
                live,
                changed,
                actor,
                "job.resume",
                rows,
                also=lambda tx: tx.count_failures({live.id: 0}),
            )
            live.failures = 0
            return live.current()

    @_whole
    async def revert(self, name: str, actor: str, *, expect_id: int | None) -> Job:
        """Undo edits from outside of a static job; see `EngineClient.revert_job`."""
        hold = self._holds.hold(name, expect_id)
        async with self._freeing(name), self._chaining(True), hold as live:
            return await revert(self._core, self._writes, live, actor)

    @_whole
    async def delete(self, name: str, actor: str, *, expect_id: int | None) -> None:
        """Delete a job; see `EngineClient.delete_job`."""
        async with self._freeing(name), self._holds.hold(name, expect_id) as live:
            job = live.current()
            if job.static and not job.orphaned and not job.damage:
                raise StaticJobError(
                    f"{name} is declared in code and cannot be deleted at run time; "
                    "pause it, or remove its declaration from the code"
                )
            now_us = self._core.clock.now_us()
            why = f"its job was deleted by {actor}"
            rows: tuple[NewRun, ...] = ()
            if not live.exhausted:  # one that is finished owes nothing
                rows = self._writes.passed(live, now_us, f"deleted by {actor} just then")

            def apply(tx: StoreTx) -> list[int]:
                if not tx.delete_job(live.id, version=live.version, now_us=now_us):
                    raise changed_meanwhile(name)
                tx.insert_runs(rows)
                self._writes.audit(tx, actor, "job.delete", job, {"before": told(job)})
                return tx.cancel_queued(live.id, why, now_us)

            cancelled = await self._writes.write(apply)
            self._core.heap.drop(live)
            self._core.jobs.remove(live)
            self._core.problem(f"job {live.id}", None)
            self._core.hub.removed(live.id)
            self._core.names_changed()
            self._admission.forget([live.running[i] for i in cancelled if i in live.running])
            self._cancels.deleted(live, why)

    @_whole
    async def trigger(
        self,
        name: str,
        kwargs: Mapping[str, Any] | None,
        actor: str,
        *,
        expect_id: int | None,
        key: str | None = None,
    ) -> Made:
        """Run a job now; see `EngineClient.trigger_job`."""
        live = self._holds.find(name, expect_id)
        call = asked(f"job {live.id}", key, kwargs)
        async with self._keys.turn(call) as made:
            if made is not None:
                return made
            job_id = expect_id if call is None else live.id
            await self._core.arguments.prepare([(live.job.function, kwargs or live.kwargs)])
            while (live := self._holds.find(name, job_id)).busy:
                await self._holds.released(live)  # it may be about to be deleted
            damage.refuse(live)
            given = {**live.kwargs, **(kwargs or {})}
            given = self._drafts.arguments(live.job.function, given, known=live.kwargs)
            return await self._fire.run(live, Source.MANUAL, given, actor, call=call)

    @_whole
    async def run_function(
        self, function: str, kwargs: Mapping[str, Any], actor: str, *, key: str | None = None
    ) -> Made:
        """Run a function now, without a job; see `EngineClient.run_function`."""
        call = asked(f"function {function}", key, kwargs)
        async with self._keys.turn(call) as made:
            if made is not None:
                return made
            await self._core.arguments.prepare([(function, kwargs)])
            given = self._drafts.arguments(function, kwargs, listed=True)
            live = self._core.direct.of(function)
            return await self._fire.run(live, Source.MANUAL, given, actor, call=call)

    @_whole
    async def fire(self, live: LiveJob, source: Source, actor: str) -> Made:
        """Run a job now, with its own arguments, for a reason of the engine's."""
        while live.busy:
            await self._holds.released(live)
        if live.removed:
            raise JobNotFoundError(live.full_name)
        damage.refuse(live)
        return await self._fire.run(live, source, live.kwargs, actor)

    @_whole
    async def rerun(self, run: Run, actor: str, *, key: str | None = None) -> Made:
        """Run what a run ran once more; see `EngineClient.rerun`."""
        call = asked(f"run {run.id}", key)
        async with self._keys.turn(call) as made:
            return made or await self._rerun(run, actor, call)

    async def _rerun(self, run: Run, actor: str, call: Asked | None) -> Made:
        core = self._core
        period_us = await core.off_loop(moment_us, core.store, run)
        while True:
            live = self._core.holder(run.job_id, run.function)
            if live is None:
                raise ConflictError(f"the job of run {run.id}, {run.job}, was deleted")
            if not live.busy:
                break
            await self._holds.released(live)
        damage.refuse(live)
        await self._core.arguments.prepare([(live.job.function, run.kwargs)])
        given = self._drafts.arguments(live.job.function, run.kwargs)
        return await self._fire.run(
            live, Source.RERUN, given, actor, parent_id=run.id, period_us=period_us, call=call
        )

    @_whole
    async def cancel(self, run_id: int, actor: str, *, reason: str, force: bool) -> None:
        """End a run before its time; see `EngineClient.cancel_run`."""
        check_reason(reason)
        self._cancels.cancel(run_id, actor, reason=reason, force=force)

    @_whole
    async def backfill(
        self,
        name: str,
        wanted: Wanted,
        kwargs: Mapping[str, Any] | None,
        actor: str,
        *,
        expect_id: int | None,
    ) -> Backfill:
        """Run a job for due times of the past; see `EngineClient.backfill_job`."""
        live = self._holds.find(name, expect_id)
        await self._core.arguments.prepare([(live.job.function, kwargs or live.kwargs)])
        if wanted.dry_run:
            return (await self._backfills.plan(self._holds.find(name, expect_id), wanted))[1]
        async with self._holds.hold(name, expect_id) as live:
            given = {**live.kwargs, **(kwargs or {})}
            plan, answer, seen_id = await self._backfills.plan(live, wanted)
            given = self._drafts.arguments(live.job.function, given, known=live.kwargs)
            ids = await self._backfills.queue(
                live, plan, answer, seen_id=seen_id, kwargs=given, actor=actor
            )
            return replace(answer, runs=ids[:SHOWN_IDS])

    @_whole
    async def cancel_backfill(
        self, name: str, reason: str, actor: str, *, expect_id: int | None
    ) -> int:
        """End all queued backfill runs of a job; see `EngineClient.cancel_backfill`."""
        check_reason(reason)
        async with self._holds.hold(name, expect_id) as live:
            return await self._backfills.cancel(live, reason, actor)

    def _chaining(self, matters: object) -> AbstractAsyncContextManager[object]:
        """Nobody else changes what runs after what meanwhile, where that matters."""
        return self._core.jobs.chaining if matters else nullcontext()

    @asynccontextmanager
    async def _freeing(self, name: str) -> AsyncIterator[None]:
        """A command after which another job may have the name, and all it holds is let go."""
        yield
        await reconcile_freed(self._core, self._writes, self.hold, name)

    def hold(self, live: LiveJob) -> AbstractAsyncContextManager[LiveJob]:
        """Keep claims and other commands away from a job while it is written."""
        return self._holds.hold(live.full_name, live.id)
