"""After a start: what an earlier engine on this store left unfinished.

A ``running`` row was claimed and started by a boot that is gone, so it is ``lost``: its function
may or may not have run its first line. A ``queued`` row never started and waits for a slot again.
Due times that passed meanwhile need nothing here: the first ticks find them late and decide them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from schedtui.clock import from_us
from schedtui.engine.core import Core
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.admit import Admission
from schedtui.engine.runs.attempts import MAX_LOST
from schedtui.engine.runs.chains import Chains, Child, insert
from schedtui.engine.upkeep.once_past import moment_us
from schedtui.errors import StoreDataError
from schedtui.models import LogLine, OnLost, RunState, Source
from schedtui.protocols import (
    Failing,
    Finish,
    Notice,
    Opened,
    OpenRun,
    RecentRun,
    Retry,
    Store,
    StoreTx,
)

logger = logging.getLogger("schedtui.recover")

CHUNK = 1_000


async def recover(
    core: Core, writes: JobWrites, opened: Opened, admission: Admission, chains: Chains
) -> None:
    """Settle what is left, before the first tick.

    Raises:
        StoreUnavailableError: the store cannot take it now; nothing else was started.
    """
    left = _without_damaged(core, await core.off_loop(core.store.open_runs))
    interrupted = [run for run in left if run.state is RunState.RUNNING]
    seen = (
        "" if opened.last_seen_us is None else f", last seen {from_us(opened.last_seen_us):%FT%TZ}"
    )
    reason = f"its engine ended while it ran{seen}; it may or may not have done its work"
    now_us = core.clock.now_us()
    seen_us = now_us if opened.last_seen_us is None else min(opened.last_seen_us, now_us)
    again = [run._replace(state=RunState.QUEUED) for run in interrupted if _reruns(core, run)]
    waiting = [run for run in left if run.state is RunState.QUEUED]
    # Before what follows the lost ones is decided: these runs are active then.
    periods = await core.off_loop(_periods, core, [*waiting, *again])
    orphans = _queue(core, sorted([*waiting, *again]), admission, periods)
    ended: dict[int, int] = {}
    for first in range(0, len(interrupted), CHUNK):
        chunk = interrupted[first : first + CHUNK]
        kept = await core.off_loop(_last_lines, core.store, chunk)
        rows = [_lost(run, seen_us, now_us, reason, kept.get(run.id)) for run in chunk]
        ended |= {row.run_id: row.finished_at_us for row in rows}
        over = [run for run in chunk if not _reruns(core, run)]
        ends = [row for run, row in zip(chunk, rows, strict=True) if not _reruns(core, run)]
        retries = [
            Retry(row, now_us) for run, row in zip(chunk, rows, strict=True) if _reruns(core, run)
        ]
        children = _children(core, chains, over)
        failures = _failures(core, over)
        counts = [Failing(job.id, count, False) for job, count in failures.items()]
        notices = _notices(core, over, ends)
        await writes.write(partial(_end, core, ends, retries, children, counts, notices))
        chains.committed(children)
        for job, count in failures.items():
            job.failures += count
    for run in interrupted:
        live = core.holder(run.job_id, run.function)
        if live is not None and not _reruns(core, run):
            at_us = run.started_at_us or run.claimed_at_us
            lasted_us = max(ended[run.id] - at_us, 0)
            live.recent.append(RecentRun(run.id, run.job_id, RunState.LOST, at_us, lasted_us))
    attempted = [run for run in [*waiting, *again] if run.attempt]
    lines = await core.off_loop(_last_lines, core.store, attempted)
    for run in attempted:
        live = core.holder(run.job_id, run.function)
        if live is not None and run.id in live.running:
            last = lines.get(run.id)
            live.running[run.id].log_lines = 0 if last is None else last.seq
    for job_id in orphans:

        def cancel(tx: StoreTx, job_id: int = job_id) -> list[int]:
            return tx.cancel_queued(job_id, "its job is gone from the store", now_us)

        await writes.write(cancel)
    if left:
        logger.info(
            "%d runs were interrupted (%d of them run again), %d had not started",
            len(interrupted),
            len(again),
            len(waiting),
        )


def _without_damaged(core: Core, left: Sequence[OpenRun]) -> list[OpenRun]:
    """Runs whose job can be read: what is to become of the others, only that would say."""
    whole: list[OpenRun] = []
    for run in left:
        live = core.jobs.by_id(run.job_id)
        if live is None or not live.job.damage:
            whole.append(run)
    if len(whole) < len(left):
        text = (
            f"{len(left) - len(whole)} runs of damaged jobs are left as they are, until these "
            "jobs are mended and the engine is started again"
        )
        logger.warning(text)
        core.problem("runs of damaged jobs", text)
    return whole


def _periods(core: Core, runs: Sequence[OpenRun]) -> dict[int, int]:
    """The moments of the periods of runs that repeat others. Blocks."""
    found: dict[int, int] = {}
    for run in runs:
        live = core.jobs.by_id(run.job_id)
        if run.source is Source.RERUN and live is not None and live.once is not None:
            kept = core.store.run(run.id)
            if kept is not None:
                found[run.id] = moment_us(core.store, kept)
    return found


def _queue(
    core: Core, waiting: Sequence[OpenRun], admission: Admission, periods: Mapping[int, int]
) -> set[int]:
    """Let runs wait again that had not started. Returns the ids of jobs that are gone."""
    orphans: set[int] = set()
    for run in waiting:
        live = core.holder(run.job_id, run.function)
        if live is None:
            orphans.add(run.job_id)
            continue
        queued = LiveRun(
            run.id,
            live,
            function=run.function,
            kwargs=_kwargs(run),
            source=run.source,
            scheduled_for_us=run.scheduled_for_us,
            pool=core.pool_of(run.function),
            limits=live.limits,
            claimed_at_us=run.claimed_at_us,
            not_before_us=run.not_before_us or 0,
            parent_id=run.parent_id,
            # The store does not say which of these replays one of many dead letters.
            behind=run.source is Source.RERUN,
        )
        queued.attempt = run.attempt
        queued.period_us = periods.get(run.id, 0)
        live.enter(queued)
        admission.wait(queued)
    return orphans


def _children(core: Core, chains: Chains, over: Sequence[OpenRun]) -> list[Child]:
    """The runs that follow lost ones."""
    children: list[Child] = []
    for run in over if core.jobs.followers else ():
        live = core.holder(run.job_id, run.function)
        if live is not None:
            children += chains.children(live, run.id, RunState.LOST)
    return children


def _failures(core: Core, over: Sequence[OpenRun]) -> dict[LiveJob, int]:
    """How many runs of each job are lost."""
    failures: dict[LiveJob, int] = {}
    for run in over:
        live = core.jobs.by_id(run.job_id)
        if live is not None:
            failures[live] = failures.get(live, 0) + 1
    return failures


def _notices(core: Core, over: Sequence[OpenRun], ends: Sequence[Finish]) -> list[Notice]:
    """What is told of lost runs."""
    found: list[Notice] = []
    for run, row in zip(over, ends, strict=True):
        live = core.holder(run.job_id, run.function)
        if live is not None:
            found += core.alerts.of_lost(live, run.function, row)
    return found


def _end(
    core: Core,
    ends: Sequence[Finish],
    retries: Sequence[Retry],
    children: Sequence[Child],
    counts: Sequence[Failing],
    notices: Sequence[Notice],
    tx: StoreTx,
) -> None:
    lost = tx.finish(ends)
    insert(tx, children, lost)
    core.alerts.post(tx, [one for one in notices if one.run_id not in lost])
    tx.retry(retries)
    tx.count_failures(counts)


def _reruns(core: Core, run: OpenRun) -> bool:
    """Whether an interrupted run is to run again."""
    live = core.holder(run.job_id, run.function)
    return live is not None and live.policies.on_lost is OnLost.RERUN and run.attempt < MAX_LOST


def _last_lines(store: Store, runs: Sequence[OpenRun]) -> dict[int, LogLine]:
    """The last line of each run that the store has; its number is how many there are."""
    kept: dict[int, LogLine] = {}
    for run in runs:
        try:
            kept.update((run.id, line) for line in store.log_tail(run.id, 1))
        except StoreDataError as error:
            logger.warning("the log of run %d cannot be read: %s", run.id, error)
    return kept


def _lost(run: OpenRun, seen_us: int, now_us: int, reason: str, last: LogLine | None) -> Finish:
    """The end of an interrupted run: when its engine was last seen, or it last said something."""
    started_us = run.started_at_us or run.claimed_at_us
    said_us = 0 if last is None else min(last.at_us, now_us)
    return Finish(
        run.id,
        run.attempt,
        run.token or 0,
        RunState.LOST,
        started_us,
        max(started_us, seen_us, said_us),
        reason,
        None,
        None,
        None,
        None,
        False,
        0 if last is None else last.seq,
        0,
        None,
        None,
    )


def _kwargs(run: OpenRun) -> dict[str, Any]:
    return dict(json.loads(run.kwargs_json)) if run.kwargs_json else {}
