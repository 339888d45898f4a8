"""What schedtui speaks of: frozen, keyword-only, and at once the wire format.

`wire.to_wire` and `wire.from_wire` turn every model into JSON values and back.
"""

from schedtui.models.bulk import BulkAction, BulkOutcome, JobFilter
from schedtui.models.engine import (
    AuditEvent,
    Changes,
    DueTime,
    EngineInfo,
    FunctionInfo,
    Health,
    Page,
    Preview,
    RunChange,
    Snapshot,
)
from schedtui.models.job import Job, JobPatch, JobSpec, JobSummary
from schedtui.models.policy import CatchUp, OnLost, Overlap, Policies
from schedtui.models.run import Attempt, LogHit, LogLine, LogPage, Run, RunFilter
from schedtui.models.states import TERMINAL, JobState, RunState, Source, WaitReason

__all__ = [
    "TERMINAL",
    "Attempt",
    "AuditEvent",
    "BulkAction",
    "BulkOutcome",
    "CatchUp",
    "Changes",
    "DueTime",
    "EngineInfo",
    "FunctionInfo",
    "Health",
    "Job",
    "JobFilter",
    "JobPatch",
    "JobSpec",
    "JobState",
    "JobSummary",
    "LogHit",
    "LogLine",
    "LogPage",
    "OnLost",
    "Overlap",
    "Page",
    "Policies",
    "Preview",
    "Run",
    "RunChange",
    "RunFilter",
    "RunState",
    "Snapshot",
    "Source",
    "WaitReason",
]
