"""What is said in the requests of a client: moments, and the paths of jobs."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from schedtui.errors import InvalidError, InvalidNameError, JobNotFoundError
from schedtui.models.names import split_name


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
