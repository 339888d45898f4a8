"""Queued runs that a command cancels in its own transaction, with the runs that follow them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from schedtui.engine.chains import Chains, Child, insert
from schedtui.engine.live import LiveJob
from schedtui.engine.live_run import LiveRun
from schedtui.models import RunState
from schedtui.protocols import StoreTx

SLICE = 500
"""Runs that are looked at before others have the loop."""


class Ending:
    """What follows the queued runs of a job that are about to be cancelled.

    In this order: `foresee`, then `write` in the transaction that cancels, then `committed` or
    `dropped`.

    Args:
        chains: Makes the runs that follow others.
        live: The job.
        may: Which of its runs the transaction may find queued, and cancel.
    """

    def __init__(self, chains: Chains, live: LiveJob, may: Callable[[LiveRun], bool]) -> None:
        self._chains = chains
        self._live = live
        self._may = may
        self._children: dict[int, tuple[Child, ...]] = {}
        self.ended: Collection[int] = ()
        """The runs that the transaction has cancelled."""

    async def foresee(self) -> None:
        """Make what would follow; nobody else had the loop between its end and its return."""
        while True:
            new = [run for run in self._live.running.values() if self._wanted(run)]
            # Those that may be cancelled come before those that are most likely over.
            new.sort(key=lambda run: run.state is not RunState.QUEUED)
            for run in new[:SLICE]:
                made = self._chains.children(self._live, run.id, RunState.CANCELLED)
                self._children[run.id] = made
            if len(new) <= SLICE:
                return
            await asyncio.sleep(0)

    def _wanted(self, run: LiveRun) -> bool:
        # The row of one whose attempt has ended may be queued again when the transaction begins.
        waits = run.state is RunState.QUEUED or run.ended
        return waits and run.id not in self._children and self._may(run)

    def write(self, tx: StoreTx, ended: Collection[int]) -> None:
        """Insert the runs that follow those that were cancelled."""
        self.ended = ended
        insert(tx, self._of(set(ended)), set())

    async def committed(self) -> None:
        """The transaction is in the store."""
        ended = set(self.ended)
        self._chains.dropped(self._of(self._children.keys() - ended))
        following = self._of(ended)
        for first in range(0, len(following), SLICE):
            self._chains.committed(following[first : first + SLICE])
            await asyncio.sleep(0)

    def dropped(self) -> None:
        """Nothing was written."""
        self._chains.dropped(self._of(self._children))

    def _of(self, parents: Collection[int]) -> list[Child]:
        return [
            child for run_id, made in self._children.items() if run_id in parents for child in made
        ]
