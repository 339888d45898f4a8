"""Runs of a function without a job.

The row of such a run says 0 where the id of its job stands, so that it needs no row among the jobs,
which would have to be hidden from everything that lists them. What the engine holds in place of the
job is made here, one for each function: it is never due, and in none of the engine's lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from schedtui.clock import from_us
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.models import Job, Overlap, Policies

if TYPE_CHECKING:
    from schedtui.engine.core import Core

NO_JOB: Final = 0
"""Stands where the id of a run's job would."""

OWN: Final = Policies(overlap=Overlap.ALLOW, pause_after_failures=0, max_runs=0, run_once_key="")
"""Runs that were asked for one by one do not wait for each other; the rest is the group's."""


class Direct:
    """What stands for a job where there is none, by function.

    Args:
        core: The engine's parts.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._held: dict[str, LiveJob] = {}

    def of(self, function: str) -> LiveJob:
        """What the runs of this function belong to."""
        live = self._held.get(function)
        if live is None:
            live = self._held[function] = self._made(function)
        return live

    def __iter__(self) -> Iterator[LiveJob]:
        return iter(list(self._held.values()))

    def find(self, run_id: int) -> LiveRun | None:
        """A run without a job that is queued or running."""
        for live in self._held.values():
            if run_id in live.running:
                return live.running[run_id]
        return None

    def renew(self) -> None:
        """Let what the groups say now rule the runs that start from here on."""
        core = self._core
        for live in self._held.values():
            live.policies = core.effective(live.job)
            live.limits = core.slots.limits_of(live)

    def _made(self, function: str) -> LiveJob:
        core = self._core
        group, _, name = function.partition("/")
        now = from_us(core.clock.now_us())
        job = Job(
            id=NO_JOB,
            group=group,
            name=name,
            function=function,
            trigger={},
            timezone=core.timezone,
            policies=OWN,
            created_at=now,
            updated_at=now,
        )
        live = LiveJob(job, None, core.effective(job))
        live.limits = core.slots.limits_of(live)
        return live
