"""What people and programs do to jobs and runs, from any event loop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace as replace_fields
from datetime import datetime
from typing import Any, TypeVar, Unpack

from schedtui import policies as policy_rules
from schedtui.clock import aware_utc
from schedtui.engine.backfill.backfill import Wanted
from schedtui.engine.control.create import CreateControl
from schedtui.engine.control.dead import DeadControl
from schedtui.engine.control.files import FileControl
from schedtui.engine.control.statistics import StatisticsControl
from schedtui.engine.elsewhere import Elsewhere, passed_on
from schedtui.engine.explain.explain import explain
from schedtui.engine.jobs.bulk import bulk
from schedtui.engine.jobs.keys import Made
from schedtui.engine.running import Running
from schedtui.engine.runs.reads import Reads
from schedtui.engine.sync import PYTHON
from schedtui.errors import (
    ConflictError,
    EngineStoppedError,
)
from schedtui.models import (
    TERMINAL,
    After,
    Backfill,
    BulkAction,
    BulkOutcome,
    EngineInfo,
    Explanation,
    Job,
    JobFilter,
    JobPatch,
    JobSpec,
    Reload,
    Run,
)
from schedtui.models.after import check_after
from schedtui.models.secret import shown
from schedtui.policies import PolicyWords
from schedtui.triggers import Trigger

T = TypeVar("T")


class Control(CreateControl, FileControl, StatisticsControl, DeadControl):
    """The half of `Engine` that changes jobs and runs.

    Everything here may raise `EngineStoppedError`, where the engine does not run or is stopping:
    nothing was done.

    Attributes:
        elsewhere: The engine of the process that has the store, for one that stands by; it does all
            this until this one has taken over.
    """

    elsewhere: Elsewhere | None = None

    @property
    def away(self) -> Elsewhere | None:
        """Who does what this one is asked to; None: this one."""
        return None if self.is_running else self.elsewhere

    @property
    def stands_by(self) -> bool:
        """Whether another process fires, and this one waits to take over."""
        return self.away is not None

    @property
    @abstractmethod
    def is_running(self) -> bool:
        """Whether it is started and not stopped."""

    @property
    @abstractmethod
    def reads(self) -> Reads:
        """What can be asked of the store."""

    @property
    @abstractmethod
    def running(self) -> Running:
        """The engine's parts while it runs."""

    async def create_job(
        self,
        *,
        function: str,
        trigger: Trigger | Mapping[str, Any] | None = None,
        after: Iterable[str | After] = (),
        group: str | None = None,
        name: str | None = None,
        kwargs: Mapping[str, Any] | None = None,
        timezone: str | None = None,
        tags: Iterable[str] = (),
        description: str = "",
        owner: str = "",
        expected: str = "",
        runbook: str = "",
        rollback: str = "",
        paused: bool = False,
        replace: bool = False,
        actor: str = PYTHON,
        **own: Unpack[PolicyWords],
    ) -> Job:
        """Create a dynamic job; see `EngineClient.create_job` for what it raises.

        It has a ``trigger``, or runs ``after`` other jobs (``group/name`` for their success, or an
        `After`), or both.

        ``owner``, ``expected`` (what a good run leaves behind), ``runbook`` and ``rollback`` are
        for people, and are shown beside the job.

        With ``replace`` a dynamic job that has the name already becomes this one, in place: its id
        and history stay, and nothing happens where it is the same already. For programs that say
        at every start which jobs they want. ``paused`` then pauses it; a pause that it has stays.
        The run of a one-off that is due but has not started is cancelled: the new one takes its
        place.

        Raises:
            InvalidError: ``replace`` without a ``name``; or as `EngineClient.create_job`.
        """
        spec = JobSpec(
            function=function,
            trigger=trigger.to_json() if isinstance(trigger, Trigger) else trigger,
            group=group,
            name=name,
            after=check_after(after),
            kwargs=kwargs or {},
            timezone=timezone,
            policies=policy_rules.make(**own),
            tags=tuple(tags),
            description=description,
            owner=owner,
            expected=expected,
            runbook=runbook,
            rollback=rollback,
            paused=paused,
        )
        return await self.submit_spec(spec, replace=replace, actor=actor)

    @passed_on()
    async def edit_job(
        self,
        job: str,
        patch: JobPatch,
        *,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """Change a job; see `EngineClient.edit_job`."""
        changed = await self.on_loop(
            lambda: self._live().commands.edit(
                job, patch, actor, version=version, expect_id=expect_id
            )
        )
        return shown(changed)

    @passed_on("delete_job")
    async def remove_job(
        self,
        job: str,
        *,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> None:
        """Delete a dynamic or orphaned job; see `EngineClient.delete_job`."""
        await self.on_loop(
            lambda: self._live().commands.delete(job, actor, expect_id=expect_id, version=version)
        )

    @passed_on()
    async def pause_job(
        self,
        job: str,
        *,
        reason: str = "",
        until: datetime | None = None,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """Stop claiming a job's due times; see `EngineClient.pause_job`."""
        end = None if until is None else aware_utc(until, "until")
        changed = await self.on_loop(
            lambda: self._live().commands.pause(
                job, reason, actor, expect_id=expect_id, until=end, version=version
            )
        )
        return shown(changed)

    @passed_on()
    async def resume_job(
        self,
        job: str,
        *,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """Claim a job's due times again; see `EngineClient.resume_job`."""
        changed = await self.on_loop(
            lambda: self._live().commands.resume(job, actor, expect_id=expect_id, version=version)
        )
        return shown(changed)

    @passed_on()
    async def revert_job(
        self,
        job: str,
        *,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """Let a static job be what the code says; see `EngineClient.revert_job`."""
        changed = await self.on_loop(
            lambda: self._live().commands.revert(job, actor, expect_id=expect_id, version=version)
        )
        return shown(changed)

    @passed_on()
    async def trigger_job(
        self,
        job: str,
        *,
        kwargs: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Run:
        """Run a job now, once; see `EngineClient.trigger_job`."""
        key = idempotency_key
        return await self._made(
            lambda: self._live().commands.trigger(job, kwargs, actor, expect_id=expect_id, key=key)
        )

    @passed_on()
    async def backfill_job(
        self,
        job: str,
        start: datetime | str,
        end: datetime | str | None = None,
        *,
        limit: int = 1_000,
        again: bool = False,
        kwargs: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Backfill:
        """Run a job for due times of the past; see `EngineClient.backfill_job`."""
        wanted = Wanted(start=start, end=end, limit=limit, again=again, dry_run=dry_run)
        key = idempotency_key
        return await self.on_loop(
            lambda: self._live().commands.backfill(
                job, wanted, kwargs, actor, expect_id=expect_id, key=key
            )
        )

    @passed_on()
    async def cancel_backfill(
        self, job: str, *, reason: str = "", expect_id: int | None = None, actor: str = PYTHON
    ) -> int:
        """End the queued backfill runs of a job; see `EngineClient.cancel_backfill`."""
        return await self.on_loop(
            lambda: self._live().commands.cancel_backfill(job, reason, actor, expect_id=expect_id)
        )

    @passed_on()
    async def run_function(
        self,
        function: str,
        kwargs: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        actor: str = PYTHON,
    ) -> Run:
        """Run a function now, without a job; see `EngineClient.run_function`."""
        key = idempotency_key
        return await self._made(
            lambda: self._live().commands.run_function(function, kwargs or {}, actor, key=key)
        )

    @passed_on()
    async def cancel_retries(
        self, job: str, *, reason: str = "", expect_id: int | None = None, actor: str = PYTHON
    ) -> int:
        """End the runs of a job that wait for a retry; see `EngineClient.cancel_retries`."""
        return await self.on_loop(
            lambda: self._live().commands.cancel_retries(job, reason, actor, expect_id=expect_id)
        )

    @passed_on()
    async def cancel_run(
        self, run_id: int, *, reason: str = "", force: bool = False, actor: str = PYTHON
    ) -> Run:
        """End a run before its time; see `EngineClient.cancel_run`."""
        run = await self.reads.run(run_id)
        if run.state in TERMINAL:
            raise ConflictError(f"run {run_id} has ended already ({run.state}); nothing was done")
        await self.on_loop(
            lambda: self._live().commands.cancel(run_id, actor, reason=reason, force=force)
        )
        return shown(await self.reads.run(run_id))

    @passed_on()
    async def rerun(
        self, run_id: int, *, idempotency_key: str | None = None, actor: str = PYTHON
    ) -> Run:
        """Run what a run ran once more; see `EngineClient.rerun`."""
        run = await self.reads.run(run_id)
        if run.state not in TERMINAL:
            raise ConflictError(
                f"run {run_id} has not ended yet ({run.state}); cancel it first, or wait"
            )
        key = idempotency_key
        return await self._made(lambda: self._live().commands.rerun(run, actor, key=key))

    @passed_on()
    async def reload(self, *, actor: str = PYTHON) -> Reload:
        """Load the code again; see `EngineClient.reload`."""
        return await self.on_loop(lambda: self._live().reloading.reload(actor))

    @passed_on()
    async def bulk(
        self,
        action: BulkAction,
        where: JobFilter,
        *,
        reason: str = "",
        until: datetime | None = None,
        idempotency_key: str | None = None,
        actor: str = PYTHON,
    ) -> tuple[BulkOutcome, ...]:
        """One command to many jobs; see `EngineClient.bulk`."""
        end = None if until is None else aware_utc(until, "until")

        async def work() -> tuple[BulkOutcome, ...]:
            live = self._live()
            jobs = live.core.jobs
            return await bulk(
                jobs,
                live.commands,
                action,
                where,
                actor,
                reason=reason,
                until=end,
                key=idempotency_key,
            )

        return await self.on_loop(work)

    @passed_on()
    async def pause_engine(self, *, reason: str = "", actor: str = PYTHON) -> EngineInfo:
        """Claim nothing more, of no job; see `EngineClient.pause_engine`."""
        await self.on_loop(lambda: self._live().halt.pause(reason, actor))
        return self.running.info()

    @passed_on()
    async def resume_engine(self, *, actor: str = PYTHON) -> EngineInfo:
        """Claim again; see `EngineClient.resume_engine`."""
        await self.on_loop(lambda: self._live().halt.resume(actor))
        return self.running.info()

    @passed_on()
    async def explain(self, job: str, at: datetime | str | None = None) -> Explanation:
        """Why a job ran, or did not, at a moment; see `EngineClient.explain`."""
        return await explain(self.running, job, at)

    async def _made(self, make: Callable[[], Coroutine[Any, Any, Made]]) -> Run:
        made = await self.on_loop(make)
        run = shown(await self.reads.run(made.run_id))
        return replace_fields(run, replayed=True) if made.replayed else run

    def _live(self) -> Running:
        running = self.running
        if running.stopping:
            raise EngineStoppedError("the engine is stopping; nothing was done")
        return running
