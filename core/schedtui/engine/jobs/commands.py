"""What people and programs do to jobs: create, edit, pause, resume, delete, trigger.

Each command first waits until no claim of its job is under way and claims what is due already, so
that no due time slips away between the old job and the new one; then it is one transaction, with
its line in the audit trail. The job in memory follows from the commit. A cancel waits for
no job: `schedtui.engine.runs.cancel`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any

from schedtui.clock import to_us
from schedtui.engine.backfill.backfill import Backfills, Wanted
from schedtui.engine.backfill.keys import asked_backfill, earlier
from schedtui.engine.code.reconcile import reconcile_freed, revert
from schedtui.engine.core import Core
from schedtui.engine.jobs.creation import Creation
from schedtui.engine.jobs.draft import Drafts
from schedtui.engine.jobs.holds import Holds
from schedtui.engine.jobs.keys import Asked, Keys, Made, asked
from schedtui.engine.jobs.mending import ask_again
from schedtui.engine.jobs.oneoff import Replaced
from schedtui.engine.jobs.owed import FAILED
from schedtui.engine.jobs.pauses import Pauses
from schedtui.engine.jobs.removal import Removal
from schedtui.engine.jobs.uninterrupted import uninterrupted
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.admit import Admission
from schedtui.engine.runs.cancel import Cancels
from schedtui.engine.runs.fire import Fire
from schedtui.engine.runs.replay import Replays
from schedtui.engine.runs.replay_keys import earlier_replay
from schedtui.engine.runs.statistics import CLEARED
from schedtui.engine.runs.wanted import Wanted as WantedLetters
from schedtui.engine.tick.claim import Claims
from schedtui.engine.upkeep import damage
from schedtui.engine.upkeep.once_past import moment_us
from schedtui.errors import (
    ConflictError,
    InvalidError,
    JobNotFoundError,
    StaticJobError,
)
from schedtui.models import Backfill, Job, JobPatch, JobSpec, JobState, Letters, Run, Source
from schedtui.models.names import check_reason
from schedtui.protocols import NewRun


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
        self._pauses = Pauses(core, writes)
        self.holds = Holds(core, claims, self._pauses)
        """Keeps claims and other commands away from a job."""
        self._admission = admission
        self._cancels = cancels
        self._fire = Fire(core, writes, admission, cancels, dispatch)
        self._backfills = Backfills(core, writes, admission)
        self._drafts = Drafts(core)
        self._keys = Keys(core)
        self._replays = Replays(core, writes, admission, self.holds, self._drafts)
        self._creation = Creation(core, writes, self._drafts, self._keys)

    @uninterrupted
    async def create(self, spec: JobSpec, actor: str, *, key: str | None = None) -> Job:
        """Create a dynamic job; see `EngineClient.create_job`."""
        await self._core.arguments.prepare([(spec.function, spec.kwargs)])
        async with self._chaining(spec.after):
            return await self._creation.create(spec, actor, key)

    @uninterrupted
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
        hold = self.holds.hold(name, expect_id, version)
        async with self._freeing(name), self._chaining(chained), hold as live:
            before = live.current()
            if patch.kwargs is not None or patch.function is not None:
                kwargs = before.kwargs if patch.kwargs is None else patch.kwargs
                await self._core.arguments.prepare([(patch.function or before.function, kwargs)])
            now_us = self._core.clock.now_us()
            draft = self._drafts.edited(live, patch)
            if draft is None:
                return before
            changed = await self._drafts.placed(live, draft, now_us)
            rows: tuple[NewRun, ...] = ()
            if changed.next_due != before.next_due:
                rows = await self._writes.replaced(
                    live, now_us, f"changed by {actor} just then", draft.follows
                )
            replaced = Replaced(live, actor, now_us, instead=instead)
            async with self._admission.ending(live, replaced.waited, replaced.reason) as ending:
                return await self._writes.replace(
                    live,
                    changed,
                    actor,
                    "job.edit",
                    rows,
                    also=lambda tx: ending.write(tx, replaced.end(tx, ending.ids)),
                )

    @uninterrupted
    async def pause(
        self,
        name: str,
        reason: str,
        actor: str,
        *,
        expect_id: int | None,
        until: datetime | None = None,
        shorten: bool = True,
        still: Callable[[LiveJob], bool] = lambda _: True,
        version: int | None = None,
    ) -> Job:
        """Stop claiming a job; see `EngineClient.pause_job`.

        ``shorten``: also where the job is paused for longer already. ``still``: whether it is to be
        paused by the time nobody else changes it.
        """
        check_reason(reason)
        if until is not None and to_us(until) <= self._core.clock.now_us():
            raise InvalidError.one("until", until.isoformat(), "a moment in the future")
        async with self.holds.hold(name, expect_id, version) as live:
            if not still(live):
                return live.current()
            return await self._pauses.begin(live, reason, actor, until, shorten=shorten)

    @uninterrupted
    async def resume(
        self, name: str, actor: str, *, expect_id: int | None, version: int | None = None
    ) -> Job:
        """Claim a job again; see `EngineClient.resume_job`."""
        async with self.holds.hold(name, expect_id, version) as live:
            damage.refuse(live)
            failed = live.trigger is not None and live.problem.startswith(FAILED)
            if live.state is JobState.BROKEN and not failed:
                raise ConflictError(
                    f"{live.full_name} cannot be resumed: {live.problem}; edit its trigger"
                )
            if live.job.paused:
                await self._pauses.end(live, actor)
            elif failed:
                await ask_again(self._core, self._writes, live, actor, "job.resume")
                if live.problem:
                    raise ConflictError(
                        f"{live.full_name} cannot go on: {live.problem}; nothing was changed. "
                        "Resume it again once its trigger answers, or edit its trigger"
                    )
            return live.current()

    @uninterrupted
    async def end_pause(self, live: LiveJob) -> None:
        """End the pause of a job where its end has passed."""
        while live.busy:
            await self.holds.released(live)
        await self.holds.end_pause(live)

    @uninterrupted
    async def revert(
        self, name: str, actor: str, *, expect_id: int | None, version: int | None = None
    ) -> Job:
        """Undo edits from outside of a static job; see `EngineClient.revert_job`."""
        hold = self.holds.hold(name, expect_id, version)
        async with self._freeing(name), self._chaining(True), hold as live:
            return await revert(self._core, self._writes, live, actor)

    @uninterrupted
    async def delete(
        self, name: str, actor: str, *, expect_id: int | None, version: int | None = None
    ) -> None:
        """Delete a job; see `EngineClient.delete_job`."""
        async with self._freeing(name), self.holds.hold(name, expect_id, version) as live:
            job = live.current()
            if job.static and not job.orphaned and not job.damage:
                raise StaticJobError(
                    f"{name} is declared in code and cannot be deleted at run time; "
                    "pause it, or remove its declaration from the code"
                )
            removal = await self.removal(live, actor)
            await self._writes.write(removal.write)
            removal.done()

    async def removal(self, live: LiveJob, actor: str) -> Removal:
        """The deletion of a held job, to be written."""
        now_us = self._core.clock.now_us()
        rows: tuple[NewRun, ...] = ()
        if not live.exhausted:  # one that is finished owes nothing
            rows = (await self._writes.passed(live, now_us, f"deleted by {actor} just then")).rows
        return Removal(
            self._core,
            self._writes,
            self._admission,
            self._cancels,
            live,
            actor=actor,
            now_us=now_us,
            rows=rows,
        )

    @uninterrupted
    async def trigger(
        self,
        name: str,
        kwargs: Mapping[str, Any] | None,
        actor: str,
        *,
        expect_id: int | None,
        key: str | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> Made:
        """Run a job now; see `EngineClient.trigger_job`.

        ``where``: of a call to many jobs, the filter, by which that call is known besides its key.
        """
        live = self.holds.find(name, expect_id)
        call = asked(f"job {live.id}", key, kwargs if where is None else {"where": where})
        async with self._keys.turn(call) as made:
            if made is not None:
                return made
            job_id = expect_id if call is None else live.id
            await self._core.arguments.prepare([(live.job.function, kwargs or live.kwargs)])
            while (live := self.holds.find(name, job_id)).busy:
                await self.holds.released(live)  # it may be about to be deleted
            damage.refuse(live)
            given = {**live.kwargs, **(kwargs or {})}
            given = self._drafts.arguments(live.job.function, given, known=live.kwargs)
            return await self._fire.run(live, Source.MANUAL, given, actor, call=call)

    @uninterrupted
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

    @uninterrupted
    async def fire(self, live: LiveJob, source: Source, actor: str) -> Made:
        """Run a job now, with its own arguments, for a reason of the engine's."""
        while live.busy:
            await self.holds.released(live)
        if live.removed:
            raise JobNotFoundError(live.full_name)
        damage.refuse(live)
        return await self._fire.run(live, source, live.kwargs, actor)

    @uninterrupted
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
            await self.holds.released(live)
        damage.refuse(live)
        await self._core.arguments.prepare([(live.job.function, run.kwargs)])
        given = self._drafts.arguments(live.job.function, run.kwargs, known=run.kwargs)
        return await self._fire.run(
            live, Source.RERUN, given, actor, parent_id=run.id, period_us=period_us, call=call
        )

    @uninterrupted
    async def replay(self, wanted: WantedLetters, actor: str, call: Asked | None) -> Letters:
        """Run dead letters once more; see `DeadLetters.replay_runs`."""
        async with self._keys.turn(call) as made:
            if call is not None and made is not None:
                return await earlier_replay(self._core, call)
            return await self._replays.replay(wanted, actor, call)

    @uninterrupted
    async def dismiss(self, wanted: WantedLetters, note: str, actor: str) -> Letters:
        """Say that nothing more is to be done about them; see `DeadLetters.dismiss_runs`."""
        return await self._replays.dismiss(wanted, note, actor)

    @uninterrupted
    async def cancel(self, run_id: int, actor: str, *, reason: str, force: bool) -> None:
        """End a run before its time; see `EngineClient.cancel_run`."""
        check_reason(reason)
        await self._cancels.cancel(run_id, actor, reason=reason, force=force)

    @uninterrupted
    async def backfill(
        self,
        name: str,
        wanted: Wanted,
        kwargs: Mapping[str, Any] | None,
        actor: str,
        *,
        expect_id: int | None,
        key: str | None = None,
    ) -> Backfill:
        """Run a job for due times of the past; see `EngineClient.backfill_job`."""
        live = self.holds.find(name, expect_id)
        call = asked_backfill(live.id, wanted, kwargs, key)
        async with self._keys.turn(call) as made:
            if call is not None:
                expect_id = live.id
                if made is not None:
                    return await earlier(self._core, call, live.id)
            await self._core.arguments.prepare([(live.job.function, kwargs or live.kwargs)])
            if wanted.dry_run:
                return (await self._backfills.plan(self.holds.find(name, expect_id), wanted))[1]
            async with self.holds.hold(name, expect_id) as live:
                given = {**live.kwargs, **(kwargs or {})}
                plan, answer, seen_id = await self._backfills.plan(live, wanted)
                given = self._drafts.arguments(live.job.function, given, known=live.kwargs)
                return await self._backfills.queue(
                    live, plan, answer, seen_id=seen_id, kwargs=given, actor=actor, call=call
                )

    @uninterrupted
    async def cancel_retries(
        self, name: str, reason: str, actor: str, *, expect_id: int | None
    ) -> int:
        """End the runs of a job that wait for a retry; see `EngineClient.cancel_retries`."""
        check_reason(reason)
        async with self.holds.hold(name, expect_id) as live:
            return await self._cancels.retries(live, actor, reason)

    @uninterrupted
    async def clear_statistics(self, name: str, actor: str, *, expect_id: int | None) -> None:
        """Begin a job's statistics anew; see `EngineClient.clear_statistics`."""
        live = self.holds.find(name, expect_id)
        now_us = self._core.clock.now_us()
        await self._writes.write(
            lambda tx: tx.audit(now_us, actor, CLEARED, live.full_name, "{}", subject=live.id)
        )

    @uninterrupted
    async def cancel_backfill(
        self, name: str, reason: str, actor: str, *, expect_id: int | None
    ) -> int:
        """End all queued backfill runs of a job; see `EngineClient.cancel_backfill`."""
        check_reason(reason)
        async with self.holds.hold(name, expect_id) as live:
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
        return self.holds.hold(live.full_name, live.id)
