"""What is said in the requests of a client: moments, and the paths of jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from schedtui.errors import InvalidError, InvalidNameError, JobNotFoundError
from schedtui.models import JobSpec
from schedtui.models.names import check_name, split_name
from schedtui.models.wire import to_wire


def typed(moment: datetime | str, field: str) -> str:
    """A moment as text.

    Raises:
        InvalidError: it has no zone; another engine would read it in the job's.
    """
    if isinstance(moment, str):
        return moment
    if moment.tzinfo is None:
        raise InvalidError.one(field, moment.isoformat(), "a datetime with a time zone")
    return moment.isoformat()


def job_path(job: str) -> str:
    """Where a job is below the API.

    Raises:
        JobNotFoundError: no URL can carry this name.
    """
    try:
        group, name = split_name("job", job)
    except InvalidNameError:
        raise JobNotFoundError(job, "a job is named 'group/name'") from None
    return f"/jobs/{quote(group, safe='')}/{quote(name, safe='')}"


def replacing(spec: JobSpec) -> tuple[str, dict[str, Any]]:
    """Where a job is put that may be there already, and what is said of it.

    Raises:
        InvalidError: it has no name.
        InvalidNameError: no URL can carry its name.
    """
    if spec.name is None:
        raise InvalidError.one(
            "name", None, "a name, with replace=True: without one each call makes another job"
        )
    group = check_name("group", spec.group or spec.function.partition("/")[0])
    path = f"/jobs/{quote(group, safe='')}/{quote(check_name('name', spec.name), safe='')}"
    body = {key: value for key, value in to_wire(spec).items() if key not in {"group", "name"}}
    return path, body


def if_match(version: int | None) -> dict[str, str]:
    """The header that makes a call hold only for a version."""
    return {} if version is None else {"If-Match": f'"{version}"'}
