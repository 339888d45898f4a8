"""The API's own description: schemas of the models, made when it is asked for and not before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schedtui.api.query import Params
from schedtui.models import (
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
    LogHit,
    LogPage,
    Plan,
    Preview,
    Reload,
    Revision,
    Run,
    Statistics,
)

_PREFIX = "#/components/schemas/"
_MODELS: tuple[type, ...] = (
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
    LogHit,
    LogPage,
    Plan,
    Preview,
    Reload,
    Revision,
    Run,
    Statistics,
)
CANCELLED: dict[str, Any] = {
    "type": "object",
    "required": ["cancelled"],
    "properties": {"cancelled": {"type": "integer"}},
}
"""The answer of a call that cancels queued runs: how many."""
_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "errors", "retryable"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "got": {},
                    "expected": {"type": "string"},
                },
            },
        },
        "retryable": {"type": "boolean"},
    },
}


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
    return {"$ref": _PREFIX + (model if isinstance(model, str) else model.__name__)}


def page_of(item: dict[str, Any]) -> dict[str, Any]:
    """The schema of one page of a list."""
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "items": {"type": "array", "items": item},
            "cursor": {"type": ["string", "null"]},
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
) -> dict[str, Any]:
    """What OpenAPI shall say of a route, besides its path and docstring.

    Args:
        params: Its query parameters.
        answer: Schema of its answer; None where it has none.
        status: Of a success.
        body: The model that it takes.
        body_required: Whether it must come.
        media: The answer's media type.
    """
    success: dict[str, Any] = {"description": "Done"}
    if answer is not None:
        success["content"] = {media: {"schema": answer}}
    problem = {
        "description": "What went wrong",
        "content": {"application/problem+json": {"schema": ref("Problem")}},
    }
    said: dict[str, Any] = {
        "parameters": params.openapi(),
        "responses": {str(status): success, "default": problem},
    }
    if body is not None:
        schema = {"application/json": {"schema": ref(body)}}
        said["requestBody"] = {"required": body_required, "content": schema}
    return said


_BODIES: tuple[type, ...]
_BODIES = (PauseBody, BulkPauseBody, EnginePauseBody, CancelBody, RunBody, TriggerBody, PreviewBody)
_BODIES += (BackfillBody, BackfillCancelBody, PlanBody, ApplyBody, RollbackBody)
_BODIES += (RetriesCancelBody,)


def components() -> dict[str, Any]:
    """The schemas of every model that travels, by name."""
    from pydantic import TypeAdapter  # half a second for what hardly anybody asks for

    models = (*_MODELS, *_BODIES)
    adapters: list[Any] = [(model.__name__, "validation", TypeAdapter(model)) for model in models]
    made, shared = TypeAdapter.json_schemas(adapters, ref_template=_PREFIX + "{model}")
    schemas = dict(shared.get("$defs", {}))
    for (name, _), schema in made.items():
        schemas.setdefault(str(name), schema)
    return {**schemas, "Problem": _PROBLEM}
