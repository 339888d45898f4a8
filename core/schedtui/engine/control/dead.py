"""What people and programs do about runs that failed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import replace

from schedtui.engine.control.part import ControlPart
from schedtui.engine.elsewhere import passed_on
from schedtui.engine.runs.reads import Reads
from schedtui.engine.runs.replay_keys import asked_replay
from schedtui.engine.runs.wanted import Wanted, checked_note, wanted
from schedtui.engine.sync import PYTHON
from schedtui.models import Letters, RunFilter


class DeadControl(ControlPart):
    """The part of `Engine` behind `schedtui.protocols.dead.DeadLetters`."""

    @property
    @abstractmethod
    def reads(self) -> Reads:
        """What can be asked of the store."""

    @passed_on()
    async def replay_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        limit: int = 1_000,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        groups: Collection[str] | None = None,
        actor: str = PYTHON,
    ) -> Letters:
        """Run dead letters once more; see `DeadLetters.replay_runs`."""
        asked = wanted(which, limit=limit, dry_run=dry_run, groups=groups)
        call = asked_replay(asked, idempotency_key)
        found = await self._resolved(asked)
        return await self.on_loop(lambda: self._live().commands.replay(found, actor, call))

    @passed_on()
    async def dismiss_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        note: str = "",
        limit: int = 1_000,
        dry_run: bool = False,
        groups: Collection[str] | None = None,
        actor: str = PYTHON,
    ) -> Letters:
        """Say that nothing more is to be done about them; see `DeadLetters.dismiss_runs`."""
        asked = wanted(which, limit=limit, dry_run=dry_run, groups=groups)
        words = checked_note(note)
        found = await self._resolved(asked)
        return await self.on_loop(lambda: self._live().commands.dismiss(found, words, actor))

    async def _resolved(self, asked: Wanted) -> Wanted:
        where, among = await self.reads.chosen(asked.where)
        return replace(asked, where=where, among=among)
