"""One-off jobs that are replaced: what of them is due and has not started does not run."""

from __future__ import annotations

from collections.abc import Collection

from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.models import RunState, Source
from schedtui.protocols import Settled, StoreTx
from schedtui.triggers import Once

_DUE = (Source.SCHEDULE, Source.CATCHUP)


class Replaced:
    """The runs of a one-off that another one takes the place of.

    Args:
        live: Any job; of one that is no one-off nothing is ended.
        actor: Who replaces it.
        now_us: The engine's wall clock.
        instead: Whether it is replaced; else it is only edited, and nothing is ended either.
    """

    def __init__(self, live: LiveJob, actor: str, now_us: int, *, instead: bool) -> None:
        self.reason = f"its one-off job was replaced by {actor} before it started"
        self._now_us = now_us
        runs = live.running.values() if instead and isinstance(live.trigger, Once) else ()
        self._ids = {run.id for run in runs if run.state is RunState.QUEUED and run.source in _DUE}

    def waited(self, run: LiveRun) -> bool:
        """Whether a run is one of them."""
        return run.id in self._ids

    def end(self, tx: StoreTx, ids: Collection[int]) -> list[int]:
        """Cancel some of them in the transaction that replaces their job; those that were."""
        ends = [Settled(i, RunState.CANCELLED, self.reason, self._now_us) for i in ids]
        started = tx.settle(ends)
        return [run_id for run_id in ids if run_id not in started]
