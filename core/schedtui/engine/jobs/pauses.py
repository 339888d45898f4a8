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
from schedtui.engine.jobs.draft import next_due_after
from schedtui.engine.jobs.writes import TRIGGER, JobWrites, idle_reason
from schedtui.engine.live.job import LiveJob
from schedtui.engine.tick.decide import Verdict
from schedtui.engine.tick.newruns import decided_row
from schedtui.errors import ConflictError
from schedtui.models import Job, JobState, RunState, Source
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

    async def end(self, live: LiveJob, actor: str, *, anyway: bool = False) -> None:
        """End the pause of a job now, or where its end has passed, then.

        ``anyway``: also where its trigger fails; the job is broken then, as where that fails at
        the tick.

        Raises:
            ConflictError, StoreUnavailableError: nothing was written.
            Exception: its trigger failed; nothing was written.
        """
        end_us = self._core.clock.now_us()
        until = live.job.paused_until
        if until is not None:
            end_us = min(end_us, to_us(until) - 1)
        rows = await self._writes.passed(live, end_us, "")
        next_due, problem = live.current().next_due, ""
        if live.next_due_us is None or live.next_due_us <= end_us:
            try:
                next_due = await self._next_due(live, end_us)
            except Exception as error:
                if not anyway:
                    raise
                logger.exception("the trigger of %s failed", live.full_name)
                next_due = None
                if live.next_due_us is not None:  # else it had come to its end before
                    problem = f"{TRIGGER} failed: {type(error).__name__}: {error}"
                    rows = (*rows, self._broken(live, end_us, problem))
        notices = self._core.alerts.of_missed(live, rows)

        def also(tx: StoreTx) -> None:
            tx.count_failures([Failing(live.id, 0, True)])
            self._core.alerts.post(tx, notices)

        def then() -> None:
            live.failures = 0
            live.problem = problem or live.problem
            self._core.alerts.committed(notices)

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

    def _broken(self, live: LiveJob, end_us: int, problem: str) -> NewRun:
        """What the tick would write of it; here it cannot be mistaken for a due time that runs."""
        moment_us = max(end_us, live.last_due_us or end_us) + 1
        verdict = Verdict(moment_us, RunState.MISSED, Source.SCHEDULE, problem)
        core = self._core
        return decided_row(next(core.run_ids), live, verdict, core.epoch, core.clock.now_us())

    async def _next_due(self, live: LiveJob, after_us: int) -> datetime | None:
        trigger, last_us = live.trigger, live.last_due_us
        return await self._core.asking.ask(
            trigger, lambda: next_due_after(trigger, last_us, after_us)
        )

    async def _idle(self, live: LiveJob, actor: str) -> tuple[tuple[NewRun, ...], datetime | None]:
        """Rows for what was due while the job did not fire already, and where it goes on."""
        now_us, due_us = self._core.clock.now_us(), live.next_due_us
        if due_us is None or due_us > now_us or not idle_reason(live):
            return (), live.current().next_due
        try:
            rows = await self._writes.passed(live, now_us, f"paused by {actor} just then")
            return rows, await self._next_due(live, now_us)
        except Exception:  # a trigger that fails must not keep its job from being paused
            logger.exception("the trigger of %s failed", live.full_name)
            return (), live.current().next_due


def _longer(job: Job) -> str:
    """Why a pause is left as it is."""
    end = "has no end" if job.paused_until is None else f"ends at {job.paused_until:%FT%TZ}"
    by = f"by {job.paused_by or 'its declaration'}"
    said = f"{by}: {job.pause_reason}" if job.pause_reason else by
    return (
        f"{job.full_name} is paused already ({said}), and that pause {end}: it is left as it is; "
        "to shorten it, pause this job by its name"
    )
