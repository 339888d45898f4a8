"""What an engine promises whoever watches and steers it, in this process or behind HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from schedtui.models import (
    Attempt,
    AuditEvent,
    AuditFilter,
    Backfill,
    BulkAction,
    BulkOutcome,
    Changes,
    Defaults,
    EngineInfo,
    Explanation,
    FunctionInfo,
    Job,
    JobFilter,
    JobPatch,
    JobSpec,
    LogHit,
    LogPage,
    Page,
    Preview,
    Reload,
    Run,
    RunFilter,
    Snapshot,
)
from schedtui.protocols.dead import DeadLetters
from schedtui.protocols.files import FilesClient
from schedtui.protocols.measures import Measures
from schedtui.protocols.steering import Steering


class EngineClient(FilesClient, Steering, Measures, DeadLetters, Protocol):
    """An engine as the console and the command line see it, in this process or behind HTTP.

    A job is named ``group/name``. Where ``expect_id`` is given and the living job of that name has
    another id (it was deleted and created anew), `ConflictError` is raised and nothing is done.

    Every method may raise `UnreachableError`, `EngineStoppedError`, `StoreUnavailableError`,
    `UnauthorizedError`, `ForbiddenError` and `ProtocolError`, besides what it names.
    """

    @property
    def address(self) -> str:
        """What to show of where the engine is: ``here``, a socket's path, or a URL."""

    async def info(self) -> EngineInfo:
        """The engine now."""

    async def reload(self) -> Reload:
        """Load the code of the engine's target again, whole or not at all.

        A broken module is part of the answer, and no error.

        Raises:
            RefusedError: the engine is part of a program, and was not asked to follow its code.
        """

    async def snapshot(self, where: JobFilter | None = None) -> Snapshot:
        """All jobs, or those that ``where`` finds; the cursor from which `changes` goes on."""

    def changes(
        self, cursor: str, *, groups: Collection[str] | None = None
    ) -> AsyncIterator[Changes]:
        """What changes after ``cursor``, coalesced to at most ten a second; never ends by itself.

        Args:
            cursor: Where to begin, as a snapshot or a frame gave it.
            groups: Only what is of these groups, and the engine; None: everything.

        Raises:
            EventGapError: changes after ``cursor`` are no longer known: take a snapshot.
        """

    async def functions(self, group: str | None = None) -> tuple[FunctionInfo, ...]:
        """The registered functions, sorted by name."""

    async def groups(self) -> tuple[str, ...]:
        """The names of all groups, sorted."""

    async def defaults(self) -> Defaults:
        """What jobs have of their groups and of their engine where they do not say it."""

    async def jobs(
        self, where: JobFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Job]:
        """All jobs, or those that ``where`` finds, in the order of their ids."""

    async def job(self, job: str) -> Job:
        """One job. Raises `JobNotFoundError`."""

    async def create_job(
        self,
        spec: JobSpec,
        *,
        replace: bool = False,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Create a dynamic job.

        Args:
            spec: What it is to be.
            replace: Where a dynamic job has its name already, that one becomes this one in place:
                id, history and pauses stay, and nothing happens where it is the same. Needs a name.
            version: With ``replace``: the version that it must have.
            idempotency_key: See `trigger_job`; without ``replace``, which needs none. The job that
                the first call created is answered as it is now, and is ``replayed``.

        Raises:
            InvalidError: with every field that is wrong.
            FunctionNotFoundError: no such function.
            ConflictError: the name is taken; with ``replace`` only by a job of the code. Or the key
                was used with other arguments.
            VersionConflictError: there is no job with ``version``.
        """

    async def edit_job(
        self, job: str, patch: JobPatch, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """Change a job; its history and id stay.

        Raises:
            InvalidError, JobNotFoundError, FunctionNotFoundError
            VersionConflictError: its version is not ``version``.
            ConflictError: the new name is taken.
        """

    async def trigger_job(
        self,
        job: str,
        *,
        kwargs: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
    ) -> Run:
        """Run a job now, once, without moving its schedule.

        Obeys overlap and ``run_once_key``: the run may be skipped, and its reason says why.

        Args:
            job: ``group/name``.
            kwargs: Replace arguments of the job by name, for this run only.
            idempotency_key: 1 to 200 printable ASCII characters. For a day the same call with the
                same key starts nothing and gets the run of the first one, which is ``replayed``.
            expect_id: See the class.

        Raises:
            ConflictError: the key was used with other arguments.
        """

    async def backfill_job(
        self,
        job: str,
        start: datetime | str,
        end: datetime | str | None = None,
        *,
        limit: int = 1_000,
        again: bool = False,
        kwargs: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        expect_id: int | None = None,
    ) -> Backfill:
        """Queue a run for each due time from ``start`` to before ``end``, oldest first.

        The due times are those of the schedule that the job has now, also from before its creation;
        those that have not come yet are not meant. One that another backfill runs or has run with
        success, one whose own run is active, and one that succeeded when it was due are left out
        and counted. All runs are queued in one transaction, or none. They wait for their turn
        whatever the job's overlap says, behind everything that is no backfill. A paused job can be
        backfilled, as it can be triggered.

        Args:
            job: ``group/name``.
            start: An aware datetime, or text in the job's zone, as for `explain`; a date alone is
                its midnight.
            end: Likewise; None: now.
            limit: Refuse where the range holds more due times than that; 10,000 at most.
            again: Also run those that succeeded when they were due.
            kwargs: Replace arguments of the job by name, for these runs.
            dry_run: Queue nothing, and say what would be.
            idempotency_key: As for `trigger_job`; the answer is then that of the first call.
            expect_id: See the class.

        Raises:
            InvalidError: the range or the limit cannot be, or the range holds more due times, which
                is told with their number. Nothing was queued.
            JobNotFoundError
            ConflictError: the job has no schedule, or is broken or orphaned.
            InvalidArgumentsError: the arguments do not fit the function.
        """

    async def cancel_backfill(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        """Cancel all queued backfill runs of a job; those that run go on. Returns how many."""

    async def run_function(
        self,
        function: str,
        kwargs: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Run:
        """Run a function now, once, without a job.

        Its group's and its engine's policies hold, but for overlap: such runs go side by side.

        Args:
            function: ``group/name``.
            kwargs: Its arguments.
            idempotency_key: See `trigger_job`.

        Raises:
            ConflictError: the key was used with other arguments.
            FunctionNotFoundError: no such function.
            InvalidArgumentsError: they do not fit its parameters.
        """

    async def cancel_run(self, run_id: int, *, reason: str = "", force: bool = False) -> Run:
        """End a run before its time: a queued one never starts, a running one is asked to end.

        Its attempt ends when its function does; until then the run's ``reason`` says that it was
        asked to. No retry follows.

        Args:
            run_id: A run that has not ended.
            reason: Why; kept with the run.
            force: Do not wait for a function that runs: record the end now. A thread that cannot be
                ended may still be at work then.

        Raises:
            RunNotFoundError: there is no such run.
            ConflictError: it has ended.
        """

    async def rerun(self, run_id: int, *, idempotency_key: str | None = None) -> Run:
        """Run what a run ran once more, with its arguments. Returns the new run.

        Obeys overlap and ``run_once_key``, by which it belongs to the period of the run it repeats.

        Args:
            run_id: A run that has ended.
            idempotency_key: See `trigger_job`.

        Raises:
            RunNotFoundError: there is no such run.
            ConflictError: it has not ended, or its job was deleted.
            InvalidArgumentsError: its arguments do not fit the function any more.
        """

    async def bulk(
        self,
        action: BulkAction,
        where: JobFilter,
        *,
        reason: str = "",
        until: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[BulkOutcome, ...]:
        """Do one thing to every job that ``where`` finds, in the order of their ids.

        Each job on its own: what is refused for one is done to the others all the same. A pause
        does not shorten that of a job which is paused for longer already.

        Args:
            action: What.
            where: Which jobs.
            reason: Of a pause.
            until: Of a pause.
            idempotency_key: Of a trigger; see `trigger_job`. Each job is run once for it, and its
                outcome is ``replayed`` where that was before. One that came to fit since is run.

        Raises:
            InvalidError: ``where`` is empty or cannot fit any job, or ``reason`` or ``until``
                cannot be. Nothing was done.
        """

    async def pause_engine(self, *, reason: str = "") -> EngineInfo:
        """Claim nothing more, of no job; durable, so that it survives a restart. Idempotent.

        Runs that were claimed before go on, and manual triggers still work.

        Args:
            reason: Shown wherever the engine is, and in the rows of the due times it skips.
        """

    async def resume_engine(self) -> EngineInfo:
        """Claim again from now on; due times in between get ``skipped`` rows. Idempotent."""

    async def next_due(self, job: str, *, count: int = 5) -> Preview:
        """The next due times of a job; of a paused one, as if it were resumed now."""

    async def explain(self, job: str, at: datetime | str | None = None) -> Explanation:
        """Why a job ran, or did not, at a moment; also of one that was deleted.

        Args:
            job: ``group/name``.
            at: A moment. One without seconds means that minute: its first due time, else one that
                is at most 30 seconds away. Text is read in the job's zone: ``9:00``,
                ``yesterday 9:00``, ``mon 9:00``, ``2026-12-24 18:00``, ``10m ago``, ISO 8601. None:
                the newest due time.

        Raises:
            JobNotFoundError: no job has this name, and none had it last.
            InvalidError: ``at`` is no moment.
        """

    async def preview(
        self,
        trigger: Mapping[str, Any],
        *,
        timezone: str | None = None,
        group: str | None = None,
        count: int = 5,
    ) -> Preview:
        """What a trigger means. Raises `InvalidTriggerError`.

        Args:
            trigger: Its JSON or typed form.
            timezone: IANA zone; None: the one that a new job of ``group`` has.
            group: The group of the job it is meant for.
            count: How many due times.
        """

    async def runs(
        self, where: RunFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Run]:
        """The history, newest first.

        Raises:
            JobNotFoundError: no job ever had the name that is asked for.
            InvalidError: both a job and a job's id are asked for.
        """

    async def run(self, run_id: int) -> Run:
        """One run. Raises `RunNotFoundError`."""

    async def attempts(self, run_id: int) -> tuple[Attempt, ...]:
        """The ended attempts of a run, first one first."""

    async def logs(self, run_id: int, *, after: int = 0, limit: int = 1000) -> LogPage:
        """Lines of a run above ``after``, also while it runs. Raises `RunNotFoundError`."""

    async def log_tail(self, run_id: int, *, count: int = 1000) -> LogPage:
        """The last lines of a run, also while it runs. Raises `RunNotFoundError`."""

    def follow(self, run_id: int, *, after: int = 0) -> AsyncIterator[LogPage]:
        """Lines of a run as they come; ends after the page that is ``done``."""

    async def search_logs(self, query: str, *, limit: int = 100) -> tuple[LogHit, ...]:
        """Lines of all runs that hold every word of ``query``, newest run first."""

    async def audit(
        self, where: AuditFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[AuditEvent]:
        """The audit trail, newest first."""

    async def aclose(self) -> None:
        """Let go of connections. The engine is not touched."""
