"""The part of the engines in memory that answers for backfills."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from schedtui.models import Backfill, DueTime, JobSummary

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def make_backfill(job: str = "g/a", job_id: int = 1, **changes: Any) -> Backfill:
    """Seven due times, an hour apart, two of them left out."""
    due = [
        DueTime(at=at, local=at.isoformat())
        for at in (START + timedelta(hours=n) for n in (0, 1, 2, 3, 4))
    ]
    values: dict[str, Any] = {
        "job": job,
        "job_id": job_id,
        "timezone": "UTC",
        "start": START,
        "end": START + timedelta(hours=7),
        "found": 7,
        "queued": 5,
        "backfilled": 1,
        "succeeded": 1,
        "first": tuple(due),
        "runs": (11, 12, 13, 14, 15),
    }
    return Backfill(**{**values, **changes})


class FakeBackfills(ABC):
    """What the console's engine in memory answers."""

    backfill_changes: Mapping[str, Any] = {}
    backfill_error: Exception | None = None

    @abstractmethod
    def _check(self, *call: Any) -> None: ...

    @abstractmethod
    def _row(self, name: str, expect_id: int | None = None) -> JobSummary: ...

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
        idempotency_key: str | None = None,  # noqa: ARG002 - the console gives none
        expect_id: int | None = None,
    ) -> Backfill:
        self._check("backfill_job", job, start, end, limit, again, kwargs, dry_run, expect_id)
        row = self._row(job, expect_id)
        if self.backfill_error is not None:
            raise self.backfill_error
        return make_backfill(job, row.id, dry_run=dry_run, **self.backfill_changes)

    async def cancel_backfill(
        self, job: str, *, reason: str = "", expect_id: int | None = None
    ) -> int:
        self._check("cancel_backfill", job, reason, expect_id)
        self._row(job, expect_id)
        return 3
