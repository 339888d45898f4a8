"""Runs that are to end: one that waits never starts, one that runs is asked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial

from schedtui.engine.core import Core
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.admit import Admission
from schedtui.engine.runs.supervise import Supervisor
from schedtui.errors import ConflictError, SchedtuiError, StoreUnavailableError
from schedtui.models import RunState
from schedtui.protocols import StoreTx
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.runs")

MOVES = 10
"""How often a run is looked for again that was on its way from one place to another."""


class Cancels:
    """Ends runs before their time; on the engine's loop."""

    def __init__(
        self, core: Core, writes: JobWrites, supervisor: Supervisor, admission: Admission
    ) -> None:
        self._core = core
        self._writes = writes
        self._supervisor = supervisor
        self._admission = admission
        supervisor.on_unwanted = admission.on_unwanted = self._unwanted

    async def cancel(
        self, run_id: int, actor: str, *, reason: str = "", force: bool = False
    ) -> None:
        """Cancel a run; see `EngineClient.cancel_run`.

        Raises:
            ConflictError: it has ended, or cannot be asked.
            StoreUnavailableError: it waits, and goes on waiting.
        """
        why = f"cancelled by {actor}" + (f": {reason}" if reason else "")
        detail = json.dumps({"run": run_id, "reason": reason})
        for _ in range(MOVES):
            run = self._supervisor.running.get(run_id) or self._core.run(run_id)
            if run is None:
                raise ConflictError(
                    f"run {run_id} has ended already, or waits until its damaged job is mended; "
                    "nothing was done"
                )
            note = partial(self._note, actor, run.job.full_name, detail)
            if run.parked:
                await self._admission.settle([run], RunState.CANCELLED, why, note)
                return
            if self._supervisor.running.get(run.id) is run:
                self._ask(run, why, force=force)
                self._later(note)
                return
            await self._moved(run)
        raise StoreUnavailableError(
            f"how the attempt of run {run_id} ended cannot be written yet; nothing was done"
        )

    async def _moved(self, run: LiveRun) -> None:
        """What is on its way to the store about a run was answered, for better or worse."""
        # The first fails at once where the store does not answer.
        await self._writes.write(_nothing)
        if run.ended:
            await self._writes.write(_nothing, lane=Lane.OUTCOME)

    async def retries(self, job: LiveJob, actor: str, reason: str) -> int:
        """End the runs of a job that failed and have not begun their next attempt."""
        waiting = [run for run in job.running.values() if run.parked and run.attempt]
        for run in waiting:
            if run.parked:
                await self.cancel(run.id, actor, reason=reason)
        return len(waiting)

    def replaced(self, by: LiveRun) -> None:
        """End the other runs of a job whose new run takes their place; its backfills wait."""
        for run in list(by.job.running.values()):
            if run is not by and not run.behind:
                self._end(run, f"run {by.id} takes its place")

    def deleted(self, job: LiveJob, why: str) -> None:
        """End what waits of a job that is gone: it failed, and was queued again, just then."""
        for run in list(job.running.values()):
            if run.parked:
                self._end(run, why)

    def _end(self, run: LiveRun, why: str, *, force: bool = False) -> None:
        # Until the store has said so: what it does not take now is tried again.
        run.unwanted = why, force
        if run.parked:
            self._admission.settle([run], RunState.CANCELLED, why)
        elif self._supervisor.running.get(run.id) is run:
            run.unwanted = None
            self._ask(run, why, force=force)

    def _ask(self, run: LiveRun, why: str, *, force: bool) -> None:
        self._supervisor.cancel(run, RunState.CANCELLED, why)
        # Now it says that it was asked to.
        self._core.hub.run(run.id, run.job.id, run.state, run.job.job.group)
        if force:
            self._supervisor.let_go(run)

    def _unwanted(self, run: LiveRun) -> None:
        """What the store was to say of a run is known: end what there is of it now."""
        if run.unwanted is not None:
            why, force = run.unwanted
            self._end(run, why, force=force)

    def _later(self, note: Callable[[StoreTx], None]) -> None:
        """Write a line; like an outcome, it waits for a store that does not answer."""

        def failed(error: SchedtuiError) -> None:
            logger.error("who cancelled a run could not be written: %s", error)

        self._core.writer.submit(Write(Lane.OUTCOME, note, done=lambda _: None, failed=failed))

    def _note(self, actor: str, name: str, detail: str, tx: StoreTx) -> None:
        tx.audit(self._core.clock.now_us(), actor, "run.cancel", name, detail)


def _nothing(_tx: StoreTx) -> None:
    return None
