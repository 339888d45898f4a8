"""An example of each model that travels, for the API's description. One morning of one service."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from schedtui.api.schemas import (
    ApplyBody,
    BackfillBody,
    BackfillCancelBody,
    BulkPauseBody,
    CancelBody,
    DismissBody,
    EnginePauseBody,
    JobPutBody,
    PauseBody,
    PlanBody,
    PreviewBody,
    ReplayBody,
    RetriesCancelBody,
    RollbackBody,
    RunBody,
    TriggerBody,
)
from schedtui.client.http_codec import encode_row
from schedtui.client.http_json import dump
from schedtui.models import (
    Applied,
    Attempt,
    AuditEvent,
    Backfill,
    BulkOutcome,
    ChangeKind,
    Changes,
    Defaults,
    DueTime,
    EngineInfo,
    Explanation,
    Fact,
    FactKind,
    FieldChange,
    Figures,
    FunctionInfo,
    GroupDefaults,
    Health,
    Job,
    JobChange,
    JobFilter,
    JobPatch,
    JobSpec,
    JobState,
    JobsText,
    JobSummary,
    Letter,
    Letters,
    LogHit,
    LogLine,
    LogPage,
    ModuleReload,
    ModuleState,
    Plan,
    Policies,
    Preview,
    Reload,
    Revision,
    Run,
    RunChange,
    RunFilter,
    RunState,
    RunTime,
    Source,
    Statistics,
    Stats,
)
from schedtui.models.wire import to_wire
from schedtui.policies import DEFAULTS

_AT: Final = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_BEFORE: Final = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
_END: Final = datetime(2026, 11, 23, 8, 0, 2, tzinfo=UTC)
_CREATED: Final = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
_AT_US: Final = int(_AT.timestamp()) * 1_000_000
_CRON: Final = {"type": "cron", "expression": "0 9 * * mon"}
_ZONE: Final = "Europe/Berlin"
_JOB: Final = "Reports/weekly"
_FUNCTION: Final = "Reports/send_report"
_KWARGS: Final = {"recipient": "ann@example.com"}
_DUE: Final = DueTime(at=_AT, local="2026-11-23T09:00:00+01:00")
_LINE: Final = LogLine(1, _AT_US + 150_000, "info", "log", "sent 12 pages", 1)
_ENGINE: Final = EngineInfo(
    boot="2f6c1a90b3d4",
    version="0.1.0",
    health=Health.OK,
    timezone="UTC",
    now=_END,
    started_at=_CREATED,
    last_tick_age_s=0.2,
    jobs=12,
    jobs_paused=1,
    runs_active=1,
    store="sqlite:///.schedtui/state.db",
    pid=4242,
)
_RUN: Final = Run(
    id=4711,
    job_id=12,
    job=_JOB,
    function=_FUNCTION,
    source=Source.SCHEDULE,
    state=RunState.SUCCEEDED,
    scheduled_for=_AT,
    job_version=3,
    kwargs=_KWARGS,
    claimed_at=_AT,
    attempt=1,
    started_at=_AT,
    finished_at=_END,
    result='"sent"',
    result_is_json=True,
    log_lines=1,
)
_ROW: Final = JobSummary(
    id=12,
    group="Reports",
    name="weekly",
    function=_FUNCTION,
    schedule="0 9 * * mon",
    timezone=_ZONE,
    state=JobState.SCHEDULED,
    next_due_us=_AT_US + 604_800_000_000,
    active=0,
    running_id=None,
    running_since_us=None,
    last_id=4711,
    last_state=RunState.SUCCEEDED,
    last_at_us=_AT_US,
    last_duration_us=2_000_000,
    recent=((RunState.SUCCEEDED, 2_000_000),),
    progress=None,
    static=False,
    overridden=False,
    tags=("reports",),
    description="Every Monday to the whole team.",
    pause_reason="",
    version=3,
)
_SPEC: Final[dict[str, Any]] = {
    "function": _FUNCTION,
    "trigger": _CRON,
    "timezone": _ZONE,
    "kwargs": _KWARGS,
    "policies": {"retries": 3, "retry_delay_s": 10},
    "tags": ["reports"],
    "description": "Every Monday to the whole team.",
}
_CHANGE: Final = JobChange(
    job=_JOB,
    kind=ChangeKind.CHANGED,
    fields=(FieldChange(field="cron", old="0 8 * * mon", new="0 9 * * mon"),),
)
_REVISION: Final = Revision(
    number=18, at=_AT, actor="token:deploy", note="an hour later", changed=1
)
_TEXT: Final = """\
format = 1

[jobs."Reports/weekly"]
function = "Reports/send_report"
cron = "0 9 * * mon"
timezone = "Europe/Berlin"

