"""What an engine promises whoever looks after what failed: a part of `EngineClient`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from schedtui.models import Letters, RunFilter


class DeadLetters(Protocol):
    """A part of `EngineClient`; see there for what holds for every method.

    A dead letter is a run that failed, was lost or ran into its timeout for good, and that nobody
    has replayed or dismissed since; ``runs(RunFilter(dead=True))`` lists them. To rerun one, or to
    backfill its due time, replays it as well.
    """

    async def replay_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        limit: int = 1_000,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        groups: Collection[str] | None = None,
    ) -> Letters:
        """Run dead letters once more, with their arguments, as `EngineClient.rerun` does.

        What cannot be replayed is told and left out: one that is no dead letter any more, whose job
        was deleted, or whose arguments do not fit. The others are queued in one transaction, or
        none. They wait for their turn whatever the job's overlap says, behind everything else. One
        that fails again is a dead letter of its own.

        Args:
            which: Ids of runs, or a filter, which must say something.
            limit: Take the oldest that many that can be replayed; 1,000 at most.
            dry_run: Queue nothing, and say what would be.
            idempotency_key: As for `EngineClient.trigger_job`; the answer is then that of the first
                call that queued something.
            groups: Only those of these groups; the others are as if they were not there. None: all.

        Raises:
            InvalidError: the filter is empty, or the limit or the number of ids cannot be.
            JobNotFoundError: no job ever had the name in the filter.
            ConflictError: one was replayed or dismissed by somebody else just then, or the key was
                used with other arguments. Nothing was queued.
        """

    async def dismiss_runs(
        self,
        which: Sequence[int] | RunFilter,
        *,
        note: str = "",
        limit: int = 1_000,
        dry_run: bool = False,
        groups: Collection[str] | None = None,
    ) -> Letters:
        """Say of dead letters that nothing more is to be done about them.

        Args:
            which: Ids of runs, or a filter, which must say something.
            note: Why; kept with the runs.
            limit: Take the oldest that many; 1,000 at most.
            dry_run: Change nothing, and say what would be.
            groups: As `replay_runs`.

        Raises:
            InvalidError: as `replay_runs`, or ``note`` is too long.
            JobNotFoundError: no job ever had the name in the filter.
        """
