"""What a store promises its engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from schedtui.models import (
    Attempt,
    AuditEvent,
    AuditFilter,
    Job,
    LogHit,
    LogLine,
    Revision,
    Run,
    RunFilter,
)
from schedtui.models.stats import Figures, StatsBy
from schedtui.protocols.keeping import Keep, Posted, Removal
from schedtui.protocols.rows import (
    Boot,
    CallKey,
    DueRows,
    Opened,
    OpenRun,
    PastBoot,
    RecentRun,
    Success,
    Token,
    Tombstone,
)
from schedtui.protocols.store_tx import StoreTx

ENGINE = 0
"""The subject of lines of the audit trail that changed what all jobs go by."""


class Store(Protocol):
    """Where jobs, runs, logs and the audit trail live.

    `open`, `close` and reads block and may be called from any thread but the event loop's;
    transactions belong to the writer's thread.
    """

    @property
    def url(self) -> str:
        """Kind and place, without secrets."""

    def open(self, boot: Boot | None) -> Opened:
        """Lock, migrate (with a backup first), and register the boot.

        Args:
            boot: None to use the store as a tool beside its engine: no lock, no boot.

        Raises:
            StoreLockedError: another engine owns it.
            StoreSchemaError: it was written by a newer schedtui.
            StoreUnavailableError: it cannot be opened now.
            StoreError: it is damaged, or not a store of schedtui; it was left as it is.
        """

    def close(self) -> None:
        """Let go of every connection and of the lock. Safe to call twice."""

    def transaction(self) -> AbstractContextManager[StoreTx]:
        """A write transaction: committed at the end of the block, rolled back by an exception."""

    def drop_connection(self) -> None:
        """Throw the writer's connection away, after a failure."""

    @property
    def damage(self) -> Mapping[int, str]:
        """Runs that were asked for and cannot be read, by id, and why; since it was opened."""

    def jobs(self) -> Iterator[Job]:
        """All living jobs, in the order of their ids; see `Job.damage`."""

    def job(self, job_id: int) -> Job | None:
        """A living job."""

    def deleted_job(self, group: str, name: str) -> Tombstone | None:
        """The job of this name that was deleted last; None where there was none."""

    def open_runs(self) -> list[OpenRun]:
        """All runs that are queued or running, oldest first; damaged ones are left out."""

    def recent_runs(self, count: int) -> dict[int, list[RecentRun]]:
        """The newest ``count`` ended runs of each living job, oldest first, by job id.

        Damaged ones are left out.
        """

    def runs(
        self,
        where: RunFilter,
        *,
        limit: int,
        before: int | None,
        among: Collection[int] | None = None,
    ) -> list[Run]:
        """Runs with an id below ``before``, newest first; damaged ones are left out.

        Args:
            where: Which.
            limit: How many at most.
            before: None: from the newest one on.
            among: Of the jobs with these ids only.
        """

    def dead_letters(
        self,
        where: RunFilter,
        *,
        limit: int,
        after: int = 0,
        groups: Collection[str] | None = None,
        among: Collection[int] | None = None,
    ) -> tuple[int, list[Run]]:
        """How many dead letters fit, and the oldest of them; damaged ones are left out.

        Args:
            where: Which.
            limit: How many at most; fewer are all there are.
            after: Only those with a higher id, which are counted alone too.
            groups: Only those of jobs, or of functions without one, of these groups.
            among: Of the jobs with these ids only.
        """

    def run_figures(
        self, where: RunFilter, by: StatsBy, *, among: Collection[int] | None = None
    ) -> tuple[bool, list[Figures]]:
        """The runs that fit in numbers, by name, and whether they are all there are.

        Args:
            where: Which; a group has also the runs of its functions without a job.
            by: Whose the numbers are.
            among: Of the jobs with these ids only.
        """

    def run(self, run_id: int) -> Run | None:
        """A run.

        Raises:
            StoreDataError: it is damaged.
        """

    def attempts(self, run_id: int) -> list[Attempt]:
        """The ended attempts of a run, first one first."""

    def log_lines(self, run_id: int, *, after: int, limit: int) -> list[LogLine]:
        """Lines with a ``seq`` above ``after``, in order."""

    def log_tail(self, run_id: int, count: int) -> list[LogLine]:
        """The last ``count`` lines that are kept, in order."""

    def search_logs(self, query: str, *, limit: int) -> list[LogHit]:
        """Lines that hold every word of ``query``, newest run first."""

    def audit_trail(
        self, where: AuditFilter | None = None, *, limit: int, before: int | None
    ) -> list[AuditEvent]:
        """The lines of the audit trail that fit, with ids below ``before``, newest first."""

    def tokens(self) -> list[Token]:
        """All access tokens."""

    def revisions(self, *, limit: int, before: int | None) -> list[Revision]:
        """Revisions with a number below ``before``, newest first, without their texts."""

    def revision(self, number: int) -> Revision | None:
        """A revision with its text."""

    def due_runs(self, job_id: int, from_us: int, until_us: int, *, limit: int) -> list[Run]:
        """What became of the due times from ``from_us`` to ``until_us``, both included.

        Rows of one due time, and those that stand for a stretch which holds one of these moments;
        the oldest due times first. A due time that came twice, because the clock was set back, has
        a row for each.
        """

    def due_rows(self, job_id: int, due: Sequence[int]) -> DueRows:
        """The runs for some due times (microseconds): on schedule, in their stead, by backfills.

        Also the rows that stand for a stretch which holds one of them. Costs what the due times
        cost, and a look at each run of the job for its source.
        """

    def backfills(self, job_id: int, from_us: int, until_us: int, *, limit: int) -> list[Run]:
        """The backfill runs for due times from ``from_us`` to ``until_us``, newest run first."""

    def job_ids(self, group: str, name: str) -> list[int]:
        """The ids of all jobs that are called so, or were last, living or not; newest first."""

    def changes_of(self, subject: int, *, limit: int, before: int | None) -> list[AuditEvent]:
        """The lines of the audit trail with ids below ``before`` that changed a job, newest first.

        ``ENGINE`` instead of a job's id gives what changed the time, or the pause, of the engine.
        """

    def call_key(self, scope: str, key: str, *, since_us: int) -> CallKey | None:
        """The call that has had a key since ``since_us``."""

    def successes(self) -> dict[int, list[Success]]:
        """For which moments each job has succeeded, in the order of the runs, by job id."""

    def stored_jobs(self) -> list[int]:
        """The ids of jobs that have runs, deleted ones and 0 (runs without a job) among them."""

    def expired(self, job_id: int, keep: Keep) -> Removal | None:
        """What is to be removed of a job's history next; None: nothing is, now.

        Never what is queued or runs, what a run that does came from or repeats, a rerun whose
        original is kept, a run that a call's key stands for, nor any of the newest
        `KEPT_ANYWAY`. Chunks of log lines come before the runs they belong to.
        """

    def outbox(self, target: str, limit: int) -> list[Posted]:
        """Notices to a target that are not delivered yet, oldest first."""

    def boots(self, limit: int) -> list[PastBoot | None]:
        """The newest starts of engines, this one first; None for one that cannot be read."""

    def boots_around(self, at_us: int) -> tuple[PastBoot | None, PastBoot | None]:
        """The last engine that started at or before a moment, and the first one after it."""
