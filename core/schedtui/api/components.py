"""The schemas of every model that travels, made when they are asked for and not before."""

from __future__ import annotations

from typing import Any, Final

import schedtui.models
from schedtui.api.bounds import BOUNDS, bound
from schedtui.api.docstrings import field_docs
from schedtui.api.examples import EXAMPLES
from schedtui.api.schemas import BODIES, MODELS, PREFIX
from schedtui.api.task_manager.described import face_schemas
from schedtui.api.trigger_schema import TRIGGER
from schedtui.client.http_codec import COLUMNS
from schedtui.models import After, JobFilter, JobPatch, JobSpec, Policies, RunFilter

_TAKEN: Final = frozenset(
    {one.__name__ for one in (*BODIES, JobSpec, JobPatch, JobFilter, Policies, After, RunFilter)}
)
"""What a request may hold: read strictly, and a field that is left out has its default."""
_TRIGGERS: Final = (("JobSpec", "trigger"), ("JobPatch", "trigger"), ("PreviewBody", "trigger"))

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "errors", "retryable"],
    "properties": {
        "type": {
            "type": "string",
            "pattern": "^urn:schedtui:error:[a-z0-9-]+$",
            "description": "Which kind of error; the same for all of that kind.",
        },
        "title": {"type": "string", "description": "The kind in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {
            "type": "string",
            "description": "What failed, what was expected, and what to do.",
        },
        "errors": {
            "type": "array",
            "description": "Every field that is wrong.",
            "items": {
                "type": "object",
                "required": ["field", "got", "expected"],
                "properties": {
                    "field": {"type": "string", "description": "Dotted, as in `policies.retries`."},
                    "got": {"description": "What was sent, shortened."},
                    "expected": {"type": "string", "description": "What it has to be."},
                },
            },
        },
        "retryable": {
            "type": "boolean",
            "description": "Whether the same call may succeed later; nothing was done.",
        },
        "name": {
            "type": ["string", "integer"],
            "description": "Of a 404: what there is not.",
        },
    },
}


def components() -> dict[str, Any]:
    """The schemas by name."""
    from pydantic import TypeAdapter  # half a second for what hardly anybody asks for

    adapters: list[Any] = [
        (model.__name__, "validation", TypeAdapter(model)) for model in (*MODELS, *BODIES)
    ]
    made, shared = TypeAdapter.json_schemas(adapters, ref_template=PREFIX + "{model}")
    schemas = dict(shared.get("$defs", {}))
    for (name, _), schema in made.items():
        schemas.setdefault(str(name), schema)
    classes = {**vars(schedtui.models), **{one.__name__: one for one in (*MODELS, *BODIES)}}
    for name, schema in schemas.items():
        schemas[name] = _told(name, classes.get(name), schema)
    for name, field in _TRIGGERS:
        _refer(schemas[name]["properties"], field, "Trigger")
    schemas["JobSummary"] = _row()
    schemas["RunDetail"] = _detail(schemas["Run"])
    return {**schemas, **TRIGGER, **face_schemas(), "Problem": _PROBLEM}


def _told(name: str, kind: type | None, schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with the meaning of each field, its limits and an example."""
    said = field_docs(kind) if kind is not None else {}
    about = (kind.__doc__ if kind is not None else "") or name
    schema.setdefault("description", " ".join(about.partition("\n\n")[0].split()))
    if name in EXAMPLES:
        schema = {**schema, "examples": [EXAMPLES[name]]}
    for field, item in zip(said, schema.get("prefixItems", ()), strict=False):
        item["description"] = said[field] or item.get("title", field)
    properties: dict[str, Any] = schema.get("properties", {})
    if not properties:
        return schema
    for field, item in properties.items():
        text = said.get(field) or item.get("title", field)
        properties[field] = {
            **bound(item, BOUNDS.get(name, {}).get(field, {})),
            "description": text,
        }
    if name in _TAKEN:
        return {**schema, "additionalProperties": False}
    # An answer always has all its fields.
    return {**schema, "required": list(properties)}


def _refer(properties: dict[str, Any], field: str, name: str) -> None:
    old = properties[field]
    link = {"$ref": PREFIX + name}
    null = {"type": "null"}
    changed = {"anyOf": [link, null]} if "anyOf" in old else link
    kept = {key: old[key] for key in ("default", "description") if key in old}
    properties[field] = {**changed, **kept}


def _detail(run: dict[str, Any]) -> dict[str, Any]:
    """A run with its attempts."""
    attempts = {
        "type": "array",
        "description": "Those that have ended, first one first.",
        "items": {"$ref": PREFIX + "Attempt"},
    }
    return {
        **run,
        "description": "One run with its attempts.",
        "required": [*run["required"], "attempts"],
        "properties": {**run["properties"], "attempts": attempts},
        "examples": [EXAMPLES["RunDetail"]],
    }


def _row() -> dict[str, Any]:
    """A row of the job table as it travels."""
    return {
        "type": "array",
        "description": (
            f"One job: {', '.join(COLUMNS)}. Times are microseconds since 1970 (UTC). `recent` is "
            "one flat list: state, duration in microseconds, state, duration …"
        ),
        "minItems": len(COLUMNS),
        "maxItems": len(COLUMNS),
        "items": {},
    }
