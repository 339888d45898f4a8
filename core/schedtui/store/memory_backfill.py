"""What backfills, and who cancels them, ask of the store in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from schedtui.models import RunState, Source
from schedtui.store import rows

if TYPE_CHECKING:
    from schedtui.protocols import NewRun
    from schedtui.store.memory_data import Data


def refuse_newer(data: Data, job_id: int, seen_id: int) -> None:
    """Let nothing be inserted where the job has a backfill run above ``seen_id``.

    Raises:
        ConflictError: it has.
    """
    for run in data.runs.values():
        if run.job_id == job_id and run.source is Source.BACKFILL and run.id > seen_id:
            raise rows.backfilled_meanwhile(job_id)


def noted(data: Data, notes: Sequence[tuple[int, str]]) -> Iterator[NewRun]:
    """The runs with what is added to their reasons."""
    for run_id, note in notes:
        run = data.runs.get(run_id)
        if run is not None:
            reason = f"{run.reason}; {note}" if run.reason else note
            yield run._replace(reason=rows.printable(reason))


def queued_runs(data: Data, job_id: int, among: Collection[int] | None) -> list[NewRun]:
    """The queued runs of a job, or those among some, oldest first."""
    ids = data.active.keys() if among is None else data.active.keys() & set(among)
    return [
        run
        for run in (data.runs[run_id] for run_id in sorted(ids))
        if run.job_id == job_id and run.state is RunState.QUEUED
    ]
