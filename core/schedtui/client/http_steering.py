"""Pausing, resuming, reverting and deleting jobs of an engine behind HTTP."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from schedtui.client.http_calls import API, Calls
from schedtui.client.http_codec import decode, decode_cancelled
from schedtui.client.http_transport import Transport
from schedtui.client.http_words import if_match, job_path
from schedtui.clock import aware_utc
from schedtui.models import Job


class HttpSteering:
    """`schedtui.protocols.steering.Steering` over HTTP; a part of `HttpClient`."""

    _calls: Calls
    _wire: Transport

    async def delete_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> None:
        """See `EngineClient.delete_job`."""
        query, headers = {"expect_id": expect_id}, if_match(version)
        await self._wire.call("DELETE", API + job_path(job), params=query, headers=headers)

    async def pause_job(
        self,
        job: str,
        *,
        reason: str = "",
        until: datetime | None = None,
        version: int | None = None,
        expect_id: int | None = None,
    ) -> Job:
        """See `EngineClient.pause_job`."""
        body = {"reason": reason, "until": None if until is None else aware_utc(until, "until")}
        return await self._steer(job, "pause", body, version, expect_id)

    async def resume_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """See `EngineClient.resume_job`."""
        return await self._steer(job, "resume", None, version, expect_id)

    async def revert_job(
        self, job: str, *, version: int | None = None, expect_id: int | None = None
    ) -> Job:
        """See `EngineClient.revert_job`."""
        return await self._steer(job, "revert", None, version, expect_id)

    async def cancel_retries(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        """See `EngineClient.cancel_retries`."""
        path, body = f"{job_path(job)}/retries/cancel", {"reason": reason}
        return await self._calls.ask(decode_cancelled, "POST", path, {"expect_id": expect_id}, body)

    async def _steer(
        self, job: str, what: str, body: Any, version: int | None, expect_id: int | None
    ) -> Job:
        path, query = f"{job_path(job)}/{what}", {"expect_id": expect_id}
        read, headers = partial(decode, Job), if_match(version)
        return await self._calls.ask(read, "POST", path, query, body, headers=headers)
