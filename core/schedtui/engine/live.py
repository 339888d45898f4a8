"""Jobs and runs as the engine holds them in memory: slots and integers, for the tick.

The store is the truth; these follow it, changed only on the engine's loop and only after a commit
(`LiveJob.active` is the exception: it counts a run from the moment its claim is handed in).
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schedtui.capture import CurrentRun, RunSink
from schedtui.clock import from_us, to_us
from schedtui.engine.once import Once, claiming, guard, unclaimed
from schedtui.models import Job, JobState, JobSummary, RunState, Source
from schedtui.models.after import after_words
from schedtui.policies import Effective, spell
from schedtui.protocols import RecentRun
from schedtui.triggers import Trigger

if TYPE_CHECKING:
    from schedtui.clock import Timer
    from schedtui.engine.slots import Limit, Pool

_SINKS = threading.Lock()

RECENT = 10
"""Runs that a job's summary shows."""
BEHIND = 1 << 62
"""Added to the place in its job's queue of a run that lets all others pass."""
LOWEST = -1_000
"""Added to the priority of such a run: below that of any other run of any job."""


def dump_kwargs(kwargs: Mapping[str, Any]) -> str | None:
    """Arguments as they stand in a run's row; None for none at all."""
    return json.dumps(kwargs, separators=(",", ":"), sort_keys=True) if kwargs else None


