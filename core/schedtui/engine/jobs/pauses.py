"""The pause of one job: begun, changed and ended, with rows for what was due meanwhile.

A pause lasts from its command up to, but not including, its ``until``: what is due after that is
the job's again, also where nobody was there to end the pause in time.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from schedtui.clock import to_us
from schedtui.engine.core import Core
from schedtui.engine.jobs.idle import idle_reason
from schedtui.engine.jobs.owed import FAILED, goes_on
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob
from schedtui.errors import ConflictError
from schedtui.models import Job, JobState
from schedtui.protocols import Failing, NewRun, StoreTx

logger = logging.getLogger("schedtui.engine")


def is_over(live: LiveJob, now_us: int) -> bool:
    """Whether the pause of a job is to be ended by the engine."""
    job = live.job
    if not job.paused or job.paused_until is None or to_us(job.paused_until) > now_us:
        return False
    return not (job.damage or live.removed or live.state is JobState.BROKEN)


class Pauses:
    """Begins and ends pauses of jobs that are held; on the engine's loop."""

    def __init__(self, core: Core, writes: JobWrites) -> None:
        self._core = core
        self._writes = writes

    async def begin(
        self,
        live: LiveJob,
        reason: str,
        actor: str,
        until: datetime | None,
        *,
        shorten: bool = True,
    ) -> Job:
        """Pause a job; one that is paused already is from now on paused by this actor.

        Its reason and its end are the new ones; what was due so far keeps the old reason. Without
        ``shorten`` a pause that is at least as long as the new one is left as it is.

        Raises:
            ConflictError: it was changed meanwhile, or its pause ends later; nothing was written.
            StoreUnavailableError: nothing was written.
        """
        job = live.current()
        if job.paused and not shorten:
            if job.paused_until == until:
                return job
            if job.paused_until is None or (until is not None and job.paused_until > until):
                raise ConflictError(_longer(job))
        if job.paused and (job.pause_reason, job.paused_until) == (reason, until):
            return job
        rows, next_due = await self._idle(live, actor)
        changed = replace(
            job,
            paused=True,
            pause_reason=reason,
            paused_by=actor,
            paused_until=until,
            next_due=next_due,
        )
        return await self._writes.replace(live, changed, actor, "job.pause", rows)

    async def end(self, live: LiveJob, actor: str) -> None:
        """End the pause of a job now, or where its end has passed, then.

        Where its trigger fails the job is broken then, as where that fails at the tick.

        Raises:
            ConflictError, StoreUnavailableError: nothing was written.
        """
        end_us = self._core.clock.now_us()
        until = live.job.paused_until
        if until is not None:
            end_us = min(end_us, to_us(until) - 1)
        rows, next_due, problem = await goes_on(self._core, live, end_us)
        if live.exhausted:
            problem = ""  # it owes nothing
        alerts = self._core.alerts
        notices = alerts.of_broken(live, problem)

        def also(tx: StoreTx) -> None:
            tx.count_failures([Failing(live.id, 0, True)])
            self._writes.broken(tx, live, problem)
            alerts.post(tx, notices)

        def then() -> None:
            live.failures = 0
            live.problem = problem or ("" if live.problem.startswith(FAILED) else live.problem)
            alerts.committed(notices)

        changed = replace(
            live.current(),
            paused=False,
            pause_reason="",
            paused_by="",
            paused_until=None,
            next_due=next_due,
        )
        await self._writes.replace(
            live,
            changed,
            actor,
            "job.resume",
            rows,
            also=also,
            then=then,
        )

    async def _idle(self, live: LiveJob, actor: str) -> tuple[tuple[NewRun, ...], datetime | None]:
        """Rows for what was due while the job did not fire already, and where it goes on."""
        now_us, due_us = self._core.clock.now_us(), live.next_due_us
        if due_us is None or due_us > now_us or not idle_reason(live):
            return (), live.current().next_due
        rows, next_due, problem = await goes_on(
            self._core, live, now_us, f"paused by {actor} just then"
        )
        if problem:  # that keeps no job from being paused: what was due is owed
            return (), live.current().next_due
        return rows, next_due


def _longer(job: Job) -> str:
    """Why a pause is left as it is."""
    end = "has no end" if job.paused_until is None else f"ends at {job.paused_until:%FT%TZ}"
    by = f"by {job.paused_by or 'its declaration'}"
    said = f"{by}: {job.pause_reason}" if job.pause_reason else by
    return (
        f"{job.full_name} is paused already ({said}), and that pause {end}: it is left as it is; "
        "to shorten it, pause this job by its name"
    )
