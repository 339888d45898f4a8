"""Queued runs that a command cancels in its own transaction, with the runs that follow them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from schedtui.engine.core import Core
from schedtui.engine.live.job import LiveJob
from schedtui.engine.live.run import LiveRun
from schedtui.engine.runs.chains import Chains, Child, insert
from schedtui.models import RunState
from schedtui.protocols import StoreTx

SLICE = 500
"""Runs that are looked at before others have the loop."""


class Ending:
    """The queued runs of a job that are about to be cancelled, and what follows them.

    From `foresee` on nothing else can start or end them, so that what is made to follow them is
    what will be written. In this order: `foresee`, then `write` in the transaction that cancels,
    then `left` and `committed`, or `dropped`.

    Args:
        core: The engine's parts.
        chains: Makes the runs that follow others.
        live: The job.
        may: Which of its runs are meant.
    """

    def __init__(
        self, core: Core, chains: Chains, live: LiveJob, may: Callable[[LiveRun], bool]
    ) -> None:
        self._core = core
        self._chains = chains
        self._live = live
        self._may = may
        self._taken: dict[int, LiveRun] = {}
        self._under_way: list[int] = []
        self._children: dict[int, tuple[Child, ...]] = {}
        self.ended: Collection[int] = ()
        """The runs that the transaction has cancelled."""
        self.later = 0
        """Those that end as soon as they wait, because they did not when it was made."""

    @property
    def ids(self) -> Collection[int]:
        """The runs that the transaction is to cancel."""
        return self._taken.keys()

    @property
    def runs(self) -> Collection[LiveRun]:
        """The same; they wait in no place any more."""
        return self._taken.values()

    async def foresee(self) -> None:
        """Take what waits out of its place, and make what follows."""
        while new := [run for run in self._meant() if run.parked]:
            for run in new:
                self._core.slots.unpark(run)
                self._taken[run.id] = run
            for number, run in enumerate(new, start=1):
                made = self._chains.children(self._live, run.id, RunState.CANCELLED)
                self._children[run.id] = made
                if number % SLICE == 0:
                    await asyncio.sleep(0)
        self._under_way = [
            run.id
            for run in self._meant()
            if run.id not in self._taken and (run.state is RunState.QUEUED or _fails(run))
        ]

    def _meant(self) -> list[LiveRun]:
        return [run for run in self._live.running.values() if self._may(run)]

    def write(self, tx: StoreTx, ended: Collection[int]) -> None:
        """Insert the runs that follow those that were cancelled."""
        self.ended = ended
        insert(tx, self._of(set(ended)), set())

    def left(self) -> list[LiveRun]:
        """What was on its way when the transaction was made, and waits now or is about to."""
        now = [self._live.running.get(run_id) for run_id in self._under_way]
        found = [run for run in now if run is not None and (run.parked or _fails(run))]
        self.later = len(found)
        return found

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


def _fails(run: LiveRun) -> bool:
    """Whether its attempt has ended, and its row is about to be queued for the next one."""
    return run.ended and run.not_before_us > 0
