"""What an engine promises whoever pauses, resumes, reverts or deletes jobs, or ends retries."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from schedtui.models import Job


class Steering(Protocol):
    """A part of `EngineClient`; see there for what holds for every method."""

    async def delete_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> None:
        """Delete a dynamic or orphaned job: queued runs are cancelled, running ones finish.

        Raises:
            JobNotFoundError, ConflictError
            StaticJobError: it is declared in code.
            VersionConflictError: its version is not ``version``.
        """

    async def pause_job(
        self,
        job: str,
        *,
        reason: str = "",
        until: datetime | None = None,
        version: int | None = None,
        expect_id: int | None = None,
    ) -> Job:
        """Stop claiming due times of a job; running and queued runs are not touched. Idempotent.

        Args:
            job: ``group/name``.
            reason: Shown wherever the job is, and in the rows of the due times it skips.
            until: When it resumes by itself: what is due then runs. None: when somebody resumes it.
                A job that is paused already has the new reason and end from now on.
            version: The version that it must have; `VersionConflictError` where it has another.
            expect_id: See the class.

        Raises:
            InvalidError: ``until`` is not in the future.
            VersionConflictError: its version is not ``version``.
        """

    async def resume_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """Claim again from now on; due times in between get ``skipped`` rows. Idempotent.

        Where its trigger fails the pause ends, and the job is broken until that answers again: it
        is asked at each resume of a job that is not paused.

        Raises:
            JobNotFoundError
            ConflictError: it is broken, and stays so; nothing was changed.
            VersionConflictError: its version is not ``version``.
        """

    async def revert_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """Let a static job be what the code says again: edits from outside are undone. Idempotent.

        Whether it is paused stays as it is.

        Raises:
            JobNotFoundError
            ConflictError: it is not declared in code, or no longer.
            VersionConflictError: its version is not ``version``.
        """

    async def cancel_retries(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        """Cancel the runs of a job that failed and wait for their next attempt. Returns how many.

        Those that run go on, and so does the schedule.

        Raises:
            InvalidError: ``reason`` is too long.
            JobNotFoundError, ConflictError
        """
