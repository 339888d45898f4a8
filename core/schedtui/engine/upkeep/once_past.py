"""What the history says about the periods of jobs with ``run_once_key``."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable

from schedtui.clock import to_us
from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.once import guard
from schedtui.errors import SchedtuiError, StoreDataError
from schedtui.models import Job, Run, RunFilter, RunState, Source
from schedtui.protocols import Store, StoreTx, Success

Write = Callable[[Callable[[StoreTx], object]], Awaitable[object]]

logger = logging.getLogger("schedtui.engine")

LOOKED_AT = 100
"""Runs of a job that succeeded before it had a ``run_once_key``, and count now."""


def moment_us(store: Store, run: Run) -> int:
    """The moment whose period a run belongs to: its due time, else when it was asked for.

    One that repeats another belongs to that one's. Blocks.
    """
    while run.source is Source.RERUN and run.parent_id is not None:
        try:
            parent = store.run(run.parent_id)
        except StoreDataError:
            break
        if parent is None:
            break
        run = parent
    return to_us(run.scheduled_for or run.claimed_at)


async def learn_before(core: Core, write: Write, live: LiveJob, job: Job) -> None:
    """Let what has succeeded count from the moment on that a job comes to a ``run_once_key``.

    Args:
        core: The engine's parts.
        write: `JobWrites.write`.
        live: The job as it is; it is held.
        job: As it is to be.
    """
    if core.effective(job).run_once_key:
        guard(live)  # what succeeds while the others are looked up counts as well
        await learn(core, write, [live])


async def learn(core: Core, write: Write, jobs: Iterable[LiveJob]) -> None:
    """Let what has succeeded already count for jobs that have come to a ``run_once_key``.

    Where the store does not answer, it is tried again with the next edit, or the next start.

    Args:
        core: The engine's parts.
        write: `JobWrites.write`.
        jobs: Any; those that are not concerned are passed over.
    """
    fresh = [live for live in jobs if live.once is not None and not live.once.known]
    if not fresh:
        return
    try:
        found = await core.off_loop(_read, core.store, [live.id for live in fresh])
        if found:
            await write(lambda tx: tx.keep_successes(found))
    except SchedtuiError as error:
        names = ", ".join(live.full_name for live in fresh[:5])
        logger.warning("what has succeeded of %s is not known, and may again: %s", names, error)
        return
    for live in fresh:
        if live.once is not None:
            own = [(one.run_id, one.at_us) for one in found if one.job_id == live.id]
            live.once.remember(own)


def _read(store: Store, jobs: Iterable[int]) -> list[Success]:
    found: list[Success] = []
    for job_id in jobs:
        where = RunFilter(job_id=job_id, state=RunState.SUCCEEDED)
        runs = store.runs(where, limit=LOOKED_AT, before=None)
        found += [Success(job_id, run.id, moment_us(store, run)) for run in reversed(runs)]
    return found
