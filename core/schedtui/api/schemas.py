"""The API's own description: what each call takes and gives, beside the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schedtui.api.error_examples import answer_of
from schedtui.api.headers import answer_header, request_header
from schedtui.api.query import Params
from schedtui.api.roles import needs
from schedtui.models import (
    After,
    Applied,
    Attempt,
    AuditEvent,
    Backfill,
    BulkOutcome,
    Changes,
    Defaults,
    EngineInfo,
    Explanation,
    FunctionInfo,
    Job,
    JobFilter,
    JobPatch,
    JobSpec,
    JobState,
    JobsText,
    Letters,
    LogHit,
    LogPage,
    Plan,
    Policies,
    Preview,
    Reload,
    Revision,
    Role,
    Run,
    RunFilter,
    Statistics,
    Stats,
)
from schedtui.models.dead import MAX_LETTERS

PREFIX = "#/components/schemas/"
MODELS: tuple[type, ...] = (
    Applied,
    Attempt,
    AuditEvent,
    Backfill,
    BulkOutcome,
    Changes,
    Defaults,
    EngineInfo,
    Explanation,
    FunctionInfo,
    Job,
    JobFilter,
    JobPatch,
    JobSpec,
    JobsText,
    Letters,
    LogHit,
    LogPage,
    Plan,
    Preview,
    Reload,
    Revision,
    Run,
    Statistics,
    Stats,
)
CANCELLED: dict[str, Any] = {
    "type": "object",
    "required": ["cancelled"],
    "properties": {"cancelled": {"type": "integer", "description": "How many runs."}},
    "examples": [{"cancelled": 17}],
}
"""The answer of a call that cancels queued runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPutBody:
    """What a job of a given name shall be; what is left out has its default."""

    function: str
    """`group/name` of a registered function."""
    trigger: Mapping[str, Any] | None = None
    """Null: it has none, and runs `after` other jobs alone."""
    timezone: str | None = None
    """IANA zone; null: the group's, else the engine's."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the function."""
    policies: Policies = field(default_factory=Policies)
    """What it says itself; the rest comes from its group and its engine."""
    after: tuple[str | After, ...] = ()
    """The jobs whose runs it follows; `group/name` alone means their success."""
    tags: tuple[str, ...] = ()
    description: str = ""
    owner: str = ""
    """Whom to ask about it."""
    expected: str = ""
    """What a run is expected to come to."""
    runbook: str = ""
    """What to do when it fails."""
    rollback: str = ""
    """How to undo what a run did."""
    paused: bool = False
    """Pause it too; a pause that it has stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseBody:
    """What may come with a pause."""

    reason: str = ""
    """Shown wherever the job is."""
    until: datetime | None = None
    """When it resumes by itself; null: when somebody resumes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkPauseBody:
    """Which jobs are to be paused; every part of the filter that is given must hold."""

    group: str | None = None
    tag: str | None = None
    state: JobState | None = None
    reason: str = ""
    """Shown wherever the jobs are."""
    until: datetime | None = None
    """When they resume by themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnginePauseBody:
    """What may come with a pause of the whole engine."""

    reason: str = ""
    """Shown wherever the engine is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelBody:
    """What may come with the cancelling of a run."""

    reason: str = ""
    """Kept with the run."""
    force: bool = False
    """Do not wait for a function that runs: record its end now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggerBody:
    """What may come with a manual run."""

    kwargs: Mapping[str, Any] | None = None
    """Replace arguments of the job by name, for this run only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillBody:
    """Which due times of the past are to run."""

    start: str
    """ISO 8601, or what people type, in the job's zone; a date alone is its midnight."""
    end: str | None = None
    """Likewise, and not part of the range; null: now."""
    limit: int = 1_000
    """Refuse where the range holds more due times."""
    again: bool = False
    """Also run those that succeeded when they were due."""
    kwargs: Mapping[str, Any] | None = None
    """Replace arguments of the job by name, for these runs."""
    dry_run: bool = False
    """Queue nothing, and say what would be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillCancelBody:
    """What may come with the cancelling of a job's queued backfill runs."""

    reason: str = ""
    """Kept with the runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetriesCancelBody:
    """What may come with the cancelling of a job's runs that wait for a retry."""

    reason: str = ""
    """Kept with the runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayBody:
    """Which dead letters are to run once more: `runs` or `where`."""

    runs: tuple[int, ...] | None = None
    """Their ids."""
    where: RunFilter | None = None
    """All that it finds; it must say something; `dead` is taken for granted."""
    groups: tuple[str, ...] | None = None
    """Only those of these groups; the others are as if they were not there."""
    limit: int = MAX_LETTERS
    """Take the oldest that many that can be replayed."""
    dry_run: bool = False
    """Queue nothing, and say what would be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DismissBody:
    """Which dead letters nothing more is to be done about: `runs` or `where`."""

    runs: tuple[int, ...] | None = None
    """Their ids."""
    where: RunFilter | None = None
    """All that it finds; it must say something; `dead` is taken for granted."""
    groups: tuple[str, ...] | None = None
    """Only those of these groups; the others are as if they were not there."""
    note: str = ""
    """Why; kept with the runs."""
    limit: int = MAX_LETTERS
    """Take the oldest that many."""
    dry_run: bool = False
    """Change nothing, and say what would be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunBody:
    """What may come with a run of a function."""

    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Its arguments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanBody:
    """What is to be planned: a file, or going back to a revision."""

    text: str | None = None
    """Of the file."""
    revision: int | None = None
    """Its number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyBody:
    """A file to be applied."""

    text: str
    note: str
    """Why; kept with the revision."""
    plan: str | None = None
    """The id of a plan: refuse where the jobs or the file are others by now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RollbackBody:
    """A revision to go back to."""

    revision: int
    note: str = ""
    """Why; kept with the new revision."""
    plan: str | None = None
    """The id of a plan: refuse where the jobs are others by now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewBody:
    """A trigger to explain."""

    trigger: Mapping[str, Any]
    timezone: str | None = None
    group: str | None = None
    """Whose zone counts where none is named."""
    count: int = 5
    """How many due times."""


