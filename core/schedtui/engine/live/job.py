"""Jobs and runs as the engine holds them in memory: slots and integers, for the tick.

The store is the truth; these follow it, changed only on the engine's loop and after a commit. What
counts sooner: `active` and the periods of `once`, from when a claim is handed in, and `halted`.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schedtui.clock import from_us, to_us
from schedtui.engine.live.once import Once, guard
from schedtui.engine.live.waiting import Queue
from schedtui.engine.tick.decide import NOBODY, Active
from schedtui.models import Job, JobState, JobSummary, RunState
from schedtui.models.after import after_words
from schedtui.policies import Effective, spell
from schedtui.protocols import RecentRun
from schedtui.triggers import Trigger

if TYPE_CHECKING:
    from schedtui.engine.live.run import LiveRun
    from schedtui.engine.live.slots import Limit

RECENT = 10
"""Runs that a job's summary shows."""


def dump_kwargs(kwargs: Mapping[str, Any]) -> str | None:
    """Arguments as they stand in a run's row; None for none at all."""
    return json.dumps(kwargs, separators=(",", ":"), sort_keys=True) if kwargs else None


class LiveJob:
    """A living job."""

    __slots__ = (
        "active",
        "ahead",
        "backfilled",
        "backfills",
        "busy",
        "failing",
        "failures",
        "fired",
        "foreign",
        "full_name",
        "halted",
        "holders",
        "id",
        "job",
        "kwargs",
        "kwargs_json",
        "last_due_us",
        "limits",
        "named",
        "next_due_us",
        "once",
        "policies",
        "problem",
        "recent",
        "removed",
        "running",
        "schedule",
        "stamp",
        "trigger",
        "version",
        "waiters",
        "waiting",
    )

    def __init__(
        self, job: Job, trigger: Trigger | None, policies: Effective, problem: str = ""
    ) -> None:
        self.active = 0
        """Runs that are claimed and have not ended."""
        self.ahead: dict[int, LiveRun] = {}
        """Those of them that are on their way to the store."""
        self.backfilled = False
        """Whether it was backfilled in the life of this engine."""
        self.backfills = 0
        """Those of them that let all others pass: backfills, and what replays dead letters."""
        self.holders = 0
        """Those of them whose turn it is: all but the ones that wait for others of the job."""
        self.waiting = Queue()
        """A heap of the ones that wait for their turn."""
        self.busy = False
        """While a claim or a command of this job is on its way to the store."""
        self.waiters: list[asyncio.Future[None]] = []
        """Commands that wait for it not to be busy."""
        self.failing: bool | None = None
        """Whether the run of it that ended last failed; None where nobody has looked yet."""
        self.halted = ""
        """Why nothing of it is claimed though it is not paused itself: the whole engine is."""
        self.limits: tuple[Limit, ...] = ()
        """What its runs need a place in, besides their executor."""
        self.recent: deque[RecentRun] = deque(maxlen=RECENT)
        self.once: Once | None = None
        """Its periods; None for one that never had a ``run_once_key`` in the life of its engine."""
        self.removed = False
        self.running: dict[int, LiveRun] = {}
        """Runs that are queued or running, by id, oldest first."""
        self.stamp = 0
        """Of its entry in the heap; 0 when it has none."""
        # Counted here from now on: what a command read before an outcome was written is old.
        self.fired = job.fired
        self.failures = job.failures
        self.set(job, trigger, policies, problem)

    def set(
        self, job: Job, trigger: Trigger | None, policies: Effective, problem: str = ""
    ) -> None:
        """Take over what the store now holds."""
        self.job = job
        self.id = job.id
        self.full_name = job.full_name
        self.version = job.version
        self.trigger = trigger
        # What the tick asks of it for every due time.
        self.foreign = trigger is not None and trigger.foreign
        self.named = trigger is not None and trigger.named
        self.policies = policies
        self.problem = problem
        self.kwargs_json = dump_kwargs(job.kwargs)
        # Its own: who is given the job may change what is in it.
        self.kwargs: dict[str, Any] = json.loads(self.kwargs_json) if self.kwargs_json else {}
        self.next_due_us = None if job.next_due is None else to_us(job.next_due)
        self.last_due_us = None if job.last_due is None else to_us(job.last_due)
        if self.exhausted:
            self.next_due_us = None
        self.schedule = trigger.short() if trigger is not None else "unreadable"
        if job.after and trigger is not None and trigger.dueless:
            self.schedule = after_words(job.after)
        if policies.run_once_key or self.once is not None:
            guard(self).rule(policies.run_once_key, job.timezone)

    def enter(self, run: LiveRun) -> None:
        """A run of it is active from here on."""
        self.active += 1
        self.backfills += run.behind
        self.began(run)

    def claimed(self, run: LiveRun) -> None:
        """A run of it is on its way to the store, and active from here on."""
        self.active += 1
        self.backfills += run.behind
        self.ahead[run.id] = run
        if self.once is not None:
            self.once.hold(run.id, run.moment_us)

    def unclaimed(self, run: LiveRun) -> None:
        """It did not come into being."""
        self.active -= 1
        self.backfills -= run.behind
        self.ahead.pop(run.id, None)
        if self.once is not None:
            self.once.release(run.id)

    def began(self, run: LiveRun) -> None:
        """A run of it, counted already, is in the store."""
        self.ahead.pop(run.id, None)
        self.running[run.id] = run
        if self.once is not None:
            self.once.hold(run.id, run.moment_us)

    def leave(self, run: LiveRun) -> None:
        """A run of it has ended."""
        self.active -= 1
        self.backfills -= run.behind
        self.running.pop(run.id, None)
        if self.once is not None:
            self.once.release(run.id)

    def release(self) -> None:
        """Not busy any more: let the next command on."""
        self.busy = False
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    @property
    def fires(self) -> bool:
        """Whether its due times are claimed."""
        job = self.job
        held = job.paused or job.orphaned or job.damage or self.halted
        return not (held or self.removed or self.trigger is None)

    @property
    def exhausted(self) -> bool:
        """Whether as many of its due times have run as are to."""
        return 0 < self.policies.max_runs <= self.fired

    @property
    def state(self) -> JobState:
        """Why it does or does not fire."""
        if self.job.orphaned:
            return JobState.ORPHANED
        if self.problem:
            return JobState.BROKEN
        if self.job.paused:
            return JobState.PAUSED
        if self.next_due_us is not None or (self.trigger is not None and self.trigger.dueless):
            return JobState.SCHEDULED
        return JobState.FINISHED

    @property
    def rivals(self) -> int:
        """The active runs that overlap looks at: all but those which wait for the others."""
        return self.active - self.backfills

    def rival_name(self) -> str | None:
        """What to call the newest of them in a reason; None when there is none."""
        ahead = [run.id for run in self.ahead.values() if not run.behind]
        run_id = ahead[-1] if ahead else None
        if self.rivals > len(ahead):  # else there are only backfills, and many of them
            kept = reversed(self.running.values())
            run_id = next((run.id for run in kept if not run.behind), run_id)
        return None if run_id is None else f"run {run_id}"

    def competing(self) -> Active:
        """The active runs that overlap looks at, as `schedtui.engine.tick.decide` wants them."""
        return Active(self.rivals, self.rival_name() or "") if self.rivals else NOBODY

    def current(self) -> Job:
        """The job with its due times of this moment."""
        return replace(
            self.job,
            effective=spell(self.policies),
            next_due=None if self.next_due_us is None else from_us(self.next_due_us),
            last_due=None if self.last_due_us is None else from_us(self.last_due_us),
            fired=self.fired,
            failures=self.failures,
        )

    def _first_running(self) -> LiveRun | None:
        """The oldest run that runs; of many backfills that is one of the first."""
        held = (run for run in self.running.values() if run.holds_job)
        return next((run for run in held if run.state is RunState.RUNNING), None)

    def summary(self) -> JobSummary:
        """Its row in the table."""
        job = self.job
        state = self.state
        running = next(reversed(self.running.values())) if self.running else None
        if running is not None and running.state is not RunState.RUNNING:
            running = self._first_running() if self.backfills else None
        last = self.recent[-1] if self.recent else None
        sink = running.sink if running is not None else None
        return JobSummary(
            id=self.id,
            group=job.group,
            name=job.name,
            function=job.function,
            schedule=self.schedule,
            timezone=job.timezone,
            state=state,
            next_due_us=self.next_due_us if state is JobState.SCHEDULED else None,
            active=self.active,
            running_id=running.id if running is not None else None,
            running_since_us=running.started_at_us if running is not None else None,
            last_id=last.id if last is not None else None,
            last_state=last.state if last is not None else None,
            last_at_us=last.at_us if last is not None else None,
            last_duration_us=last.duration_us if last is not None else None,
            recent=tuple((run.state, run.duration_us) for run in self.recent),
            progress=sink.progress if sink is not None else None,
            static=job.static,
            overridden=job.overridden,
            tags=job.tags,
            description=job.description,
            pause_reason=self.problem or job.pause_reason,
            version=self.version,
        )
