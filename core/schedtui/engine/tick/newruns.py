"""New runs: what the engine holds of them, and the rows with which they begin."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.live.slots import Pool
from schedtui.engine.tick.decide import Verdict
from schedtui.errors import StoreDataError
from schedtui.models import RunState, Source, WaitReason
from schedtui.protocols import NewRun
from schedtui.triggers import Trigger
from schedtui.triggers.jitter import jitter_us

logger = logging.getLogger("schedtui.tick")


def new_run(
    run_id: int,
    job: LiveJob,
    pool: Pool,
    *,
    source: Source,
    scheduled_for_us: int | None,
    kwargs: Mapping[str, Any],
    now_us: int,
    parent_id: int | None = None,
    behind: bool = False,
) -> LiveRun:
    """A run that is to be claimed now, as the engine holds it; ``behind``: see `LiveRun`."""
    policies = job.policies
    run = LiveRun(
        run_id,
        job,
        function=job.job.function,
        kwargs=kwargs,
        source=source,
        scheduled_for_us=scheduled_for_us,
        pool=pool,
        limits=job.limits,
        claimed_at_us=now_us,
        parent_id=parent_id,
        behind=behind,
    )
    if policies.jitter_us and source is Source.SCHEDULE and scheduled_for_us is not None:
        spread_us = jitter_us(job.id, scheduled_for_us, policies.jitter_us)
        if scheduled_for_us + spread_us > now_us:
            run.not_before_us = scheduled_for_us + spread_us
    return run


def claimed_row(
    core: Core, run: LiveRun, kwargs_json: str | None, now_us: int, names: str | None = None
) -> NewRun:
    """The row of a run that is to run: ``running`` where all it needs is free, else ``queued``.

    ``names``: see `names_at`.
    """
    waits = core.slots.take(run)
    return _row(core, run, kwargs_json, now_us, waits, names)


def queued_row(core: Core, run: LiveRun, kwargs_json: str | None, now_us: int) -> NewRun:
    """The row of a run that is to wait for its start, whatever is free; nothing is taken."""
    waits = core.slots.lacks(run) or WaitReason.SLOT
    return _row(core, run, kwargs_json, now_us, waits)


def _row(
    core: Core,
    run: LiveRun,
    kwargs_json: str | None,
    now_us: int,
    waits: WaitReason | None,
    names: str | None = None,
) -> NewRun:
    if waits is None:
        run.state = RunState.RUNNING
        run.attempt = 1
        run.token = next(core.tokens)
        run.started_at_us = now_us
    running = waits is None
    return NewRun(
        run.id,
        run.job.id,
        run.function,
        run.source,
        run.state,
        run.scheduled_for_us,
        core.epoch,
        run.job.version,
        kwargs_json,
        now_us,
        waits,
        run.attempt,
        run.token if running else None,
        now_us if running else None,
        None,
        None,
        None,
        None,
        None,
        run.not_before_us or None,
        run.parent_id,
        names,
    )


def waiting_row(
    core: Core, run: LiveRun, kwargs_json: str | None, now_us: int, names: str | None = None
) -> NewRun:
    """The row of a run that waits for its turn whatever is free; ``names``: see `names_at`."""
    waits = WaitReason.OVERLAP if run.job.policies.concurrency else WaitReason.SLOT
    return _row(core, run, kwargs_json, now_us, waits, names)


def names_at(trigger: Trigger, due_us: int) -> str | None:
    """Which of a trigger's several schedules are due, where they have names."""
    if not trigger.named:
        return None
    try:
        return ", ".join(trigger.names_at(due_us)) or None
    except Exception:  # a trigger of the user's: that the run is due has been told already
        logger.exception("the trigger %r does not say its names", trigger.short())
        return None


def decided_row(
    run_id: int,
    job: LiveJob,
    verdict: Verdict,
    epoch: int,
    now_us: int,
    actor: str | None = None,
) -> NewRun:
    """The row of a due time, or a stretch, that does not run."""
    if verdict.state is None:
        raise ValueError("a verdict to run has no row of its own; claim it")
    return NewRun(
        run_id,
        job.id,
        job.job.function,
        verdict.source,
        verdict.state,
        verdict.scheduled_for_us,
        epoch,
        job.version,
        job.kwargs_json,
        now_us,
        None,
        0,
        None,
        None,
        now_us,
        verdict.reason,
        verdict.range_from_us,
        verdict.range_count,
        actor,
    )


def decided_at_us(row: NewRun) -> int:
    """When a row that never started was decided."""
    return row.started_at_us or row.claimed_at_us


def plain_row(row: NewRun, error: StoreDataError) -> NewRun:
    """A row without what a store might refuse of it; the run it stood for is missed."""
    row = row._replace(kwargs_json=None)
    if row.finished_at_us is not None:
        return row
    return row._replace(
        state=RunState.MISSED,
        wait_reason=None,
        attempt=0,
        token=None,
        started_at_us=None,
        finished_at_us=row.claimed_at_us,
        reason=f"the store refused its row: {error}",
    )
