"""Jobs, runs and previews for the tests of the console."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

from schedtui.models import (
    DueTime,
    EngineInfo,
    Health,
    Job,
    JobState,
    JobSummary,
    Preview,
    Run,
    RunState,
    Source,
)

NASTY = (
    "[red]x[@click=app.quit][/foo] \x1b]0;owned\x07\x1b[2J\x9b31m"
    "\u202egnp\u200b\u2066 日本 \t\r\x7f"
)


def now_us() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000_000)


def summary(id_: int, name: str, **changes: Any) -> JobSummary:
    row = JobSummary(
        id=id_,
        group="Reports",
        name=name,
        function="Reports/send_report",
        schedule="*/5 * * * *",
        timezone="Europe/Berlin",
        state=JobState.SCHEDULED,
        next_due_us=now_us() + 95_000_000,
        active=0,
        running_id=None,
        running_since_us=None,
        last_id=1000 + id_,
        last_state=RunState.SUCCEEDED,
        last_at_us=now_us() - 205_000_000,
        last_duration_us=1_100_000,
        recent=((RunState.SUCCEEDED, 900_000), (RunState.FAILED, 1_000), (RunState.SKIPPED, None)),
        progress=None,
        static=False,
        overridden=False,
        tags=("nightly",),
        description="Sends the report.",
        pause_reason="",
        version=1,
    )
    return row._replace(**changes)


def job_of(row: JobSummary, **fields: Any) -> Job:
    return Job(
        id=row.id,
        group=row.group,
        name=row.name,
        function=row.function,
        trigger={"type": "cron", "expression": row.schedule},
        timezone=row.timezone,
        tags=row.tags,
        description=row.description,
        static=row.static,
        paused=row.state is JobState.PAUSED,
        created_at=datetime.now(UTC),
        updated_at=datetime.now(UTC),
        **fields,
    )


def info_of(jobs: int, paused_by: str) -> EngineInfo:
    return EngineInfo(
        boot="b",
        version="0.1.0",
        health=Health.OK,
        timezone="Europe/Berlin",
        now=datetime.now(UTC),
        started_at=datetime.now(UTC) - timedelta(hours=1),
        last_tick_age_s=0.1,
        jobs=jobs,
        paused=bool(paused_by),
        paused_by=paused_by,
    )


def run(id_: int, job_id: int, **changes: Any) -> Run:
    began = datetime.now(UTC) - timedelta(minutes=3)
    made = Run(
        id=id_,
        job_id=job_id,
        job="Reports/daily",
        function="Reports/send_report",
        source=Source.SCHEDULE,
        state=RunState.SUCCEEDED,
        scheduled_for=began,
        kwargs={"recipient": "ops@example.org"},
        claimed_at=began,
        attempt=1,
        started_at=began,
        finished_at=began + timedelta(seconds=1.5),
    )
    return dataclasses.replace(made, **changes)


def preview_of(description: str, timezone: str, count: int) -> Preview:
    first = datetime(2026, 12, 24, 17, 0, tzinfo=UTC)
    times = (first + timedelta(days=number) for number in range(count))
    return Preview(
        description=description,
        timezone=timezone,
        next=tuple(DueTime(at=at, local=at.isoformat()) for at in times),
    )
