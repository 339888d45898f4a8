"""What a file says of living jobs: those made at run time whole, of others what was changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schedtui.engine.code.declared import declared_name
from schedtui.engine.core import Core
from schedtui.engine.upkeep import damage
from schedtui.errors import ConflictError
from schedtui.models import Job
from schedtui.models.jobs_file import FIELDS, Content, JobsFile
from schedtui.models.notes import NOTES, notes_of
from schedtui.models.secret import shown
from schedtui.models.wire import to_wire

NEVER: Final = {"type": "never"}
DEFAULTS: Final[Content] = {
    "trigger": NEVER,
    "after": [],
    "description": "",
    **dict.fromkeys(NOTES, ""),
    "tags": [],
    "paused": False,
    "pause_reason": "",
    "paused_until": None,
    "policies": {},
    "kwargs": {},
}
"""What a job made at run time is where its file does not say."""
PAUSE: Final = ("paused", "pause_reason", "paused_until")


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """The jobs that a file is compared with, as they were at one moment."""

    jobs: Mapping[str, Job]
    """Those that a file can name, by the name that they have there."""
    others: frozenset[str]
    """Names of orphaned jobs, which no file says anything of."""
    declared: Mapping[str, Content]
    """What the code says of those that are declared there."""
    versions: Mapping[int, int]
    """Of every living job, by its id."""


def known(core: Core, jobs: Sequence[Job]) -> Known:
    """What there is to compare a file with.

    Raises:
        ConflictError: a job is damaged in the store; no file could say what it is.
    """
    named: dict[str, Job] = {}
    declared: dict[str, Content] = {}
    for job in jobs:
        if job.damage and not job.orphaned:
            raise ConflictError(
                f"{job.full_name} has no place in a file, because {damage.told(job)}"
            )
        name = "/".join(declared_name(job)) if job.static else job.full_name
        if not job.orphaned:
            named[name] = job
        if job.static and not job.orphaned:
            declared[name] = _declared(core, job)
    return Known(
        jobs=named,
        others=frozenset(job.full_name for job in jobs if job.orphaned),
        declared=declared,
        versions={job.id: job.version for job in jobs},
    )


def file_of(state: Known) -> JobsFile:
    """All that a file says of these jobs."""
    jobs: dict[str, Content] = {}
    overrides: dict[str, Content] = {}
    for name, job in state.jobs.items():
        content = content_of(job)
        if job.static:
            said = changed_of(content, state.declared[name])
            if said:
                overrides[name] = said
        else:
            jobs[name] = written(content)
    return JobsFile(jobs=jobs, overrides=overrides)


def content_of(job: Job) -> Content:
    """All that a file can say of a job, without what is secret."""
    job = shown(job)
    said = {
        "function": job.function,
        "trigger": job.trigger,
        "timezone": job.timezone,
        "after": job.after,
        "description": job.description,
        **notes_of(job),
        "tags": job.tags,
        "paused": job.paused,
        "pause_reason": job.pause_reason if job.paused else "",
        "paused_until": job.paused_until if job.paused else None,
        "policies": _said(to_wire(job.policies)),
        "kwargs": job.kwargs,
    }
    if job.static:
        said["name"] = job.name
    content: Content = to_wire(said)
    return content


def written(content: Content) -> Content:
    """What has to be said of a job made at run time, so that a file says all of it."""
    said = changed_of(content, DEFAULTS)
    if content["trigger"] == NEVER and not content["after"]:
        said["trigger"] = NEVER  # one without both would be taken for a mistake
    return said


def changed_of(content: Content, base: Content) -> Content:
    """The fields of a content that are not as they are in another one."""
    return {
        field: content[field]
        for field in FIELDS
        if field in content and (field not in base or not same(content[field], base[field]))
    }


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are: to Python 1, 1.0 and True are equal, to a function not."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _declared(core: Core, job: Job) -> Content:
    said: Mapping[str, Any] = shown(job).declared or {}
    group, name = declared_name(job)
    return {
        **DEFAULTS,
        **{field: said[field] for field in FIELDS if field in said},
        "name": name,
        "timezone": said.get("timezone") or core.zone_for(None, group),
        "policies": _said(said.get("policies", {})),
    }


def _said(policies: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in policies.items() if value is not None}
