"""What schedtui speaks of: frozen, keyword-only, and at once the wire format.

`wire.to_wire` and `wire.from_wire` turn every model into JSON values and back.
"""

from schedtui.models.after import After
from schedtui.models.audit import AuditEvent, AuditFilter
from schedtui.models.backfill import Backfill
from schedtui.models.bulk import BulkAction, BulkOutcome, JobFilter
from schedtui.models.dead import Letter, Letters
from schedtui.models.defaults import Defaults, GroupDefaults
from schedtui.models.difference import Difference, compare_runs
from schedtui.models.engine import (
    Changes,
    DueTime,
    EngineInfo,
    FunctionInfo,
    Health,
    ModuleReload,
    ModuleState,
    Page,
    Preview,
    Reload,
    RunChange,
    Snapshot,
)
from schedtui.models.explanation import Explanation, Fact, FactKind
from schedtui.models.job import Job, JobPatch, JobSpec, JobSummary
from schedtui.models.policy import CatchUp, OnLost, Overlap, Policies
from schedtui.models.revision import (
    Applied,
    ChangeKind,
    FieldChange,
    JobChange,
    JobsText,
    Plan,
    Revision,
)
from schedtui.models.role import Role
from schedtui.models.run import Attempt, LogHit, LogLine, LogPage, Run, RunFilter
from schedtui.models.states import FAILED, TERMINAL, JobState, RunState, Source, WaitReason
from schedtui.models.statistics import RunTime, Statistics
from schedtui.models.stats import Figures, Stats, StatsBy

__all__ = [
    "FAILED",
    "TERMINAL",
    "After",
    "Applied",
    "Attempt",
    "AuditEvent",
    "AuditFilter",
    "Backfill",
    "BulkAction",
    "BulkOutcome",
    "CatchUp",
    "ChangeKind",
    "Changes",
    "Defaults",
    "Difference",
    "DueTime",
    "EngineInfo",
    "Explanation",
    "Fact",
    "FactKind",
    "FieldChange",
    "Figures",
    "FunctionInfo",
    "GroupDefaults",
    "Health",
    "Job",
    "JobChange",
    "JobFilter",
    "JobPatch",
    "JobSpec",
    "JobState",
    "JobSummary",
    "JobsText",
    "Letter",
    "Letters",
    "LogHit",
    "LogLine",
    "LogPage",
    "ModuleReload",
    "ModuleState",
    "OnLost",
    "Overlap",
    "Page",
    "Plan",
    "Policies",
    "Preview",
    "Reload",
    "Revision",
    "Role",
    "Run",
    "RunChange",
    "RunFilter",
    "RunState",
    "RunTime",
    "Snapshot",
    "Source",
    "Statistics",
    "Stats",
    "StatsBy",
    "WaitReason",
    "compare_runs",
]
