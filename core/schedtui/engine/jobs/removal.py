"""The deletion of a job: queued runs are cancelled, running ones finish, history stays."""

from __future__ import annotations

from schedtui.engine.core import Core
from schedtui.engine.jobs.audited import told
from schedtui.engine.jobs.writes import JobWrites, changed_meanwhile
from schedtui.engine.live.job import LiveJob
from schedtui.engine.runs.admit import Admission
from schedtui.engine.runs.cancel import Cancels
from schedtui.protocols import NewRun, StoreTx


class Removal:
    """The deletion of one job that is held: `write` in a transaction, `done` once that is kept."""

    def __init__(
        self,
        core: Core,
        writes: JobWrites,
        admission: Admission,
        cancels: Cancels,
        live: LiveJob,
        *,
        actor: str,
        now_us: int,
        rows: tuple[NewRun, ...],
    ) -> None:
        self._core = core
        self._writes = writes
        self._admission = admission
        self._cancels = cancels
        self._live = live
        self._actor = actor
        self._now_us = now_us
        self._why = f"its job was deleted by {actor}"
        self._rows = rows
        self._cancelled: list[int] = []

    def write(self, tx: StoreTx) -> None:
        """Delete it in the store.

        Raises:
            ConflictError: it was changed or deleted meanwhile.
        """
        live = self._live
        if not tx.delete_job(live.id, version=live.version, now_us=self._now_us):
            raise changed_meanwhile(live.full_name)
        tx.insert_runs(self._rows)
        job = live.current()
        self._writes.audit(tx, self._actor, "job.delete", job, {"before": told(job)})
        self._cancelled = tx.cancel_queued(live.id, self._why, self._now_us)

    def done(self) -> None:
        """Let go of it in the engine."""
        core, live = self._core, self._live
        core.heap.drop(live)
        core.jobs.remove(live)
        core.problem(f"job {live.id}", None)
        core.hub.removed(live.id, live.job.group)
        core.names_changed()
        self._admission.forget([live.running[i] for i in self._cancelled if i in live.running])
        self._cancels.deleted(live, self._why)
