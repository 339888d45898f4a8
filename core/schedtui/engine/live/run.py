"""A run as the engine holds it in memory, from its claim to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from schedtui.capture import CurrentRun, RunSink
from schedtui.clock import from_us
from schedtui.models import RunState, Source

if TYPE_CHECKING:
    from schedtui.clock import Timer
    from schedtui.engine.live.job import LiveJob
    from schedtui.engine.live.slots import Limit, Pool
    from schedtui.engine.live.waiting import Place
    from schedtui.models.secret import Secret

_SINKS = threading.Lock()

BEHIND = 1 << 62
"""Added to the place in its job's queue of a run that lets all others pass."""
LOWEST = -1_000
"""Added to the priority of such a run: below that of any other run of any job."""


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
        "held",
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
        "period_us",
        "place",
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
        behind: bool = False,
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
        self.behind = behind or source is Source.BACKFILL
        """Whether it lets every run pass that is none of these."""
        self.priority = job.policies.priority + (LOWEST if self.behind else 0)
        self.holds_job = False
        """Whether its turn has come among the runs of its job."""
        self.place: Place | None = None
        """Where it waits, of the queues of `schedtui.engine.live.slots`."""
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
        self.held: tuple[Secret, ...] = ()
        """The secrets among its arguments, which no text shows while they are held."""
        self.make_sink: Callable[[LiveRun], RunSink] | None = None
        self.code: str | None = None
        """Fingerprint of the code of this attempt."""
        self.late: dict[str, str] = {}
        """Fingerprints of the late values of this attempt."""

    @property
    def parked(self) -> bool:
        """Whether it waits for something, and nothing about it is on its way to the store."""
        return self.place is not None

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
            behind=self.behind,
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
