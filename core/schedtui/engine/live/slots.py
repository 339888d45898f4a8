"""Slots and limits: who may run now, and what the others wait for.

A run needs up to four things, in this order: that its time has come, that fewer runs of its job
are under way than may be, a place in its named pool and in its group, and a slot of its executor.
It waits in one place at a time, for the first of them that it lacks, so that nothing is looked at
again until what it waits for may be there.

A backfill is behind all other runs in each of these queues, and gives its turn back to one of its
own job as long as it has not started itself.

A place and a slot are taken when a run is claimed, before its row is committed. They come back when
its function has ended; its job's turn passes when the end of the run is committed, so a run that
waits for a retry keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import BEHIND, LiveRun
from schedtui.engine.live.waiting import Queue, leave
from schedtui.models import WaitReason
from schedtui.protocols import Executor

FRESH_S = 0.005
"""A slot given out this short a time ago may well be back in a moment: wait for it, once."""


class Limit:
    """So many runs at once: of a named pool, or of a group."""

    __slots__ = ("capacity", "name", "used", "waiting")

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name  # in words, such as "pool 'db'"
        self.capacity = capacity
        self.used = 0
        self.waiting = Queue()

    @property
    def full(self) -> bool:
        """Whether nobody more may run."""
        return self.used >= self.capacity


class Pool:
    """The slots of one executor, and the runs that wait for nothing but one of them."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.kind = executor.kind
        self.free = executor.slots
        self.claimed = 0
        """Slots of runs whose claim is not committed yet."""
        self.given_at = float("-inf")
        """When (monotonic seconds) calls were last handed to the executor."""
        self.queue = Queue()

    def soon(self, now: float) -> bool:
        """Whether slots that are all taken may be back in a moment."""
        return not self.queue.size and (self.claimed > 0 or now - self.given_at < FRESH_S)


