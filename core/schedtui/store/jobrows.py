"""Jobs as the store keeps them, and back: a damaged column costs what stands in it, not the job."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from schedtui.clock import EPOCH, to_us
from schedtui.errors import SchedtuiError, StoreDataError
from schedtui.models import After, Job, Policies
from schedtui.models.after import check_after
from schedtui.models.names import check_name, split_name
from schedtui.models.notes import NOTES, notes_of
from schedtui.models.wire import from_wire, to_wire
from schedtui.store.rows import dump, moment_of, number_of, object_of, printable, text_of

logger = logging.getLogger("schedtui.store")


def job_row(job: Job) -> dict[str, Any]:
    """All columns of a job.

    Raises:
        StoreDataError: something in it has no JSON form.
    """
    try:
        return {
            "id": job.id,
            "group_name": job.group,
            "name": job.name,
            "function": job.function,
            "trigger": dump(job.trigger),
            "timezone": job.timezone,
            "kwargs": dump(job.kwargs),
            "policies": _policies_json(job.policies),
            "after": dump(to_wire(job.after)) if job.after else "[]",
            "tags": dump(list(job.tags)),
            "description": printable(job.description),
            **{field: printable(text) for field, text in notes_of(job).items()},
            "static": job.static,
            "declared": None if job.declared is None else dump(job.declared),
            "overridden": job.overridden,
            "orphaned": job.orphaned,
            "paused": job.paused,
            "pause_reason": printable(job.pause_reason),
            "paused_by": printable(job.paused_by),
            "paused_until": None if job.paused_until is None else to_us(job.paused_until),
            "created_at": to_us(job.created_at),
            "updated_at": to_us(job.updated_at),
            "version": job.version,
            "next_due": None if job.next_due is None else to_us(job.next_due),
            "last_due": None if job.last_due is None else to_us(job.last_due),
            "fired": job.fired,
            "failures": job.failures,
        }
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreDataError(f"job {job.full_name} cannot be kept: {error}") from error


def _policies_json(policies: Policies) -> str:
    if policies == _NONE:
        return "{}"
    return dump({k: v for k, v in to_wire(policies).items() if v is not None})


_NONE = Policies()


def kept(job: Job) -> Job:
    """The job as a database would give it back.

    Raises:
        StoreDataError: it cannot be read back as it is.
    """
    row = job_row(job)
    found = job_of([row[column] for column in JOB_COLUMNS])
    if found.damage:
        raise StoreDataError(f"job {job.full_name} cannot be read back as it is")
    return found


def job_of(row: Sequence[Any]) -> Job:
    """The job of a row in the order of `JOB_COLUMNS`, with all that can be read of it.

    What cannot be read has a neutral value, and stands in ``damage``.
    """
    values: dict[str, Any] = {"id": row[0]}
    damage: dict[str, str] = {}
    for field, value in zip(_FIELDS, row[1:], strict=True):
        try:
            values[field.name] = field.read(value)
        except (TypeError, ValueError, OverflowError, RecursionError, SchedtuiError) as error:
            values[field.name] = field.instead
            damage[field.name] = str(error)
    if damage:
        if "static" in damage:
            values["static"] = values["declared"] is not None
        if damage.keys() & {"group", "name"}:
            values |= {"group": DAMAGED, "name": f"job-{row[0]}"}
        logger.error(
            "job %s (%s/%s) is damaged in the store: %s",
            row[0],
            values["group"],
            values["name"],
            "; ".join(f"{name}: {said}" for name, said in damage.items()),
        )
    return Job(**values, damage=damage)


DAMAGED = "damaged"
"""The group of a job whose own names cannot be read; it is called by its id there."""


class _Field(NamedTuple):
    """How a field of a job is read from its column."""

    name: str
    column: str
    read: Callable[[Any], Any]
    instead: Any
    """What it is where its column is damaged."""


def _name(value: Any) -> str:
    return check_name("name", value)


def _function(value: Any) -> str:
    split_name("function", value)
    return text_of(value)


def _flag(value: Any) -> bool:
    return bool(number_of(value))


def _moment(value: Any) -> Any:
    return moment_of(number_of(value))


def _moment_or_none(value: Any) -> Any:
    return None if value is None else _moment(value)


def _declared(value: Any) -> Mapping[str, Any] | None:
    return None if value is None else object_of(value)


def _tags(value: Any) -> tuple[str, ...]:
    tags = json.loads(value)
    if not isinstance(tags, list):
        raise TypeError(f"not a JSON list: {value:.40}")
    return tuple(text_of(tag) for tag in tags)


def _after(value: Any) -> tuple[After, ...]:
    if value == "[]":
        return ()
    return check_after(from_wire(After, one, strict=False) for one in json.loads(value))


@lru_cache(maxsize=256)
def _policies(text: str) -> Policies:
    return from_wire(Policies, json.loads(text), strict=False)


_FIELDS = (
    _Field("group", "group_name", _name, ""),
    _Field("name", "name", _name, ""),
    _Field("function", "function", _function, f"{DAMAGED}/{DAMAGED}"),
    _Field("trigger", "trigger", object_of, {}),
    _Field("timezone", "timezone", text_of, "UTC"),
    _Field("kwargs", "kwargs", object_of, {}),
    _Field("policies", "policies", _policies, Policies()),
    _Field("after", "after", _after, ()),
    _Field("tags", "tags", _tags, ()),
    _Field("description", "description", text_of, ""),
    *(_Field(field, field, text_of, "") for field in NOTES),
    _Field("static", "static", _flag, False),
    _Field("declared", "declared", _declared, None),
    _Field("overridden", "overridden", _flag, False),
    _Field("orphaned", "orphaned", _flag, False),
    _Field("paused", "paused", _flag, False),
    _Field("pause_reason", "pause_reason", text_of, ""),
    _Field("paused_by", "paused_by", text_of, ""),
    _Field("paused_until", "paused_until", _moment_or_none, None),
    _Field("created_at", "created_at", _moment, EPOCH),
    _Field("updated_at", "updated_at", _moment, EPOCH),
    _Field("version", "version", number_of, 0),
    _Field("next_due", "next_due", _moment_or_none, None),
    _Field("last_due", "last_due", _moment_or_none, None),
    _Field("fired", "fired", number_of, 0),
    _Field("failures", "failures", number_of, 0),
)

JOB_COLUMNS = ("id", *(field.column for field in _FIELDS))
"""The order in which `job_of` expects a job."""
