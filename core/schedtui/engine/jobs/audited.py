"""Jobs as the audit trail keeps them."""

from __future__ import annotations

from dataclasses import fields
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
_TOLD = tuple(field.name for field in fields(Job) if field.name not in _NOT_TOLD)
_TOLD_WHOLE = tuple(name for name in _TOLD if name != "damage")


def told(job: Job) -> dict[str, Any]:
    """A job as the audit trail keeps it."""
    job = shown(job)
    names = _TOLD if job.damage else _TOLD_WHOLE
    return {name: to_wire(getattr(job, name)) for name in names}


def difference(before: Job, after: Job) -> dict[str, Any]:
    """What a line says of a change: the fields that differ, before and after."""
    old, new = told(before), told(after)
    changed = [key for key in old if old[key] != new.get(key)]
    return {
        "before": {key: old[key] for key in changed},
        "after": {key: new[key] for key in changed if key in new},
    }
