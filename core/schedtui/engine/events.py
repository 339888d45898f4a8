"""What changed, for whoever watches: one shared map, read by each watcher from where it was.

The map holds, per job, the number of its newest change; a watcher gets the newest state of all that
changed after its cursor. A burst of changes to one job is one entry, a slow watcher costs nothing,
and one that was away too long is told so (`EventGapError`), never left without.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from schedtui.errors import EngineStoppedError, EventGapError
from schedtui.models import TERMINAL, Changes, EngineInfo, JobSummary, RunChange, RunState

MAX_RUNS = 1_000
MAX_REMOVED = 10_000
SLICE = 500
"""Rows that are made before others have the loop."""
SHARED_S = 0.05
"""So long a frame is good for who else waits at its place; what changed since comes after it."""


class _Made(NamedTuple):
    """A frame: up to where it goes, when it was asked for on the loop's clock, and its making."""

    upto: int
    at: float
    task: asyncio.Task[Changes]


class _Removed(NamedTuple):
    """When a job was deleted, by the number of the change, and whose it was."""

    at: int
    group: str


class Hub:
    """The map of changes of one boot. On the engine's loop only.

    Args:
        boot: The engine's boot; cursors of another boot are gaps.
        summary: Gives a job's row by its id; None when it is gone.
        info: Gives the engine's present state.
        group: Gives a living job's group by its id; None for any other.
    """

    def __init__(
        self,
        boot: str,
        *,
        summary: Callable[[int], JobSummary | None],
        info: Callable[[], EngineInfo],
        group: Callable[[int], str | None],
    ) -> None:
        self._boot = boot
        self._summary = summary
        self._info = info
        self._group = group
        self._seq = 0
        self._floor = 0
        self._jobs: dict[int, int] = {}
        self._removed: dict[int, _Removed] = {}
        self._runs: deque[tuple[int, str, tuple[int, int, RunState]]] = deque(maxlen=MAX_RUNS)
        self.ended: Counter[RunState] = Counter()
        """How many runs have ended in each state, or were decided not to run."""
        self._engine_seq = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._closed = False
        self._made: dict[tuple[int, frozenset[str] | None], _Made] = {}
        """The newest frames, and those that are being made, by where they begin and whose."""

    @property
    def cursor(self) -> str:
        """Where a snapshot that is taken now goes on."""
        return f"{self._boot}:{self._seq}"

    def job(self, job_id: int) -> None:
        """A job, or one of its runs, changed."""
        self._seq += 1
        if self._jobs.pop(job_id, None) is not None or job_id not in self._removed:
            self._jobs[job_id] = self._seq
        self._notify()

    def run(self, run_id: int, job_id: int, state: RunState, group: str) -> None:
        """A run moved; its job changed with it.

        Args:
            run_id: The run.
            job_id: Its job; 0 where it has none.
            state: Where it is now.
            group: Whose its job is, or its function where it has no job.
        """
        self._seq = seq = self._seq + 1
        if self._jobs.pop(job_id, None) is not None or job_id not in self._removed:
            self._jobs[job_id] = seq
        self._runs.append((seq, group, (run_id, job_id, state)))
        if state in TERMINAL:
            self.ended[state] += 1
        if self._waiters:
            self._notify()

    def removed(self, job_id: int, group: str) -> None:
        """A job of a group was deleted."""
        self._seq += 1
        self._jobs.pop(job_id, None)
        self._removed[job_id] = _Removed(self._seq, group)
        while len(self._removed) > MAX_REMOVED:
            self._floor = self._removed.pop(next(iter(self._removed))).at
        self._notify()

    def engine(self) -> None:
        """Something about the engine changed: its health, its problems."""
        self._seq += 1
        self._engine_seq = self._seq
        self._notify()

    def close(self) -> None:
        """End every watcher."""
        self._closed = True
        self._notify()

    async def after(self, cursor: str, groups: frozenset[str] | None = None) -> Changes:
        """Wait until something is different from ``cursor``; then all that is.

        Args:
            cursor: Where to begin.
            groups: Only what is of these, and the engine; None: all.

        Raises:
            EventGapError: the cursor is of another boot, or too old.
            EngineStoppedError: the engine stops.
        """
        seq = self._position(cursor)
        while seq == self._seq and not self._closed:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        if self._closed:
            raise EngineStoppedError("the engine has stopped; connect again when it runs")
        return await self._shared(seq, groups)

    def _position(self, cursor: str) -> int:
        boot, _, number = cursor.partition(":")
        seq = int(number) if number.isascii() and number.isdigit() and len(number) < 20 else -1
        if boot != self._boot or not self._floor <= seq <= self._seq:
            raise EventGapError(
                f"changes after {cursor[:60]!r} are not known to this engine; take a snapshot"
            )
        return seq

    async def _shared(self, seq: int, groups: frozenset[str] | None) -> Changes:
        """The frame from ``seq``: made once for all who wait at the same place.

        In a storm something changes between the first of them and the last.
        """
        loop = asyncio.get_running_loop()
        since = loop.time() - SHARED_S
        made = self._made.get((seq, groups))
        if made is None or not (made.upto == self._seq or made.at > since or not made.task.done()):
            for first in [first for first, one in self._made.items() if one.at <= since]:
                del self._made[first]
            made = _Made(self._seq, loop.time(), loop.create_task(self._collect(seq, groups)))
            self._made[seq, groups] = made
        return await asyncio.shield(made.task)

    async def _collect(self, seq: int, groups: frozenset[str] | None) -> Changes:
        # The cursor first: what changes while the rows are made comes again after it.
        cursor = self.cursor
        engine = self._info() if self._engine_seq > seq else None
        changed: list[int] = []
        for job_id in reversed(self._jobs):
            if self._jobs[job_id] <= seq:
                break
            if groups is None or self._group(job_id) in groups:
                changed.append(job_id)
        changed.reverse()
        removed = [
            job_id
            for job_id, one in reversed(self._removed.items())
            if one.at > seq and (groups is None or one.group in groups)
        ]
        runs = []
        for at, group, change in reversed(self._runs):
            if at <= seq:
                break
            if groups is None or group in groups:
                runs.append(RunChange(*change))
        rows: list[JobSummary | None] = []
        for first in range(0, len(changed), SLICE):
            if first:
                await asyncio.sleep(0)
            rows += [self._summary(job_id) for job_id in changed[first : first + SLICE]]
        return Changes(
            cursor=cursor,
            jobs=tuple(row for row in rows if row is not None),
            removed=tuple(reversed(removed)),
            runs=tuple(reversed(runs)),
            engine=engine,
        )

    def _notify(self) -> None:
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
