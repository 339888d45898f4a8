"""What people and programs do to jobs and runs, from any event loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar, Unpack

from schedtui import policies as policy_rules
from schedtui.clock import aware_utc
from schedtui.engine.bulk import bulk
from schedtui.engine.explain import explain
from schedtui.engine.reads import Reads
from schedtui.engine.running import Running
from schedtui.engine.sync import PYTHON
from schedtui.errors import ConflictError, EngineStoppedError, InvalidError
from schedtui.models import (
    TERMINAL,
    After,
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
from schedtui.policies import PolicyWords
from schedtui.triggers import Never, Trigger

T = TypeVar("T")


class Control(ABC):
    """The half of `Engine` that changes jobs and runs.

    Everything here may raise `EngineStoppedError`, where the engine does not run or is stopping:
    nothing was done.
    """

    @property
    @abstractmethod
    def reads(self) -> Reads:
        """What can be asked of the store."""

    @property
    @abstractmethod
    def running(self) -> Running:
        """The engine's parts while it runs."""

    @abstractmethod
    async def on_loop(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await a coroutine on the engine's loop, from whichever loop this one is."""

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
        paused: bool = False,
        replace: bool = False,
        actor: str = PYTHON,
        **own: Unpack[PolicyWords],
    ) -> Job:
        """Create a dynamic job; see `EngineClient.create_job` for what it raises.

        It has a ``trigger``, or runs ``after`` other jobs (``group/name`` for their success, or an
        `After`), or both.

        With ``replace`` a dynamic job that has the name already becomes this one, in place: its id
        and history stay, and nothing happens where it is the same already. For programs that say
        at every start which jobs they want. ``paused`` then pauses it; a pause that it has stays.

        Raises:
            InvalidError: ``replace`` without a ``name``; or as `EngineClient.create_job`.
        """
        if replace and name is None:
            raise InvalidError.one(
                "name", None, "a name, with replace=True: without one each call makes another job"
            )
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
            paused=paused,
        )
        if replace:
            return await self._create_or_edit(spec, actor)
        return await self.submit_spec(spec, actor=actor)

    async def _create_or_edit(self, spec: JobSpec, actor: str) -> Job:
        group = spec.group or spec.function.partition("/")[0]
        core = self.running.core
        try:
            return await self.submit_spec(spec, actor=actor)
        except ConflictError:
            found = core.jobs.find(group, spec.name or "")
            if found is None or found.job.static:
                raise
        patch = JobPatch(
            function=spec.function,
            trigger=spec.trigger or Never().to_json(),
            after=spec.after,
            timezone=core.zone_for(spec.timezone, group),
            kwargs=spec.kwargs,
            policies=spec.policies,
            tags=spec.tags,
            description=spec.description,
        )
        name, expect_id = found.full_name, found.id
        edited = await self.edit_job(name, patch, expect_id=expect_id, actor=actor)
        if spec.paused and not edited.paused:
            return await self.pause_job(name, expect_id=expect_id, actor=actor)
        return edited

    async def submit_spec(self, spec: JobSpec, *, actor: str = PYTHON) -> Job:
        """Create a dynamic job from its specification."""
        return await self.on_loop(lambda: self._live().commands.create(spec, actor))

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
        return await self.on_loop(
            lambda: self._live().commands.edit(
                job, patch, actor, version=version, expect_id=expect_id
            )
        )

    async def remove_job(
        self, job: str, *, expect_id: int | None = None, actor: str = PYTHON
    ) -> None:
        """Delete a dynamic or orphaned job; see `EngineClient.delete_job`."""
        await self.on_loop(lambda: self._live().commands.delete(job, actor, expect_id=expect_id))

    async def pause_job(
        self,
        job: str,
        *,
        reason: str = "",
        until: datetime | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """Stop claiming a job's due times; see `EngineClient.pause_job`."""
        end = None if until is None else aware_utc(until, "until")
        return await self.on_loop(
            lambda: self._live().commands.pause(job, reason, actor, expect_id=expect_id, until=end)
        )

    async def resume_job(
        self, job: str, *, expect_id: int | None = None, actor: str = PYTHON
    ) -> Job:
        """Claim a job's due times again; see `EngineClient.resume_job`."""
        return await self.on_loop(
            lambda: self._live().commands.resume(job, actor, expect_id=expect_id)
        )

    async def revert_job(
        self, job: str, *, expect_id: int | None = None, actor: str = PYTHON
    ) -> Job:
        """Let a static job be what the code says; see `EngineClient.revert_job`."""
        return await self.on_loop(
            lambda: self._live().commands.revert(job, actor, expect_id=expect_id)
        )

    async def trigger_job(
        self,
        job: str,
        *,
        kwargs: Mapping[str, Any] | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Run:
        """Run a job now, once; see `EngineClient.trigger_job`."""
        run_id = await self.on_loop(
            lambda: self._live().commands.trigger(job, kwargs, actor, expect_id=expect_id)
        )
        return await self.reads.run(run_id)

    async def run_function(
        self, function: str, kwargs: Mapping[str, Any] | None = None, *, actor: str = PYTHON
    ) -> Run:
        """Run a function now, without a job; see `EngineClient.run_function`."""
        run_id = await self.on_loop(
            lambda: self._live().commands.run_function(function, kwargs or {}, actor)
        )
        return await self.reads.run(run_id)

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
        return await self.reads.run(run_id)

    async def rerun(self, run_id: int, *, actor: str = PYTHON) -> Run:
        """Run what a run ran once more; see `EngineClient.rerun`."""
        run = await self.reads.run(run_id)
        if run.state not in TERMINAL:
            raise ConflictError(
                f"run {run_id} has not ended yet ({run.state}); cancel it first, or wait"
            )
        again = await self.on_loop(lambda: self._live().commands.rerun(run, actor))
        return await self.reads.run(again)

    async def reload(self, *, actor: str = PYTHON) -> Reload:
        """Load the code again; see `EngineClient.reload`."""
        return await self.on_loop(lambda: self._live().reloading.reload(actor))

    async def bulk(
        self,
        action: BulkAction,
        where: JobFilter,
        *,
        reason: str = "",
        until: datetime | None = None,
        actor: str = PYTHON,
    ) -> tuple[BulkOutcome, ...]:
        """One command to many jobs; see `EngineClient.bulk`."""
        end = None if until is None else aware_utc(until, "until")

        async def work() -> tuple[BulkOutcome, ...]:
            live = self._live()
            jobs = live.core.jobs
            return await bulk(jobs, live.commands, action, where, actor, reason=reason, until=end)

        return await self.on_loop(work)

    async def pause_engine(self, *, reason: str = "", actor: str = PYTHON) -> EngineInfo:
        """Claim nothing more, of no job; see `EngineClient.pause_engine`."""
        await self.on_loop(lambda: self._live().halt.pause(reason, actor))
        return self.running.info()

    async def resume_engine(self, *, actor: str = PYTHON) -> EngineInfo:
        """Claim again; see `EngineClient.resume_engine`."""
        await self.on_loop(lambda: self._live().halt.resume(actor))
        return self.running.info()

    async def explain(self, job: str, at: datetime | str | None = None) -> Explanation:
        """Why a job ran, or did not, at a moment; see `EngineClient.explain`."""
        return await explain(self.running, job, at)

    def _live(self) -> Running:
        running = self.running
        if running.stopping:
            raise EngineStoppedError("the engine is stopping; nothing was done")
        return running
