"""The engine's methods for code that is not async: `engine.sync.trigger_job(…)`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from schedtui.errors import RefusedError
from schedtui.models import (
    After,
    Applied,
    Backfill,
    BulkAction,
    BulkOutcome,
    EngineInfo,
    Explanation,
    Job,
    JobFilter,
    JobPatch,
    JobsText,
    Letters,
    Plan,
    Reload,
    Run,
    RunFilter,
)
from schedtui.policies import PolicyWords
from schedtui.triggers import Trigger

if TYPE_CHECKING:
    from schedtui.engine.engine import Engine

T = TypeVar("T")

PYTHON = "python"
"""The actor of what is done through `Engine` itself."""


class Sync:
    """Blocks until the engine has done it. For other threads than the engine's own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_job(
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
        """See `Engine.create_job`."""
        return self._call(
            lambda: self._engine.create_job(
                function=function,
                trigger=trigger,
                after=after,
                group=group,
                name=name,
                kwargs=kwargs,
                timezone=timezone,
                tags=tags,
                description=description,
                owner=owner,
                expected=expected,
                runbook=runbook,
                rollback=rollback,
                paused=paused,
                replace=replace,
                actor=actor,
                **own,
            )
        )

    def edit_job(
        self,
        job: str,
        patch: JobPatch,
        *,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """See `Engine.edit_job`."""
        return self._call(
            lambda: self._engine.edit_job(
                job, patch, version=version, expect_id=expect_id, actor=actor
            )
        )

    def remove_job(
        self,
        job: str,
        *,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> None:
        """See `Engine.remove_job`."""
        self._call(
            lambda: self._engine.remove_job(job, version=version, expect_id=expect_id, actor=actor)
        )

    def pause_job(
        self,
        job: str,
        *,
        reason: str = "",
        until: datetime | None = None,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """See `Engine.pause_job`."""
        return self._call(
            lambda: self._engine.pause_job(
                job,
                reason=reason,
                until=until,
                version=version,
                expect_id=expect_id,
                actor=actor,
            )
        )

    def resume_job(
        self,
        job: str,
        *,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """See `Engine.resume_job`."""
        return self._call(
            lambda: self._engine.resume_job(job, version=version, expect_id=expect_id, actor=actor)
        )

    def revert_job(
        self,
        job: str,
        *,
        version: int | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Job:
        """See `Engine.revert_job`."""
        return self._call(
            lambda: self._engine.revert_job(job, version=version, expect_id=expect_id, actor=actor)
        )

    def reload(self, *, actor: str = PYTHON) -> Reload:
        """See `Engine.reload`."""
        return self._call(lambda: self._engine.reload(actor=actor))

    def trigger_job(
        self,
        job: str,
        *,
        kwargs: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
        actor: str = PYTHON,
    ) -> Run:
        """See `Engine.trigger_job`."""
        return self._call(
            lambda: self._engine.trigger_job(
                job,
                kwargs=kwargs,
                idempotency_key=idempotency_key,
                expect_id=expect_id,
                actor=actor,
            )
        )

    def backfill_job(
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
        """See `Engine.backfill_job`."""
        return self._call(
            lambda: self._engine.backfill_job(
                job,
                start,
                end,
                limit=limit,
                again=again,
                kwargs=kwargs,
                dry_run=dry_run,
                idempotency_key=idempotency_key,
                expect_id=expect_id,
                actor=actor,
            )
        )

    def cancel_backfill(
        self, job: str, *, reason: str = "", expect_id: int | None = None, actor: str = PYTHON
    ) -> int:
        """See `Engine.cancel_backfill`."""
        return self._call(
            lambda: self._engine.cancel_backfill(
                job, reason=reason, expect_id=expect_id, actor=actor
            )
        )

    def cancel_retries(
        self, job: str, *, reason: str = "", expect_id: int | None = None, actor: str = PYTHON
    ) -> int:
        """See `Engine.cancel_retries`."""
        return self._call(
            lambda: self._engine.cancel_retries(
                job, reason=reason, expect_id=expect_id, actor=actor
            )
        )

    def clear_statistics(
        self, job: str, *, expect_id: int | None = None, actor: str = PYTHON
    ) -> None:
        """See `Engine.clear_statistics`."""
        self._call(lambda: self._engine.clear_statistics(job, expect_id=expect_id, actor=actor))

    def run_function(
        self,
        function: str,
        kwargs: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        actor: str = PYTHON,
    ) -> Run:
        """See `Engine.run_function`."""
        return self._call(
            lambda: self._engine.run_function(
                function, kwargs, idempotency_key=idempotency_key, actor=actor
            )
        )

    def cancel_run(
        self, run_id: int, *, reason: str = "", force: bool = False, actor: str = PYTHON
    ) -> Run:
        """See `Engine.cancel_run`."""
        return self._call(
            lambda: self._engine.cancel_run(run_id, reason=reason, force=force, actor=actor)
        )

    def rerun(self, run_id: int, *, idempotency_key: str | None = None, actor: str = PYTHON) -> Run:
        """See `Engine.rerun`."""
        return self._call(
            lambda: self._engine.rerun(run_id, idempotency_key=idempotency_key, actor=actor)
        )

    def bulk(
        self,
        action: BulkAction,
        where: JobFilter,
        *,
        reason: str = "",
        until: datetime | None = None,
        idempotency_key: str | None = None,
        actor: str = PYTHON,
    ) -> tuple[BulkOutcome, ...]:
        """See `Engine.bulk`."""
        return self._call(
            lambda: self._engine.bulk(
                action,
                where,
                reason=reason,
                until=until,
                idempotency_key=idempotency_key,
                actor=actor,
            )
        )

    def export_jobs(self) -> JobsText:
        """See `Engine.export_jobs`."""
        return self._call(self._engine.export_jobs)

    def plan_jobs(self, source: str | int) -> Plan:
        """See `Engine.plan_jobs`."""
        return self._call(lambda: self._engine.plan_jobs(source))

    def apply_jobs(
        self, text: str, *, note: str, plan: str | None = None, actor: str = PYTHON
    ) -> Applied:
        """See `Engine.apply_jobs`."""
        return self._call(lambda: self._engine.apply_jobs(text, note=note, plan=plan, actor=actor))

    def rollback_jobs(
        self, number: int, *, note: str = "", plan: str | None = None, actor: str = PYTHON
    ) -> Applied:
        """See `Engine.rollback_jobs`."""
        return self._call(
            lambda: self._engine.rollback_jobs(number, note=note, plan=plan, actor=actor)
        )

    def replay_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        limit: int = 1_000,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        groups: Collection[str] | None = None,
        actor: str = PYTHON,
    ) -> Letters:
        """See `Engine.replay_runs`."""
        return self._call(
            lambda: self._engine.replay_runs(
                which,
                limit=limit,
                dry_run=dry_run,
                idempotency_key=idempotency_key,
                groups=groups,
                actor=actor,
            )
        )

    def dismiss_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        note: str = "",
        limit: int = 1_000,
        dry_run: bool = False,
        groups: Collection[str] | None = None,
        actor: str = PYTHON,
    ) -> Letters:
        """See `Engine.dismiss_runs`."""
        return self._call(
            lambda: self._engine.dismiss_runs(
                which, note=note, limit=limit, dry_run=dry_run, groups=groups, actor=actor
            )
        )

    def pause_engine(self, *, reason: str = "", actor: str = PYTHON) -> EngineInfo:
        """See `Engine.pause_engine`."""
        return self._call(lambda: self._engine.pause_engine(reason=reason, actor=actor))

    def resume_engine(self, *, actor: str = PYTHON) -> EngineInfo:
        """See `Engine.resume_engine`."""
        return self._call(lambda: self._engine.resume_engine(actor=actor))

    def explain(self, job: str, at: datetime | str | None = None) -> Explanation:
        """See `Engine.explain`."""
        return self._call(lambda: self._engine.explain(job, at))

    def _call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        loop = self._engine.loop
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is loop:
            raise RefusedError(
                "engine.sync was called on the engine's own event loop, which would wait for "
                "itself for ever: await the method of the engine instead"
            )
        return asyncio.run_coroutine_threadsafe(make(), loop).result()