class Slots:
    """All pools and limits of a started engine, and the runs that wait.

    Args:
        pools: By the kind of their executor.
        limits: How many runs at once each named pool of the engine allows.
        group_limit: The same of a group; None for any number.
    """

    def __init__(
        self,
        pools: Mapping[str, Pool],
        limits: Mapping[str, int],
        group_limit: Callable[[str], int | None],
    ) -> None:
        self.pools = pools
        self._named = {name: Limit(f"pool {name!r}", capacity) for name, capacity in limits.items()}
        self._groups: dict[str, Limit] = {}
        self._group_limit = group_limit
        self._later = Queue()
        self.waiting = 0
        """Runs that are queued."""

    @property
    def claimed(self) -> int:
        """Slots of runs whose claim is not committed yet."""
        return sum(pool.claimed for pool in self.pools.values())

    @property
    def named(self) -> frozenset[str]:
        """The names of the engine's pools."""
        return frozenset(self._named)

    @property
    def pools_told(self) -> str:
        """What pool a job may name, for a message."""
        if not self._named:
            return "no pool: this engine has none (Engine(pools=…) or schedtui.toml makes them)"
        return f"a pool of this engine: {', '.join(sorted(self._named))}"

    def limits_of(self, job: LiveJob) -> tuple[Limit, ...]:
        """What a run of a job needs a place in, besides its job and its executor."""
        found = []
        pool = self._named.get(job.policies.pool) if job.policies.pool else None
        if pool is not None:
            found.append(pool)
        capacity = self._group_limit(job.job.group)
        if capacity is not None:
            name = job.job.group
            group = self._groups.setdefault(name, Limit(f"group {name!r}", capacity))
            group.capacity = capacity  # the group may have been declared anew
            found.append(group)
        return tuple(found)

    def take(self, run: LiveRun) -> WaitReason | None:
        """Reserve all that a new run needs; else what it has to wait for, and nothing is taken."""
        lacks = self.lacks(run)
        if lacks is None:
            run.holds_job = True
            run.job.holders += 1
            self._give(run)
        return lacks

    def lacks(self, run: LiveRun) -> WaitReason | None:
        """What a new run would have to wait for; None where all that it needs is free."""
        pool = run.pool
        job = run.job
        if run.not_before_us:
            return WaitReason.JITTER
        if _is_full(job):
            return WaitReason.OVERLAP
        for limit in run.limits:
            if limit.full or limit.waiting.size:
                return WaitReason.POOL
        if pool.free <= 0 or pool.queue.size:
            return WaitReason.SLOT
        return None

    def waits_for(self, run: LiveRun) -> WaitReason:
        """What a run that is queued waits for now."""
        if run.not_before_us:
            return WaitReason.RETRY if run.attempt else WaitReason.JITTER
        if not run.holds_job and _is_full(run.job):
            return WaitReason.OVERLAP
        return WaitReason.POOL if any(one.full for one in run.limits) else WaitReason.SLOT

    def limits(self) -> Iterator[tuple[str, str, int, int]]:
        """Each named pool and limited group: ``pool`` or ``group``, name, places used, places."""
        for kind, limits in (("pool", self._named), ("group", self._groups)):
            for name, limit in limits.items():
                yield kind, name, limit.used, limit.capacity

    def park(self, run: LiveRun, now_us: int) -> None:
        """Let a queued run wait in the place that is right for it."""
        if not run.parked:
            self.waiting += 1
        self._queue(run, now_us)

    def _queue(self, run: LiveRun, now_us: int) -> None:
        if run.not_before_us > now_us:
            self._later.push(run, run.not_before_us)
            return
        run.not_before_us = 0
        if not self._take_turn(run):
            run.job.waiting.push(run, _place(run))
            return
        for limit in run.limits:
            if limit.full:
                limit.waiting.push(run, -run.priority)
                return
        run.pool.queue.push(run, -run.priority)

    def ready(self, now_us: int) -> Iterator[LiveRun]:
        """The waiting runs that may start now, each with all that it needs reserved."""
        while (at_us := self._later.first_key()) is not None and at_us <= now_us:
            self._queue(self._later.pop(), now_us)
        for pool in self.pools.values():
            while pool.free > 0 and pool.queue.size:
                run = pool.queue.pop()
                if any(limit.full for limit in run.limits):
                    self._queue(run, now_us)
                    self._wake(run.limits, now_us)
                    continue
                self.waiting -= 1
                self._give(run)
                yield run

    def shift(self, step_us: int) -> None:
        """The wall clock was stepped: what waits for a while waits no shorter and no longer."""
        self._later.shift(step_us)

    def next_us(self) -> int | None:
        """When the time of the next waiting run comes; None when none waits for its time."""
        return self._later.first_key()

    def give_back(self, run: LiveRun, now_us: int) -> bool:
        """Its function has ended, or its claim was lost. Whether somebody waits for its slot."""
        run.pool.free += 1
        if run.limits:
            for limit in run.limits:
                limit.used -= 1
            self._wake(run.limits, now_us)
        return run.pool.queue.size > 0

    def pass_turn(self, run: LiveRun, now_us: int) -> bool:
        """A run has ended, or was cancelled. Whether another run of its job waited for that."""
        if not run.holds_job:
            return False
        run.holds_job = False
        run.job.holders -= 1
        return run.job.waiting.size > 0 and self.turns(run.job, now_us)

    def turns(self, job: LiveJob, now_us: int) -> bool:
        """Let the runs of a job that waited for their turn move on, as many as may."""
        waited = False
        while job.waiting.size and not _is_full(job):
            waited = True
            self._queue(job.waiting.pop(), now_us)
        return waited

    def unpark(self, run: LiveRun) -> None:
        """It waits no longer: it starts, or was cancelled."""
        if run.parked:
            leave(run)
            self.waiting -= 1

    def forget(self, run: LiveRun, now_us: int) -> bool:
        """It was cancelled while it waited. Whether that lets another run move on."""
        self.unpark(run)
        self._wake(run.limits, now_us)
        return self.pass_turn(run, now_us) or run.pool.queue.size > 0

    def _wake(self, limits: tuple[Limit, ...], now_us: int) -> None:
        """Let whoever waits for these limits move on; one that then waits for another is passed."""
        for limit in limits:
            while limit.waiting.size and not limit.full:
                run = limit.waiting.pop()
                self._queue(run, now_us)
                if not any(one.full for one in run.limits):
                    break  # it waits for a slot alone, and will take the place

    def _take_turn(self, run: LiveRun) -> bool:
        if not run.holds_job:
            if _is_full(run.job) and (run.behind or not _displace(run.job)):
                return False
            run.holds_job = True
            run.job.holders += 1
        return True

    def _give(self, run: LiveRun) -> None:
        run.pool.free -= 1
        run.pool.claimed += 1
        for limit in run.limits:
            limit.used += 1


def _is_full(job: LiveJob) -> bool:
    capacity = job.policies.concurrency
    return capacity > 0 and job.holders >= capacity


def _place(run: LiveRun) -> int:
    """Where in the queue of its job it waits."""
    return run.id + BEHIND if run.behind else run.id


def _displace(job: LiveJob) -> bool:
    """Let a backfill that has its turn, and waits for something else, wait for its turn again."""
    if not job.backfills:
        return False
    holders = (run for run in job.running.values() if run.holds_job)
    for run in islice(holders, job.holders):
        if run.behind and run.parked:
            run.holds_job = False
            job.holders -= 1
            job.waiting.push(run, _place(run))
            return True
    return False
