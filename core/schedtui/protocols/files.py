"""What an engine promises whoever keeps its jobs as code."""

from __future__ import annotations

from typing import Protocol

from schedtui.models import Applied, JobsText, Page, Plan, Revision


class FilesClient(Protocol):
    """The part of `EngineClient` that speaks of jobs as files."""

    async def export_jobs(self) -> JobsText:
        """The jobs as a file: those made at run time, and what was changed of those in code.

        Raises:
            ConflictError: a job is damaged in the store, so that no file could say what it is.
        """

    async def plan_jobs(self, source: str | int) -> Plan:
        """What would change, were a file applied or a revision gone back to. Changes nothing.

        Args:
            source: The text of a file, or the number of a revision.

        Raises:
            InvalidError: with all that the file says and cannot be, as ``jobs.Reports/x.cron``.
            RevisionNotFoundError: there is no such revision.
        """

    async def apply_jobs(self, text: str, *, note: str, plan: str | None = None) -> Applied:
        """Make the jobs what a file says, in one transaction with a new revision, or not at all.

        A job that is not in it is deleted; one in code becomes what its code says. A job that
        changes keeps its id, its history and its phase. Where nothing differs there is no revision.

        Args:
            text: Of the file.
            note: Why; kept with the revision.
            plan: The id of a plan: refuse where the jobs or the file are others by now.

        Raises:
            InvalidError: as `plan_jobs`; nothing was done.
            ConflictError: they are others, or a job changed meanwhile; nothing was done.
        """

    async def rollback_jobs(
        self, number: int, *, note: str = "", plan: str | None = None
    ) -> Applied:
        """Make the jobs what they were at a revision; this makes a new one.

        What was changed one by one since the newest revision is kept as a revision of its own.

        Raises:
            RevisionNotFoundError: there is no such revision.
            InvalidError, ConflictError: as `apply_jobs`.
        """

    async def revisions(self, *, limit: int = 100, cursor: str | None = None) -> Page[Revision]:
        """The revisions of the jobs, newest first, without their texts."""

    async def revision(self, number: int) -> Revision:
        """One revision with its text. Raises `RevisionNotFoundError`."""
