"""What the engines in memory, behind the API and the console, answer of dead letters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any

from schedtui.models import Letter, Letters, RunFilter


class FakeDead(ABC):
    """Does to each run by its id what it is asked to, and notes that."""

    @abstractmethod
    def _note(self, call: str, **seen: Any) -> None:
        """Remember a call."""

    async def replay_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        limit: int = 1_000,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        groups: Collection[str] | None = None,
    ) -> Letters:
        self._note(
            "replay_runs",
            which=which,
            limit=limit,
            dry_run=dry_run,
            key=idempotency_key,
            **_among(groups),
        )
        return _answer(which, 100, dry_run=dry_run)

    async def dismiss_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        note: str = "",
        limit: int = 1_000,
        dry_run: bool = False,
        groups: Collection[str] | None = None,
    ) -> Letters:
        self._note(
            "dismiss_runs", which=which, note=note, limit=limit, dry_run=dry_run, **_among(groups)
        )
        return _answer(which, None, dry_run=dry_run)


def _among(groups: Collection[str] | None) -> dict[str, Any]:
    return {} if groups is None else {"groups": sorted(groups)}


def _answer(which: Sequence[int] | RunFilter, first: int | None, *, dry_run: bool) -> Letters:
    runs = (7,) if isinstance(which, RunFilter) else which
    news = {run: None if first is None or dry_run else first + run for run in runs}
    letters = tuple(Letter(run=run, job="g/a", done=True, new_run=news[run]) for run in runs)
    return Letters(found=len(letters), done=len(letters), dry_run=dry_run, letters=letters)
