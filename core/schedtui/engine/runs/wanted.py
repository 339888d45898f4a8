"""Which dead letters are to be replayed or dismissed, as it was asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from schedtui.errors import FieldError, InvalidError
from schedtui.models import Run, RunFilter
from schedtui.models.dead import MAX_LETTERS, MAX_NOTE


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
    among: tuple[int, ...] | None = None
    """The ids of the jobs that have the tag of the filter; None: it names none."""

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
    if type(limit) is not int or not 1 <= limit <= MAX_LETTERS:
        raise InvalidError.one("limit", limit, f"a whole number from 1 to {MAX_LETTERS:,}")
    among = None if groups is None else _names(groups)
    if not isinstance(which, RunFilter):
        runs = _ids(which)
        return Wanted(runs=runs, where=RunFilter(), limit=limit, dry_run=dry_run, groups=among)
    if which.empty:
        expected = "runs, or a filter: a job, a group, a function, an error, a time"
        error = FieldError(field="where", got=None, expected=expected)
        raise InvalidError(f"nothing is named; expected {expected}; nothing was done", (error,))
    where = replace(which, dead=True)
    return Wanted(runs=None, where=where, limit=limit, dry_run=dry_run, groups=among)


def checked_note(note: object) -> str:
    """The note of a dismissal.

    Raises:
        InvalidError: it is none, or too long.
    """
    if not isinstance(note, str):
        raise InvalidError.one("note", note, "a text")
    if len(note) > MAX_NOTE:
        raise InvalidError.one("note", note, f"at most {MAX_NOTE:,} characters")
    return note


def _ids(which: object) -> tuple[int, ...]:
    if not isinstance(which, Collection) or isinstance(which, (str, bytes, Mapping)):
        raise InvalidError.one("runs", which, "ids of runs, or a RunFilter")
    if not 1 <= len(which) <= MAX_LETTERS:
        raise InvalidError.one("runs", len(which), f"1 to {MAX_LETTERS:,} runs")
    for run_id in which:
        if type(run_id) is not int:
            raise InvalidError.one("runs", run_id, "the id of a run, which is a whole number")
    return tuple(dict.fromkeys(which))


def _names(groups: object) -> tuple[str, ...]:
    if not isinstance(groups, Collection) or isinstance(groups, (str, bytes)):
        raise InvalidError.one("groups", groups, "names of groups")
    for group in groups:
        if not isinstance(group, str):
            raise InvalidError.one("groups", group, "the name of a group")
    return tuple(sorted(set(groups)))
