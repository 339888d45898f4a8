"""Forgetting: what the history need not hold any longer is removed, a little at a time.

What goes is looked up on a thread, and removed in small transactions in the lane of the log lines,
behind all else. Nothing is removed in the tick.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from schedtui.clock import MIN_US
from schedtui.engine.core import Core
from schedtui.errors import EngineStoppedError, SchedtuiError
from schedtui.models import Policies
from schedtui.policies import Effective
from schedtui.protocols import Keep, Removal, StoreTx
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.engine")

FIRST_S = 600.0
"""After the start of an engine, which has other things to do."""
PERIOD_S = 3_600.0
PAGES = 200
"""Free pages of the file that are given back in one transaction."""
T = TypeVar("T")


class Retention:
    """Removes what is old; on the engine's loop.

    Args:
        core: The engine's parts.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._next = core.clock.monotonic() + FIRST_S
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def close(self) -> None:
        """Begin nothing more; what was removed stays so."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()

    def tick(self) -> float:
        """Begin a round where one is due. Returns the seconds until the next one."""
        now = self._core.clock.monotonic()
        if now >= self._next and not self._closed and self._task is None:
            self._next = now + PERIOD_S
            self._task = self._core.loop.create_task(self._round())
            self._task.add_done_callback(self._over)
        return max(0.0, self._next - now)

    def _over(self, _task: asyncio.Task[None]) -> None:
        self._task = None

    async def _round(self) -> None:
        try:
            removed = await self.sweep()
        except EngineStoppedError:
            return
        except SchedtuiError as error:
            logger.warning("old runs are not removed now: %s", error)
        except Exception:  # the engine goes on, and the next round tries again
            logger.exception("old runs could not be removed")
        else:
            if removed:
                logger.info("%d old runs were removed", removed)

    async def sweep(self) -> int:
        """Remove all that is due to go. Returns how many runs were removed.

        Raises:
            StoreUnavailableError: the rest is left to the next round.
            EngineStoppedError: the engine stops.
        """
        core = self._core
        removed = 0
        for job_id in await core.off_loop(core.store.stored_jobs):
            keep = self._keep(job_id)
            while (found := await core.off_loop(core.store.expired, job_id, keep)) is not None:
                await self._write(_removing(found))
                removed += len(found.runs)
        while await self._write(lambda tx: tx.shrink(PAGES)):
            continue
        return removed

    def _keep(self, job_id: int) -> Keep:
        """What rules a job; the engine's own rules where it was deleted, or is none."""
        live = self._core.jobs.by_id(job_id)
        rules = self._core.policies_of("", Policies()) if live is None else live.policies
        return keeping(rules, self._core.clock.now_us())

    async def _write(self, apply: Callable[[StoreTx], T]) -> T:
        future: asyncio.Future[T] = self._core.loop.create_future()

        def done(result: T) -> None:
            if not future.done():
                future.set_result(result)

        def failed(error: SchedtuiError) -> None:
            if not future.done():
                future.set_exception(error)

        self._core.writer.submit(Write(Lane.LOG, apply, done=done, failed=failed))
        return await future


def keeping(rules: Effective, now_us: int) -> Keep:
    """What a job's policies mean at a moment."""

    def before_us(seconds: float) -> int:
        return max(MIN_US, now_us - round(seconds * 1e6)) if seconds else MIN_US

    return Keep(
        runs=rules.keep_runs,
        ended_before_us=before_us(rules.keep_s),
        failed_before_us=before_us(rules.keep_failures_s),
        logs_before_us=before_us(rules.keep_logs_s),
    )


def _removing(found: Removal) -> Callable[[StoreTx], None]:
    return lambda tx: tx.remove(found)
