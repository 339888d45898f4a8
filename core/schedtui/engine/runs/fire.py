"""Runs that no schedule asked for: by hand, at the start of the engine, once more.

They obey overlap as due times do, and never move the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schedtui.engine.core import Core
from schedtui.engine.jobs.keys import Asked, Made
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.live.job import LiveJob, dump_kwargs
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.admit import Admission
from schedtui.engine.runs.cancel import Cancels
from schedtui.engine.runs.dead_words import replayed_words
from schedtui.engine.runs.direct import NO_JOB
from schedtui.engine.tick.decide import Verdict, overlap
from schedtui.engine.tick.newruns import claimed_row, decided_row, new_run
from schedtui.errors import SchedtuiError
from schedtui.models import Overlap, RunState, Source
from schedtui.protocols import NewRun, RecentRun, StoreTx


class Fire:
    """Makes runs, one at a time; on the engine's loop."""

    def __init__(
        self,
        core: Core,
        writes: JobWrites,
        admission: Admission,
        cancels: Cancels,
        dispatch: Callable[[list[LiveRun]], None],
    ) -> None:
        self._core = core
        self._writes = writes
        self._admission = admission
        self._cancels = cancels
        self._dispatch = dispatch

    async def run(
        self,
        live: LiveJob,
        source: Source,
        kwargs: Mapping[str, Any],
        actor: str,
        *,
        parent_id: int | None = None,
        period_us: int = 0,
        call: Asked | None = None,
    ) -> Made:
        """Claim a run of a job now.

        Args:
            live: The job; no command holds it.
            source: Why.
            kwargs: Its arguments, checked.
            actor: Who asked.
            parent_id: The run it comes from.
            period_us: The moment whose period it belongs to; 0: now.
            call: Its key, where the caller gave one.

        Raises:
            ConflictError: the key was used with other arguments.
            StoreUnavailableError: nothing was written.
        """
        core = self._core
        run_id = next(core.run_ids)
        now_us = core.clock.now_us()
        reason = None
        if live.once is not None:
            reason = live.once.taken(period_us or now_us)
        if reason is None:
            reason = overlap(live.policies, live.competing())
        given = dump_kwargs(kwargs)
        run: LiveRun | None = None
        if reason is not None:
            verdict = Verdict(now_us, RunState.SKIPPED, source, reason)
            row = decided_row(run_id, live, verdict, core.epoch, now_us)
            row = row._replace(scheduled_for_us=None, kwargs_json=given)
        else:
            run = new_run(
                run_id,
                live,
                core.pool_of(live.job.function),
                source=source,
                scheduled_for_us=None,
                kwargs=kwargs,
                now_us=now_us,
                parent_id=parent_id,
            )
            run.period_us = period_us
            row = claimed_row(core, run, given, now_us)
            live.claimed(run)
        row = row._replace(actor=actor, parent_id=parent_id)

        def apply(tx: StoreTx) -> int | None:
            kept = None if call is None else call.keep(tx, run_id, now_us)
            if kept is not None:
                return kept
            tx.insert_runs([row])
            if run is not None and source is Source.RERUN and parent_id is not None:
                tx.handle([(parent_id, replayed_words(actor, run_id))])
            detail: dict[str, Any] = {"run": run_id}
            detail |= {} if parent_id is None else {"of": parent_id}
            detail |= {} if call is None else {"key": call.key}
            thing = "function" if live.id == NO_JOB else "job"
            action = f"{thing}.{_ACTIONS.get((thing, source), source)}"
            self._writes.audit(tx, actor, action, live.job, detail)
            return None

        try:
            kept = await self._writes.write(apply)
        except SchedtuiError:
            self._undo(live, run, now_us)
            raise
        if kept is not None:
            self._undo(live, run, now_us)
            return Made(kept, replayed=True)
        self._made(live, run, row)
        return Made(run_id)

    def _undo(self, live: LiveJob, run: LiveRun | None, now_us: int) -> None:
        if run is None:
            return
        live.unclaimed(run)
        if run.state is RunState.RUNNING:
            run.pool.claimed -= 1
            self._core.slots.give_back(run, now_us)
            self._core.slots.pass_turn(run, now_us)

    def _made(self, live: LiveJob, run: LiveRun | None, row: NewRun) -> None:
        if run is None:
            recent = RecentRun(row.id, live.id, row.state, row.claimed_at_us, None)
            live.recent.append(recent)
        else:
            live.began(run)
            if run.state is RunState.RUNNING:
                run.pool.claimed -= 1
                self._dispatch([run])
            else:
                if live.policies.overlap is Overlap.CANCEL_RUNNING:
                    self._cancels.replaced(run)
                self._admission.wait(run)
        self._core.hub.run(row.id, live.id, row.state, live.job.group)


_ACTIONS = {("job", Source.MANUAL): "trigger", ("function", Source.MANUAL): "run"}