[jobs."Reports/weekly".kwargs]
recipient = "ann@example.com"
"""

_MODELS: Final = (
    Job(
        id=12,
        group="Reports",
        name="weekly",
        function=_FUNCTION,
        trigger=_CRON,
        timezone=_ZONE,
        kwargs=_KWARGS,
        policies=Policies(retries=3, retry_delay_s=10.0),
        tags=("reports",),
        description="Every Monday to the whole team.",
        version=3,
        next_due=_AT,
        last_due=_BEFORE,
        created_at=_CREATED,
        updated_at=_CREATED,
    ),
    _RUN,
    _ENGINE,
    Applied(revision=_REVISION, changes=(_CHANGE,)),
    Defaults(
        timezone="UTC",
        policies=DEFAULTS,
        slots={"async": 100, "thread": 10, "process": 2},
        groups=(
            GroupDefaults(
                name="Reports",
                tags=("reports",),
                timezone=_ZONE,
                policies=Policies(retries=3),
                jobs=2,
                declared=True,
            ),
        ),
    ),
    JobsText(text=_TEXT, revision=18),
    Plan(id="5f0c7d1be2a94c83", revision=17, changes=(_CHANGE,), unchanged=11),
    replace(_REVISION, text=_TEXT),
    Stats(
        since=_BEFORE,
        items=(
            Figures(
                name=_JOB,
                runs=4,
                states={"failed": 1, "succeeded": 3},
                success_rate=0.75,
                average_s=2.1,
                shortest_s=1.9,
                longest_s=2.4,
                p95_s=2.4,
                last_success=_END,
                last_failure=_AT,
            ),
        ),
    ),
    Statistics(job=_JOB, runs=(RunTime(4711, _END, 2.0),)),
    Attempt(run_id=4711, number=1, state=RunState.SUCCEEDED, started_at=_AT, finished_at=_END),
    AuditEvent(
        id=31,
        at=_AT,
        actor="token:deploy",
        action="job.pause",
        object=_JOB,
        detail={"before": {"paused": False}, "after": {"paused": True}},
    ),
    Backfill(
        job=_JOB,
        job_id=12,
        timezone=_ZONE,
        start=_BEFORE,
        end=_END,
        found=2,
        queued=1,
        succeeded=1,
        first=(_DUE,),
        runs=(4712,),
    ),
    BulkOutcome(job=_JOB, id=12, done=True, run_id=4711),
    Changes(cursor="2f6c1a90b3d4:118", runs=(RunChange(4711, 12, RunState.SUCCEEDED),)),
    Explanation(
        job=_JOB,
        job_id=12,
        timezone=_ZONE,
        asked=_DUE,
        due=_DUE,
        state=RunState.SKIPPED,
        summary=f"{_JOB} did not run for Mon 2026-11-23 09:00: overlap: run 4710 is still active.",
        facts=(Fact(kind=FactKind.OVERLAP, text="overlap: run 4710 is still active", run_id=4710),),
        runs=(4711, 4710),
    ),
    FunctionInfo(
        group="Reports",
        name="send_report",
        doc="Send the report.",
        parameters={
            "type": "object",
            "properties": {"recipient": {"type": "string"}},
            "required": ["recipient"],
        },
        is_async=True,
        executor="async",
        file="jobs.py",
        line=12,
    ),
    LogHit(run_id=4711, job=_JOB, line=_LINE),
    LogPage(lines=(_LINE,), last=1, done=True),
    Preview(description="Mondays at 09:00 (Europe/Berlin)", timezone=_ZONE, next=(_DUE,)),
    Reload(
        ok=True,
        generation=2,
        modules=(ModuleReload(module="jobs", file="jobs.py", state=ModuleState.RELOADED),),
    ),
    JobFilter(group="Reports"),
    PauseBody(reason="the mail server is down", until=_END),
    BulkPauseBody(tag="reports", reason="the mail server is down"),
    EnginePauseBody(reason="maintenance"),
    CancelBody(reason="takes too long"),
    TriggerBody(kwargs={"recipient": "bob@example.com"}),
    RunBody(kwargs=_KWARGS),
    BackfillBody(start="2026-11-01", end="2026-11-20", limit=100),
    BackfillCancelBody(reason="not needed after all"),
    RetriesCancelBody(reason="the mail server is down"),
    Letters(found=1, done=1, letters=(Letter(run=4711, job=_JOB, done=True, new_run=4712),)),
    RunFilter(group="Reports", since=_BEFORE),
    ReplayBody(where=RunFilter(group="Reports", since=_BEFORE)),
    DismissBody(runs=(4711,), note="the mail server was down"),
    PlanBody(text=_TEXT),
    ApplyBody(text=_TEXT, note="an hour later", plan="5f0c7d1be2a94c83"),
    RollbackBody(revision=17, note="that was wrong"),
)

EXAMPLES: Final[dict[str, Any]] = {
    **{type(model).__name__: to_wire(model) for model in _MODELS},
    JobSpec.__name__: {**_SPEC, "name": "weekly"},
    JobPutBody.__name__: _SPEC,
    JobPatch.__name__: {"trigger": {"type": "every", "seconds": 300}, "description": "Often."},
    PreviewBody.__name__: {"trigger": _CRON, "timezone": _ZONE, "count": 3},
    JobSummary.__name__: json.loads(dump(encode_row(_ROW))),  # the cells, as JSON has them
    "RunDetail": {
        **to_wire(_RUN),
        "attempts": [
            {
                "run_id": 4711,
                "number": 1,
                "state": "succeeded",
                "started_at": to_wire(_AT),
                "finished_at": to_wire(_END),
                "error_type": None,
                "error": None,
            }
        ],
    },
}
"""By the name of the model, as it travels."""
