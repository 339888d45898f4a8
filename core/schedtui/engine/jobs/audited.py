"""Jobs as the audit trail keeps them."""

from __future__ import annotations

from typing import Any

from schedtui.models import Job
from schedtui.models.secret import shown
from schedtui.models.wire import to_wire

_NOT_TOLD = frozenset(
    {
        "version",
        "created_at",
        "updated_at",
        "effective",
        "next_due",
        "last_due",
        "fired",
        "failures",
        "declared",
        "replayed",
    }
)


def told(job: Job) -> dict[str, Any]:
    """A job as the audit trail keeps it."""
    wire: dict[str, Any] = to_wire(shown(job))
    if not job.damage:
        del wire["damage"]
    return {key: value for key, value in wire.items() if key not in _NOT_TOLD}


def difference(before: Job, after: Job) -> dict[str, Any]:
    """What a line says of a change: the fields that differ, before and after."""
    old, new = told(before), told(after)
    changed = [key for key in old if old[key] != new.get(key)]
    return {
        "before": {key: old[key] for key in changed},
        "after": {key: new[key] for key in changed if key in new},
    }