def ref(model: type | str) -> dict[str, Any]:
    """A reference to a model's schema."""
    return {"$ref": PREFIX + (model if isinstance(model, str) else model.__name__)}


def page_of(item: dict[str, Any]) -> dict[str, Any]:
    """The schema of one page of a list."""
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "items": {"type": "array", "items": item},
            "cursor": {
                "type": ["string", "null"],
                "description": "Give it back for the next page; null on the last one.",
            },
        },
    }


def events_of(names: Sequence[str], *models: type) -> dict[str, Any]:
    """The schema of one event of a stream, whose data is one of ``models`` or a problem."""
    data = {
        "type": "string",
        "description": "JSON.",
        "contentMediaType": "application/json",
        "contentSchema": {"anyOf": [*(ref(one) for one in models), ref("Problem")]},
    }
    return {
        "type": "object",
        "properties": {
            "event": {"type": "string", "enum": list(names), "description": "What it tells."},
            "id": {"type": "string", "description": "For `Last-Event-ID`."},
            "data": data,
        },
    }


def describe(
    params: Params,
    answer: dict[str, Any] | None = None,
    *,
    status: int = 200,
    body: type | None = None,
    body_required: bool = True,
    media: str = "application/json",
    headers: Sequence[str] = (),
    also: Sequence[int | str] = (),
    location: bool = False,
    role: Role | None = None,
) -> dict[str, Any]:
    """What OpenAPI shall say of a route, besides its path and docstring.

    The errors that any call of its kind may end with are added by `schedtui.api.document`.

    Args:
        params: Its query parameters.
        answer: Schema of its answer; None where it has none.
        status: Of a success.
        body: The model that it takes.
        body_required: Whether it must come.
        media: The answer's media type.
        headers: Request headers that it reads, of those in `schedtui.api.headers`.
        also: Errors that not every call of its kind knows: a status, or a name of `error_examples`.
        location: Whether the answer says where what it made can be read.
        role: That it needs; None: the usual one, an admin's for all that writes.
    """
    success: dict[str, Any] = {"description": "Done"}
    if answer is not None:
        success["content"] = {media: {"schema": answer}}
    if location:
        success["headers"] = {"Location": answer_header("Location")}
    responses: dict[str, Any] = {str(status): success}
    responses.update(answer_of(name) for name in also)
    said: dict[str, Any] = {
        "parameters": [*params.openapi(), *(request_header(name) for name in headers)],
        "responses": responses,
    }
    if role is not None:
        said |= needs(role)
    if body is not None:
        schema = {"application/json": {"schema": ref(body)}}
        said["requestBody"] = {"required": body_required, "content": schema}
    return said


BODIES: tuple[type, ...]
BODIES = (PauseBody, BulkPauseBody, EnginePauseBody, CancelBody, RunBody, TriggerBody, PreviewBody)
BODIES += (BackfillBody, BackfillCancelBody, PlanBody, ApplyBody, RollbackBody)
BODIES += (RetriesCancelBody, JobPutBody, ReplayBody, DismissBody)
