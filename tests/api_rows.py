"""What a fake engine answers to the API: jobs, rows, runs and pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from schedtui.models import (
    DueTime,
    EngineInfo,
    Explanation,
    Fact,
    FactKind,
    Health,
    Job,
    JobState,
    JobSummary,
    LogLine,
    LogPage,
    Run,
    RunState,
    Source,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
INFO = EngineInfo(
    boot="b1",
    version="0.1.0",
    health=Health.OK,
    timezone="UTC",
    now=NOW,
    started_at=NOW,
    last_tick_age_s=0.1,
    store="memory://",
)
RUN = Run(
    id=7,
    job_id=1,
    job="g/a",
    function="g/a",
    source=Source.MANUAL,
    state=RunState.QUEUED,
    claimed_at=NOW,
)


def make_job(name: str = "a", *, id_: int = 1, version: int = 1) -> Job:
    """A dynamic job of the group ``g``."""
    return Job(
        id=id_,
        group="g",
        name=name,
        function="g/a",
        trigger={"type": "cron", "expression": "* * * * *"},
        timezone="UTC",
        version=version,
        created_at=NOW,
        updated_at=NOW,
    )


def make_row(id_: int = 1, **changed: Any) -> JobSummary:
    """A row of the job table with something in every cell."""
    row = JobSummary(
        id=id_,
        group="g",
        name=f"job {id_}",
        function="g/a",
        schedule="* * * * *",
        timezone="UTC",
        state=JobState.SCHEDULED,
        next_due_us=1_790_000_000_000_000,
        active=1,
        running_id=9,
        running_since_us=1_789_999_999_000_000,
        last_id=8,
        last_state=RunState.FAILED,
        last_at_us=1_789_999_990_000_000,
        last_duration_us=1_500,
        recent=((RunState.MISSED, None), (RunState.FAILED, 1_500)),
        progress=0.5,
        static=True,
        overridden=False,
        tags=("x", "y"),
        description="what [b]it[/b] does",
        pause_reason="",
        version=3,
    )
    return row._replace(**changed)


def make_page(*seqs: int, done: bool = False) -> LogPage:
    """A page of log lines with these numbers."""
    lines = tuple(
        LogLine(seq, 1_790_000_000_000_000 + seq, "info", "log", f"line {seq} \x1b[31m\udc80", 1)
        for seq in seqs
    )
    return LogPage(lines=lines, last=max(seqs, default=0), done=done)


def make_explanation(job: str) -> Explanation:
    """A due time that overlap skipped."""
    return Explanation(
        job=job,
        job_id=1,
        timezone="UTC",
        asked=DueTime(at=NOW, local=NOW.isoformat()),
        due=DueTime(at=NOW, local=NOW.isoformat()),
        state=RunState.SKIPPED,
        summary=f"{job} did not run for noon: overlap: run 6 is still active.",
        facts=(Fact(kind=FactKind.OVERLAP, text="overlap: run 6 is still active", run_id=6),),
        runs=(7, 6),
    )
