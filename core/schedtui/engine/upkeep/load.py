"""Jobs from the store into memory: all of them at the start, one whose claim was lost later."""

from __future__ import annotations

import asyncio
import logging

from schedtui.engine.core import Core
from schedtui.engine.live.job import RECENT, LiveJob
from schedtui.engine.live.once import guard
from schedtui.errors import SchedtuiError

logger = logging.getLogger("schedtui.engine")

SLICE = 200
"""Jobs that are taken over before others have the loop."""
RETRY_S = 1.0


async def load(core: Core) -> None:
    """Take over every living job, with its newest runs.

    Raises:
        StoreError: the store cannot be read.
    """
    newest = await core.off_loop(core.store.revisions, limit=1, before=None)
    core.revision = newest[0].number if newest else 0
    jobs = await core.off_loop(lambda: list(core.store.jobs()))
    recent = await core.off_loop(core.store.recent_runs, RECENT)
    successes = await core.off_loop(core.store.successes)
    for number, job in enumerate(jobs):
        live = core.live(job)
        if job.id in successes:
            guard(live).remember((one.run_id, one.at_us) for one in successes[job.id])
            await asyncio.sleep(0)  # naming the periods of ten thousand takes a while
        live.recent.extend(recent.get(job.id, ()))
        core.jobs.add(live)
        core.heap.push(live)
        if live.problem:
            core.problem(f"job {job.id}", f"{job.full_name}: {live.problem}")
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)


class Reloads:
    """Reads jobs again whose claims were lost: they changed, or are gone. On the loop only."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a job is being read."""
        return bool(self._tasks)

    def close(self) -> None:
        """Begin no further reading."""
        self._closed = True

    def read(self, live: LiveJob) -> None:
        """Read a job, again and again until the store answers."""
        if not self._closed:
            task = self._core.loop.create_task(self._read(live))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _read(self, live: LiveJob) -> None:
        core = self._core
        try:
            job = await core.off_loop(core.store.job, live.id)
        except SchedtuiError as error:
            logger.warning("%s cannot be read: %s", live.full_name, error)
            if not self._closed:
                core.clock.call_later(RETRY_S, lambda: self.read(live))
            return
        if live.busy or live.removed:
            return
        if job is None:
            core.heap.drop(live)
            core.jobs.remove(live)
            core.hub.removed(live.id, live.job.group)
            core.names_changed()
        elif job.version >= live.version:
            core.adopt(live, job)
