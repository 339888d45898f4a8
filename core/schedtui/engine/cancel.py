"""Runs that are to end: one that waits never starts, one that runs is asked."""

from __future__ import annotations

import json

from schedtui.engine.admit import Admission
from schedtui.engine.core import Core
from schedtui.engine.live import LiveJob, LiveRun
from schedtui.engine.supervise import Supervisor
from schedtui.errors import ConflictError
from schedtui.models import RunState
from schedtui.store.writer import Lane, Write


class Cancels:
    """Ends runs before their time; on the engine's loop."""

    def __init__(self, core: Core, supervisor: Supervisor, admission: Admission) -> None:
        self._core = core
        self._supervisor = supervisor
        self._admission = admission
        supervisor.on_unwanted = admission.on_unwanted = self._unwanted

    def cancel(self, run_id: int, actor: str, *, reason: str = "", force: bool = False) -> None:
        """Cancel a run; see `EngineClient.cancel_run`.

        Raises:
            ConflictError: it has ended, or cannot be asked.
        """
        run = self._supervisor.running.get(run_id) or self._core.run(run_id)
        if run is None:
            raise ConflictError(
                f"run {run_id} has ended already, or waits until its damaged job is mended; "
                "nothing was done"
            )
        why = f"cancelled by {actor}" + (f": {reason}" if reason else "")
        self._audit(run, actor, reason)
        self._end(run, why, force=force)

    def retries(self, job: LiveJob, actor: str, reason: str) -> int:
        """End the runs of a job that failed and have not begun their next attempt."""
        waiting = [run for run in job.running.values() if run.parked and run.attempt]
        for run in waiting:
            self.cancel(run.id, actor, reason=reason)
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
            self._supervisor.cancel(run, RunState.CANCELLED, why)
            self._core.hub.run(run.id, run.job.id, run.state)  # now it says that it was asked to
            if force:
                self._supervisor.let_go(run)

    def _unwanted(self, run: LiveRun) -> None:
        """What the store was to say of a run is known: end what there is of it now."""
        if run.unwanted is not None:
            why, force = run.unwanted
            self._end(run, why, force=force)

    def _audit(self, run: LiveRun, actor: str, reason: str) -> None:
        now_us = self._core.clock.now_us()
        detail = json.dumps({"run": run.id, "reason": reason})
        name = run.job.full_name
        self._core.writer.submit(
            Write(
                Lane.CLAIM,
                lambda tx: tx.audit(now_us, actor, "run.cancel", name, detail),
                done=lambda _: None,
                failed=lambda _: None,
            )
        )
