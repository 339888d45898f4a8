"""The part of the console's engine in memory that says when and why."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from console_rows import preview_of

from schedtui.errors import InvalidError, InvalidTriggerError
from schedtui.models import DueTime, Explanation, Fact, FactKind, JobSummary, Preview


class FakePreviews(ABC):
    """What it answers about due times."""

    preview_gate: asyncio.Event | None
    group_zones: Mapping[str, str]

    @abstractmethod
    def _check(self, *call: Any) -> None: ...

    @abstractmethod
    def _row(self, name: str, expect_id: int | None = None) -> JobSummary: ...

    async def next_due(self, job: str, *, count: int = 5) -> Preview:
        self._check("next_due", job)
        return preview_of("Every 5 minutes", self._row(job).timezone, count)

    async def explain(self, job: str, at: datetime | str | None = None) -> Explanation:
        self._check("explain", job, None, at)
        row = self._row(job)
        moment = DueTime(at=datetime.now(UTC), local="now")
        return Explanation(
            job=job,
            job_id=row.id,
            timezone=row.timezone,
            asked=moment,
            summary=f"{job} was not due.",
            facts=(Fact(kind=FactKind.NOT_DUE, text="it was not due"),),
        )

    async def preview(
        self,
        trigger: Mapping[str, Any],
        *,
        timezone: str | None = None,
        group: str | None = None,
        count: int = 5,
    ) -> Preview:
        self._check("preview", dict(trigger), timezone, group, count)
        gate = self.preview_gate
        if gate is not None:
            await gate.wait()
        text = str(trigger.get("expression") or trigger.get("typed") or "")
        field = "trigger.expression" if trigger["type"] == "cron" else "trigger.typed"
        if "bad" in text:
            error = InvalidError.one(field, text, "five fields: minute hour day month weekday")
            raise InvalidTriggerError(str(error), error.errors)
        if timezone == "Mars/Base":
            raise InvalidTriggerError(
                "no zone", InvalidError.one("timezone", timezone, "a zone").errors
            )
        zone = timezone or self.group_zones.get(group or "", "UTC")
        return preview_of(f"described: {text}", zone, count)
