"""Jobs whose rows in the store are damaged: they are shown, never fire, and nothing is guessed.

A static one is written anew from its declaration. Of any other the damaged fields have to be given
by an edit, or it has to be deleted; its runs are left as they are until then.
"""

from __future__ import annotations

from collections.abc import Mapping

from schedtui.engine.live.job import LiveJob
from schedtui.errors import ConflictError
from schedtui.models import Job, JobPatch


def told(job: Job) -> str:
    """What is wrong with a damaged job, and what to do."""
    return (
        f"its row in the store is damaged ({listed(job)}): edit it and give what is damaged anew, "
        "or delete it"
    )


def listed(job: Job) -> str:
    """Its damaged fields, and why each cannot be read."""
    return "; ".join(f"{field}: {why[:100]}" for field, why in job.damage.items())


def of_runs(found: Mapping[int, str]) -> list[str]:
    """The engine's problem with runs that cannot be read; empty where there are none."""
    if not found:
        return []
    first = next(iter(found.values()))
    return [f"{len(found)} runs cannot be read and are left out; the first: {first}"]


def refuse(live: LiveJob) -> None:
    """Let nobody run a job, or write it, while it is damaged.

    Raises:
        ConflictError: it is.
    """
    if live.job.damage:
        raise ConflictError(f"{live.full_name}: nothing was done, because {told(live.job)}")


def missing(job: Job, patch: JobPatch) -> list[str]:
    """The damaged fields that only an edit can give, and this one does not."""
    return [field for field in job.damage if getattr(patch, field, job) is None]
