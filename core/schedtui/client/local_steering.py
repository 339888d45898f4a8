"""Pausing, resuming, reverting and deleting jobs of an engine in this process."""

from __future__ import annotations

from datetime import datetime

from schedtui.engine import Engine
from schedtui.models import Job


class LocalSteering:
    """`schedtui.protocols.steering.Steering` on an `Engine`; a part of `LocalClient`."""

    _engine: Engine
    _actor: str

    async def delete_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> None:
        """Delete a dynamic or orphaned job."""
        await self._engine.remove_job(job, version=version, expect_id=expect_id, actor=self._actor)

    async def pause_job(
        self,
        job: str,
        *,
        reason: str = "",
        until: datetime | None = None,
        version: int | None = None,
        expect_id: int | None = None,
    ) -> Job:
        """Stop claiming due times."""
        return await self._engine.pause_job(
            job,
            reason=reason,
            until=until,
            version=version,
            expect_id=expect_id,
            actor=self._actor,
        )

    async def resume_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """Claim due times again."""
        return await self._engine.resume_job(
            job, version=version, expect_id=expect_id, actor=self._actor
        )

    async def revert_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """Undo edits from outside of a static job."""
        return await self._engine.revert_job(
            job, version=version, expect_id=expect_id, actor=self._actor
        )

    async def cancel_retries(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        """Cancel the runs of a job that wait for a retry."""
        return await self._engine.cancel_retries(
            job, reason=reason, expect_id=expect_id, actor=self._actor
        )
