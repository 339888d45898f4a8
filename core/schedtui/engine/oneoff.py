"""One-off jobs that are replaced: what of them is due and has not started does not run."""

from __future__ import annotations

from schedtui.engine.live import LiveJob, LiveRun
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
    """

    def __init__(self, live: LiveJob, actor: str, now_us: int) -> None:
        runs = live.running.values() if isinstance(live.trigger, Once) else ()
        self._waiting = [run for run in runs if run.state is RunState.QUEUED and run.source in _DUE]
        reason = f"its one-off job was replaced by {actor} before it started"
        self._ends = [Settled(run.id, RunState.CANCELLED, reason, now_us) for run in self._waiting]
        self._started: set[int] = set()

    def end(self, tx: StoreTx) -> None:
        """Cancel those that wait; in the transaction that replaces their job."""
        self._started = tx.settle(self._ends)

    @property
    def cancelled(self) -> list[LiveRun]:
        """Those that were, once that is committed."""
        return [run for run in self._waiting if run.id not in self._started]
