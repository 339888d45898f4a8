"""The limits of what a request may say, for the API's description.

JSON schema cannot say all of them: that a function exists, that a cron expression is one, that a
moment lies in the future. What it cannot say is answered with 422, and the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schedtui.client.local import MAX_PAGE
from schedtui.engine.backfill.backfill import MAX_LIMIT
from schedtui.engine.jobs.draft import MAX_TEXT
from schedtui.engine.revisions.revisions import MAX_NOTE
from schedtui.models.after import MAX_AFTER
from schedtui.models.dead import MAX_LETTERS
from schedtui.models.dead import MAX_NOTE as DISMISS_NOTE
from schedtui.models.names import MAX_NAME, MAX_REASON, MAX_TAGS
from schedtui.models.notes import NOTES
from schedtui.policies import MAX_PERIOD, MAX_RETRY_ON, RANGES

Schema = dict[str, Any]

_CONTROL: Final = r"/\x00-\x1f\x7f-\x9f"
NAME: Final[Schema] = {"minLength": 1, "maxLength": MAX_NAME, "pattern": f"^[^{_CONTROL}]+$"}
FULL_NAME: Final[Schema] = {
    "minLength": 3,
    "maxLength": 2 * MAX_NAME + 1,
    "pattern": f"^[^{_CONTROL}]+/[^{_CONTROL}]+$",
}
_TAGS: Final[Schema] = {"maxItems": MAX_TAGS, "items": {"type": "string", **NAME}}
_REASON: Final[Schema] = {"maxLength": MAX_REASON}
_TEXT: Final[Schema] = {"maxLength": MAX_TEXT}
_AFTER: Final[Schema] = {"maxItems": MAX_AFTER}
_TYPED: Final[Schema] = {"minLength": 1, "maxLength": 1_000}
_POLICIES: Final[dict[str, Schema]] = {
    name: {"minimum": low, "maximum": high} for name, (low, high, _) in RANGES.items()
} | {
    "retry_on": {"maxItems": MAX_RETRY_ON},
    "run_once_key": {"maxLength": MAX_PERIOD},
    "pool": {"maxLength": MAX_NAME},
}
_JOB: Final[dict[str, Schema]] = {
    "function": FULL_NAME,
    "name": NAME,
    "tags": _TAGS,
    "description": _TEXT,
    "after": _AFTER,
    "timezone": {"minLength": 1},
    **{field: {"maxLength": most} for field, most in NOTES.items()},
}
_REVISION: Final[Schema] = {"minimum": 0, "maximum": 2**63 - 1}
_LETTERS: Final[dict[str, Schema]] = {
    "runs": {"minItems": 1, "maxItems": MAX_LETTERS},
    "limit": {"minimum": 1, "maximum": MAX_LETTERS},
}
_FILTER: Final[dict[str, Schema]] = {"group": NAME, "tag": NAME}

BOUNDS: Final[Mapping[str, Mapping[str, Schema]]] = {
    "After": {"job": FULL_NAME},
    "Policies": _POLICIES,
    "JobSpec": {**_JOB, "group": NAME},
    "JobPatch": _JOB,
    "JobPutBody": {key: limits for key, limits in _JOB.items() if key != "name"},
    "JobFilter": _FILTER,
    "PauseBody": {"reason": _REASON},
    "BulkPauseBody": {**_FILTER, "reason": _REASON},
    "EnginePauseBody": {"reason": _REASON},
    "CancelBody": {"reason": _REASON},
    "BackfillCancelBody": {"reason": _REASON},
    "RetriesCancelBody": {"reason": _REASON},
    "BackfillBody": {
        "start": _TYPED,
        "end": _TYPED,
        "limit": {"minimum": 1, "maximum": MAX_LIMIT},
    },
    "ApplyBody": {"note": {"minLength": 1, "maxLength": MAX_NOTE, "pattern": r"\S"}},
    "RollbackBody": {"revision": _REVISION, "note": {"maxLength": MAX_NOTE}},
    "RunFilter": {"job": FULL_NAME},
    "ReplayBody": _LETTERS,
    "DismissBody": {**_LETTERS, "note": {"maxLength": DISMISS_NOTE}},
    "PlanBody": {"revision": _REVISION},
    "PreviewBody": {
        "group": NAME,
        "timezone": {"minLength": 1},
        "count": {"minimum": 1, "maximum": MAX_PAGE},
    },
}
"""What is said beside the type of a field, by the name of its model."""


def bound(schema: Schema, limits: Schema) -> Schema:
    """``schema`` with ``limits``; of a field that may be null, of the rest."""
    if "anyOf" not in schema:
        return {**schema, **limits}
    options = [one if one.get("type") == "null" else {**one, **limits} for one in schema["anyOf"]]
    return {**schema, "anyOf": options}
