"""Pausing, resuming, reverting and deleting the jobs that a token of some groups sees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schedtui.client.scope import Scope
from schedtui.models import Job


class ScopedSteering(Scope):
    """`schedtui.protocols.steering.Steering`; a part of `ScopedClient`."""

    async def delete_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> None:
        """Delete a job."""
        await self._inner.delete_job(self._job(job), version=version, expect_id=expect_id)

    async def pause_job(
        self,
        job: str,
        *,
        reason: str = "",
        until: datetime | None = None,
        version: int | None = None,
        expect_id: int | None = None,
    ) -> Job:
        """Stop claiming its due times."""
        return await self._inner.pause_job(
            self._job(job), reason=reason, until=until, version=version, expect_id=expect_id
        )

    async def resume_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """Claim its due times again."""
        return await self._inner.resume_job(self._job(job), version=version, expect_id=expect_id)

    async def revert_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """Undo edits of a job of the code."""
        return await self._inner.revert_job(self._job(job), version=version, expect_id=expect_id)

    async def cancel_retries(self, job: str, **how: Any) -> int:
        """Cancel the runs of a job that wait for a retry."""
        return await self._inner.cancel_retries(self._job(job), **how)
