"""Which dead letters are to be replayed or dismissed, as it was asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from schedtui.errors import FieldError, InvalidError
from schedtui.models import Run, RunFilter
from schedtui.models.dead import MAX_LETTERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which dead letters are meant; see `schedtui.protocols.dead`."""

    runs: tuple[int, ...] | None
    """Their ids; None: what fits the filter."""
    where: RunFilter
    limit: int
    dry_run: bool
    groups: tuple[str, ...] | None = None
    """Those of other groups are not there; None: all are."""

    def sees(self, run: Run) -> bool:
        """Whether a run is of these groups."""
        return self.groups is None or run.job.partition("/")[0] in self.groups


def wanted(
    which: Sequence[int] | RunFilter,
    *,
    limit: int,
    dry_run: bool,
    groups: Collection[str] | None = None,
) -> Wanted:
    """What was asked for, checked.

    Raises:
        InvalidError: it says nothing, or too much.
    """
    if not 1 <= limit <= MAX_LETTERS:
        raise InvalidError.one("limit", limit, f"a whole number from 1 to {MAX_LETTERS:,}")
    among = None if groups is None else tuple(sorted(set(groups)))
    if not isinstance(which, RunFilter):
        runs = tuple(dict.fromkeys(which))
        if not 1 <= len(runs) <= MAX_LETTERS:
            raise InvalidError.one("runs", len(runs), f"1 to {MAX_LETTERS:,} runs")
        return Wanted(runs=runs, where=RunFilter(), limit=limit, dry_run=dry_run, groups=among)
    if which.empty:
        expected = "runs, or a filter: a job, a group, a function, an error, a time"
        error = FieldError(field="where", got=None, expected=expected)
        raise InvalidError(f"nothing is named; expected {expected}; nothing was done", (error,))
    where = replace(which, dead=True)
    return Wanted(runs=None, where=where, limit=limit, dry_run=dry_run, groups=among)