class LiveJob:
    """A living job."""

    __slots__ = (
        "active",
        "ahead",
        "backfills",
        "busy",
        "failures",
        "fired",
        "full_name",
        "halted",
        "holders",
        "id",
        "job",
        "kwargs",
        "kwargs_json",
        "last_due_us",
        "limits",
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
        self.backfills = 0
        """Those of them that are backfills."""
        self.holders = 0
        """Those of them whose turn it is: all but the ones that wait for others of the job."""
        self.waiting: list[tuple[int, int, LiveRun]] = []
        """A heap of the ones that wait for their turn."""
        self.busy = False
        """While a claim or a command of this job is on its way to the store."""
        self.waiters: list[asyncio.Future[None]] = []
        """Commands that wait for it not to be busy."""
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
        self.ahead[run.id] = run
        claiming(run)

    def unclaimed(self, run: LiveRun) -> None:
        """It did not come into being."""
        self.active -= 1
        self.ahead.pop(run.id, None)
        unclaimed(run)

    def began(self, run: LiveRun) -> None:
        """A run of it, counted already, is in the store."""
        self.ahead.pop(run.id, None)
        self.running[run.id] = run
        claiming(run)

    def leave(self, run: LiveRun) -> None:
        """A run of it has ended."""
        self.active -= 1
        self.backfills -= run.behind
        self.running.pop(run.id, None)
        unclaimed(run)

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
        """The active runs that overlap looks at: all but backfills, which wait for the others."""
        return self.active - self.backfills

    def rival_name(self) -> str | None:
        """What to call the newest of them in a reason; None when there is none."""
        run_id = next(reversed(self.ahead), None)
        if self.rivals > len(self.ahead):  # else there are only backfills, and many of them
            kept = reversed(self.running.values())
            run_id = next((run.id for run in kept if not run.behind), run_id)
        return None if run_id is None else f"run {run_id}"

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


class LiveRun:
    """A run that is queued or running."""

    __slots__ = (
        "asked",
        "attempt",
        "behind",
        "cancelled",
        "claimed_at_us",
        "code",
        "deadline",
        "ended",
        "function",
        "holds_job",
        "id",
        "job",
        "kwargs",
        "late",
        "limits",
        "log_lines",
        "make_sink",
        "not_before_us",
        "parent_id",
        "parked",
        "period_us",
        "pool",
        "priority",
        "scheduled_for_us",
        "sink",
        "source",
        "started_at_us",
        "state",
        "token",
        "unwanted",
    )

    def __init__(
        self,
        id: int,  # noqa: A002 - a run's id is called that everywhere
        job: LiveJob,
        *,
        function: str,
        kwargs: Mapping[str, Any],
        source: Source,
        scheduled_for_us: int | None,
        pool: Pool,
        limits: tuple[Limit, ...] = (),
        claimed_at_us: int = 0,
        not_before_us: int = 0,
        parent_id: int | None = None,
    ) -> None:
        self.id = id
        self.job = job
        self.function = function
        self.kwargs = kwargs
        self.source = source
        self.scheduled_for_us = scheduled_for_us
        self.pool = pool
        self.limits = limits
        """What it needs a place in while it runs, besides its executor."""
        self.claimed_at_us = claimed_at_us
        self.not_before_us = not_before_us
        """Where it is to start later than now; else 0."""
        self.parent_id = parent_id
        """The run it came from."""
        self.period_us = 0
        """Where its period is that of another run, which it repeats: the moment of that one."""
        self.behind = source is Source.BACKFILL
        """Whether it lets every run pass that is none of these."""
        self.priority = job.policies.priority + (LOWEST if self.behind else 0)
        self.holds_job = False
        """Whether its turn has come among the runs of its job."""
        self.parked = False
        """Whether it waits in one of the places of `schedtui.engine.slots`."""
        self.asked: tuple[RunState, str] | None = None
        """What its end counts as where it was asked to end, and why."""
        self.unwanted: tuple[str, bool] | None = None
        """Why it is to end, and whether by force, as soon as its move to the store is through."""
        self.deadline: Timer | None = None
        self.log_lines = 0
        """Lines of the attempts before this one."""
        self.state = RunState.QUEUED
        self.attempt = 0
        self.token = 0
        self.started_at_us = 0
        self.sink: RunSink | None = None
        """What it has said; None while it has said nothing."""
        self.cancelled = False
        """Whether its function was asked to end."""
        self.ended = False
        """Whether its function has ended; what says more after that is not the run."""
        self.make_sink: Callable[[LiveRun], RunSink] | None = None
        self.code: str | None = None
        """Fingerprint of the code of this attempt."""
        self.late: dict[str, str] = {}
        """Fingerprints of the late values of this attempt."""

    @property
    def moment_us(self) -> int:
        """The moment whose period it belongs to."""
        return self.period_us or self.scheduled_for_us or self.claimed_at_us

    def again(self, not_before_us: int) -> LiveRun:
        """The same run, queued for its next attempt.

        Another object, because the function of this one may still be at work and write or ask.
        """
        run = LiveRun(
            self.id,
            self.job,
            function=self.function,
            kwargs=self.kwargs,
            source=self.source,
            scheduled_for_us=self.scheduled_for_us,
            pool=self.pool,
            limits=self.limits,
            claimed_at_us=self.claimed_at_us,
            not_before_us=not_before_us,
            parent_id=self.parent_id,
        )
        run.attempt = self.attempt
        run.unwanted = self.unwanted
        run.period_us = self.period_us
        run.holds_job = self.holds_job
        run.log_lines = self.log_lines
        run.code, run.late = self.code, self.late
        run.sink = self.sink
        return run

    def current(self) -> CurrentRun:
        """What `current_run()` gives within it."""
        due_us = self.scheduled_for_us
        return CurrentRun(
            id=self.id,
            job=self.job.full_name,
            scheduled_for=None if due_us is None else from_us(due_us),
            attempt=self.attempt,
            source=self.source,
            parent_id=self.parent_id,
            handle=self,
        )

    def open_sink(self) -> RunSink | None:
        """Where what it says is kept; None before its start and after its end."""
        sink = self.sink
        if sink is None and not self.ended and self.make_sink is not None:
            with _SINKS:  # two threads of one run may say their first word at once
                sink = self.sink
                if sink is None:
                    sink = self.sink = self.make_sink(self)
        return None if self.ended else sink
