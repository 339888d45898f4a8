"""What must hold of an engine that has settled, whatever was done to it.

- Every due time of every job has exactly one row, single or in a range.
- A run moved only along the allowed edges, and no attempt was executed twice.
- No more runs of a job, a pool or an executor are under way than may be.
- Each end of a run has one run of each job that follows it, and no other run follows.
- A run that another one was skipped for is in the history.
- A job with a period succeeds once for each, and a due time is backfilled once.
- What was due before a pause or at its end or later is not skipped because of it.
- What was due in a downtime, or before it and not decided any more, names that one and no other.
- What the engine counts in memory is what the store says, and what a run held is given back.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chain_kit import Edges, unchained
from engine_kit import Kit, check

from schedtui.models import Run, RunState, Source

WAITS = (RunState.QUEUED, RunState.RUNNING)
_NAMED = re.compile(r"(?:overlap|once per [^ ]+): run ([0-9]+) ")
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_DOWN = re.compile(r"the engine did not run from \S+ to (\S+Z)")
_LOOK = re.compile(r"^(?:engine )?paused by .*: a look, (\S+) to (\S+)$")


@dataclass
class Promises:
    """What a life was promised so far."""

    edges: Edges | None
    """What runs after what; None once that has changed, or a name has."""
    period: str
    guarded: dict[int, bool] = field(default_factory=dict)
    """Whether a job, by id, had this period for the whole of its life."""
    faultless: bool = True
    """Whether the store took all that it was given: else what a skip names may be lost with it."""
    paused_starts: list[datetime] = field(default_factory=list)
    """When an engine was started paused."""
    starts: list[datetime] = field(default_factory=list)
    """When one was started after another that had died."""
    keys: dict[tuple[int, str], int] = field(default_factory=dict)
    """The run that a job and an idempotency key have made."""


def crowding(kit: Kit) -> None:
    """At any moment no more is under way than may be."""
    core = kit.running.core
    pool = core.pools["async"]
    going = list(kit.running.supervisor.running.values())
    assert 0 <= pool.free <= pool.executor.slots
    assert len(going) <= pool.executor.slots
    for limit in [*core.slots._named.values(), *core.slots._groups.values()]:
        assert sum(limit in run.limits for run in going) <= limit.capacity, limit.name
    for live in core.jobs:
        assert 0 <= live.holders <= live.active, live.full_name
        assert 0 <= live.backfills <= live.active, live.full_name


async def accounts(kit: Kit) -> None:
    """What the engine counts is what the store says."""
    core = kit.running.core
    rows = [run for run in await kit.rows() if run.finished_at is None]
    assert core.slots.waiting == sum(run.state is RunState.QUEUED for run in rows)
    for live in core.jobs:
        ids = {run.id for run in rows if run.job_id == live.id}
        last = {run.id for run in rows if run.id in ids and run.source is Source.BACKFILL}
        reruns = {run.id for run in rows if run.id in ids and run.source is Source.RERUN}
        behind = {run_id for run_id, run in live.running.items() if run.behind}
        assert (live.active, set(live.running)) == (len(ids), ids), live.full_name
        assert live.backfills == len(behind), live.full_name
        assert last <= behind <= last | reruns, live.full_name
        assert live.holders == sum(run.holds_job for run in live.running.values()), live.full_name
        assert live.once is None or live.once._held.keys() == live.running.keys(), live.full_name
    stored = {job.id: job for job in await asyncio.to_thread(kit.store.inner.jobs)}
    assert stored.keys() == {live.id for live in core.jobs}
    for live in core.jobs:
        counts = [
            (job.failures, job.fired, job.next_due, job.last_due)
            for job in (live.current(), stored[live.id])
        ]
        assert counts[0] == counts[1], live.full_name
    going = list(kit.running.supervisor.running.values())
    assert {run.id for run in going} == {run.id for run in rows if run.state is RunState.RUNNING}
    pool = core.pools["async"]
    assert (pool.free, pool.claimed) == (pool.executor.slots - len(going), 0)
    for limit in [*core.slots._named.values(), *core.slots._groups.values()]:
        assert limit.used == sum(limit in run.limits for run in going), limit.name


async def deeds(kit: Kit, executed: Counter[tuple[int, int]], promises: Promises) -> None:
    """What was done is what was to be done, once, and the history says so."""
    await check(kit)
    rows = await kit.rows()
    assert [one for one, times in executed.items() if times > 1] == []
    assert {run_id for run_id, _ in executed} <= {run.id for run in rows}
    if promises.edges is not None:
        assert unchained(rows, promises.edges) == []
    _once([(run.parent_id, run.job_id) for run in rows if run.source is Source.CHAIN])
    assert not promises.faultless or named(rows) == []
    backfills = [run for run in rows if run.source is Source.BACKFILL]
    good = [run for run in backfills if run.state in (*WAITS, RunState.SUCCEEDED)]
    _once([(run.job_id, run.scheduled_for) for run in good])
    _once(_periods(rows, promises))
    assert [run for run in rows if _outside(run)] == []
    assert [run for run in rows if _another(run, promises.starts)] == []
    held = [_oldest(run) for run in rows if run.reason.endswith(": started paused")]
    assert [due for due in held if due and due < promises.paused_starts[0]] == []


def paused_for(since: datetime, until: datetime | None) -> str:
    """A reason of a pause that says what it may be the reason of."""
    return f"a look, {since.isoformat()} to {(until or NEVER).isoformat()}"


def _outside(run: Run) -> bool:
    """Whether a due time has the reason of a pause that it does not lie in."""
    found = _LOOK.search(run.reason)
    if found is None or run.scheduled_for is None:
        return False
    since, until = map(datetime.fromisoformat, found.groups())
    first = since + timedelta(microseconds=0 if run.reason.startswith("engine") else 1)
    return not first <= (_oldest(run) or since) <= run.scheduled_for < until


def _another(run: Run, starts: list[datetime]) -> bool:
    """Whether a due time names another downtime than the first that ended after it."""
    found = _DOWN.search(run.reason)
    if found is None:
        return False
    end = next(start for start in starts if start >= (_oldest(run) or start))
    return found[1] != f"{end:%FT%TZ}"


def _oldest(run: Run) -> datetime | None:
    """The first of the due times that a row stands for."""
    return run.range_from or run.scheduled_for


def named(rows: Iterable[Run]) -> list[str]:
    """Why runs were skipped, where that names a run that never was."""
    rows = list(rows)
    ids = {run.id for run in rows}
    reasons = [run.reason for run in rows if run.state is RunState.SKIPPED]
    return [
        reason
        for reason in reasons
        if (found := _NAMED.match(reason)) is not None and int(found[1]) not in ids
    ]


def _periods(rows: list[Run], promises: Promises) -> list[tuple[int, str]]:
    """Of each success of a job with a period: the job, and the name of the period."""
    by_id = {run.id: run for run in rows}
    found = []
    for row in rows:
        if promises.guarded.get(row.job_id) and row.state is RunState.SUCCEEDED:
            first = row
            while first.source is Source.RERUN and first.parent_id in by_id:
                first = by_id[first.parent_id]
            moment = first.scheduled_for or first.claimed_at
            found.append((row.job_id, moment.strftime(promises.period)))
    return found


def _once(things: Iterable[object]) -> None:
    assert [thing for thing, times in Counter(things).items() if times > 1] == []


def after_all(kit: Kit) -> None:
    """Nothing is under way any more, and everything was given back."""
    core = kit.running.core
    for live in core.jobs:
        counted = (live.active, live.holders, live.backfills, len(live.running), live.waiting.size)
        assert counted == (0, 0, 0, 0, 0), live.full_name
        assert not live.busy, live.full_name
        assert not live.ahead, live.full_name
        assert not live.waiters, live.full_name
    assert core.slots.waiting == core.slots.claimed == 0
    for limit in [*core.slots._named.values(), *core.slots._groups.values()]:
        assert (limit.used, limit.waiting.size) == (0, 0), limit.name
    pool = core.pools["async"]
    assert pool.free == pool.executor.slots
