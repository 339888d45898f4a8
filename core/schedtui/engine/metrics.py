"""An engine in numbers; nothing here looks at a run that has ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from schedtui import __version__
from schedtui.models import JobState, RunState, WaitReason
from schedtui.models.metrics import MAX_FAILING, Metrics, PoolUse

if TYPE_CHECKING:
    from schedtui.engine.live.job import LiveJob
    from schedtui.engine.live.slots import Slots
    from schedtui.engine.running import Running

_SLICE = 1_000  # jobs that are looked at before the tick has its turn


async def measure(running: Running) -> Metrics:
    """An engine now; on its loop. Takes a look at each living job, and none at the store."""
    core = running.core
    jobs: Counter[JobState] = Counter()
    waiting: Counter[WaitReason] = Counter()
    failing: dict[str, int] = {}
    left_out = 0
    for number, live in enumerate((*core.jobs, *core.direct)):
        if live.removed:
            continue
        waiting.update(_waiting(live, core.slots))
        if live.id:
            jobs[live.state] += 1
        if live.failures:
            if len(failing) < MAX_FAILING:
                failing[live.full_name] = live.failures
            else:
                left_out += 1
        if number % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
    writer = running.writer
    return Metrics(
        boot=running.boot,
        version=__version__,
        jobs=jobs,
        ended=dict(core.hub.ended),
        waiting=waiting,
        running=len(running.supervisor.running),
        tick_age_s=max(0.0, running.clock.monotonic() - running.claims.last_tick),
        lateness_s=running.supervisor.lateness.seen(),
        pools=tuple(_pools(running)),
        writer_waiting=writer.waiting,
        writer_commit_s=writer.commits.seen(),
        writer_failures=writer.failures,
        failing=failing,
        failing_left_out=left_out,
    )


def _waiting(live: LiveJob, slots: Slots) -> Iterator[WaitReason]:
    for run in live.running.values():
        if run.state is RunState.QUEUED:
            yield slots.waits_for(run)


def _pools(running: Running) -> Iterator[PoolUse]:
    slots = running.core.slots
    for kind, pool in slots.pools.items():
        capacity = pool.executor.slots
        yield PoolUse(kind="executor", name=kind, used=capacity - pool.free, capacity=capacity)
    for kind, limit_name, used, capacity in slots.limits():
        yield PoolUse(kind=kind, name=limit_name, used=used, capacity=capacity)
