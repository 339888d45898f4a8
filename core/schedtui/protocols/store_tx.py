"""What an open write transaction of a store promises."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from schedtui.models import Job, Revision
from schedtui.protocols.keeping import Notice, Removal
from schedtui.protocols.rows import (
    CallKey,
    Claim,
    EnginePause,
    Failing,
    Finish,
    LogChunk,
    NewRun,
    Retry,
    Settled,
    Start,
    Success,
    Token,
)


class StoreTx(Protocol):
    """One open write transaction. Used on the writer's thread only.

    Every method may raise `StoreUnavailableError` (nothing of the transaction stays; the same may
    be tried again) or `StoreDataError` (these rows will be refused again).
    """

    def claim(self, claims: Sequence[Claim]) -> set[int]:
        """Move jobs and insert their runs, for the claims whose job is still as it was.

        Returns:
            The ids of the jobs whose claim was lost; nothing of those was written.
        """

    def insert_runs(self, runs: Sequence[NewRun]) -> None:
        """Insert runs that move no job: manual ones."""

    def start(self, starts: Sequence[Start]) -> set[int]:
        """``queued`` to ``running``. Returns the ids of runs that were no longer queued."""

    def finish(self, ends: Sequence[Finish]) -> set[int]:
        """``running`` with this token to a terminal state, and a row in ``attempts``.

        Returns:
            The ids of the runs that were not running with that token; of those nothing was written.
        """

    def retry(self, retries: Sequence[Retry]) -> set[int]:
        """``running`` with this token back to ``queued``, and a row in ``attempts``.

        Returns:
            The ids of the runs that were not running with that token; of those nothing was written.
        """

    def handle(self, letters: Sequence[tuple[int, str]]) -> set[int]:
        """Say of dead letters, by the ids of their runs, what was done about them.

        Returns:
            The ids of those that were none, or none any more; of those nothing was written.
        """

    def settle(self, ends: Sequence[Settled]) -> set[int]:
        """``queued`` to a terminal state. Returns the ids of runs that were no longer queued."""

    def count_failures(self, changes: Sequence[Failing]) -> None:
        """Change how many runs of jobs have failed in a row."""

    def keep_key(self, key: CallKey, *, since_us: int) -> CallKey | None:
        """Keep the key of a call, and drop older ones.

        Returns:
            The call that has had this key since ``since_us``; then nothing was written.
        """

    def keep_successes(self, successes: Sequence[Success]) -> None:
        """Keep for which moments jobs have succeeded; of each job the newest ones."""

    def insert_backfill(
        self, job_id: int, runs: Sequence[NewRun], *, seen_id: int, notes: Sequence[tuple[int, str]]
    ) -> None:
        """Insert the runs of a backfill, and say so in the rows that they make good.

        Args:
            job_id: The job.
            runs: Queued ones.
            seen_id: The newest run of the job when it was found out which are missing.
            notes: Ids of runs that have ended, and what is added to the reason of each.

        Raises:
            ConflictError: the job has a newer backfill than that; nothing was written.
        """

    def cancel_queued(
        self, job_id: int, reason: str, now_us: int, *, among: Collection[int] | None = None
    ) -> list[int]:
        """All queued runs of a job, or those among some, to ``cancelled``. Returns their ids."""

    def insert_job(self, job: Job) -> Job:
        """Insert a job; ``id`` is given by the store.

        Raises:
            ConflictError: a living job has this group and name.
        """

    def update_job(self, job: Job, *, version: int, counts: bool = False) -> bool:
        """Write all of a living job's columns where its version still is ``version``.

        What outcomes count (``fired``, ``failures``) stays as it is; ``counts``: that too.

        Raises:
            ConflictError: another living job has its group and name.
        """

    def delete_job(self, job_id: int, *, version: int, now_us: int) -> bool:
        """Make a tombstone of a living job where its version still is ``version``."""

    def append_logs(self, chunks: Sequence[LogChunk]) -> None:
        """Keep log lines and index their text."""

    def audit(
        self,
        at_us: int,
        actor: str,
        action: str,
        object_: str,
        detail_json: str,
        *,
        subject: int | None = None,
    ) -> None:
        """Add a line to the audit trail.

        Args:
            at_us: When.
            actor: Who.
            action: ``job.edit`` and so on.
            object_: What it was done to, by its name.
            detail_json: What changed.
            subject: Id of the job that it changed; see `Store.changes_of`.
        """

    def beat(self, boot: str, now_us: int, *, stopped: bool = False) -> None:
        """The engine's sign of life, or its orderly end."""

    def secret(self) -> str:
        """A random key of this store, made when it is first asked for; it never leaves the engine.

        Fingerprints of late values are made with it, so that they cannot be guessed.
        """

    def set_clock_epoch(self, epoch: int) -> None:
        """Make a clock step durable."""

    def pause_engine(self, pause: EnginePause | None) -> None:
        """Make durable that the whole engine is paused; None: that it is not."""

    def move_pause(self, lasted_us: int, now_us: int) -> EnginePause | None:
        """Let a pause of the whole engine that lies ahead of now have begun so long ago.

        Returns it as it is then; None where there is none.
        """

    def delete_token(self, name: str) -> bool:
        """Forget a token; False where there is none of this name."""

    def remove(self, removal: Removal) -> None:
        """Remove ended runs, with what belongs to them, and chunks of log lines.

        Keeps from when to when there were rows of due times that are gone.
        """

    def shrink(self, pages: int) -> bool:
        """Give back room that is free, in steps. Returns whether there is more."""

    def post(self, notices: Sequence[Notice], *, most: int) -> int:
        """Keep notices until they are delivered, at most so many for a target.

        Returns:
            How many there was no room for.
        """

    def delivered(self, ids: Sequence[int]) -> None:
        """Notices have arrived, or are given up."""

    def undeliverable(self, known: Sequence[str]) -> int:
        """Notices to any other target have nowhere to go and are removed. Returns how many."""

    def postpone(self, ids: Sequence[int], next_us: int) -> None:
        """Delivering notices has failed once more; when to try again."""

    def insert_revision(self, revision: Revision) -> Revision:
        """Keep a revision; ``number`` is given by the store."""

    def insert_token(self, token: Token) -> Token:
        """Keep a new token; ``id`` is given by the store.

        Raises:
            ConflictError: a token of this name exists.
        """
