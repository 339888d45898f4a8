"""The jobs that a call of the face means."""

from __future__ import annotations

from fastapi import HTTPException

from schedtui.client.local import MAX_PAGE
from schedtui.engine.jobs.found import check_filter
from schedtui.errors import InvalidNameError, JobNotFoundError
from schedtui.models import GroupDefaults, Job, JobFilter
from schedtui.protocols import EngineClient


async def find_jobs(
    engine: EngineClient,
    group: str | None = None,
    name: str | None = None,
    tag: str | None = None,
) -> list[Job]:
    """The jobs that fit every part of a filter that is given, in the order of their ids."""
    if group is not None and name is not None:
        job = await find_job(engine, group, name)
        return [] if job is None or not _has(job, tag) else [job]
    found: list[Job] = []
    cursor: str | None = None
    where = JobFilter(group=group, tag=tag)
    try:
        check_filter(where)
    except InvalidNameError:
        return found
    while True:
        page = await engine.jobs(where, limit=MAX_PAGE, cursor=cursor)
        found += [job for job in page.items if name in (None, job.name)]
        cursor = page.cursor
        if cursor is None:
            return found


def _has(job: Job, tag: str | None) -> bool:
    return tag is None or tag in job.tags


async def find_job(engine: EngineClient, group: str, name: str) -> Job | None:
    """The job of this name; None where there is none."""
    try:
        return await engine.job(f"{group}/{name}")
    except (JobNotFoundError, InvalidNameError):
        return None


async def find_group(engine: EngineClient, name: str) -> GroupDefaults:
    """The group of this name.

    Raises:
        HTTPException: there is none.
    """
    for group in (await engine.defaults()).groups:
        if group.name == name:
            return group
    raise HTTPException(404, f"Task group '{name}' not found")


def nothing_found() -> HTTPException:
    """The answer to a filter that no job fits."""
    return HTTPException(404, "No matching tasks found")
