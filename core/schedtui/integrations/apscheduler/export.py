"""The jobs of an APScheduler as a file, for an engine that shall have them itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from schedtui.engine.revisions.content import content_of, written
from schedtui.errors import InvalidArgumentsError
from schedtui.integrations.apscheduler.seen import Seen
from schedtui.integrations.apscheduler.triggers import jitter_s, read
from schedtui.models import CatchUp, Job
from schedtui.models.jobs_file import Content, JobsFile, render
from schedtui.registry import json_arguments


def file_of(jobs: Iterable[tuple[Job, Seen]]) -> tuple[str, tuple[str, ...]]:
    """The text of a file that says all of these jobs, as far as a file can.

    Returns:
        The text, and a line for each job that is not in it, which says why; the text ends with
        them, as comments.
    """
    found: dict[str, Content] = {}
    left_out = []
    for job, seen in jobs:
        try:
            found[job.full_name] = written(_content(job, seen))
        except _UnsayableError as error:
            left_out.append(f"{job.full_name}: {error}")
    left_out.sort()
    return render(JobsFile(jobs=found)) + "".join(map(_comment, left_out)), tuple(left_out)


def _comment(line: str) -> str:
    """What a file says of a job that is not in it; TOML allows no control characters there."""
    return f"\n# left out: {''.join(one if one.isprintable() else ' ' for one in line)}\n"


class _UnsayableError(Exception):
    """What a file has no words for."""


def _content(job: Job, seen: Seen) -> Content:
    if not _is_named(seen.call):
        raise _UnsayableError("its function is an object with a state of its own; wrap it in a def")
    trigger = read(seen.trigger, jitter=True)
    if trigger is None:
        raise _UnsayableError(
            f"{seen.trigger!r} has no words here that mean the same; write the job by hand"
        )
    said = dict(trigger.to_json())
    if said.get("timezone") == job.timezone:
        del said["timezone"]  # the job's own, so that the file is short
    title = "" if seen.title in (job.name, seen.function.rpartition("/")[2]) else seen.title
    return {
        **content_of(job),
        "trigger": said,
        "description": title,
        "policies": _policies(seen),
        "kwargs": _kwargs(seen),
    }


def _is_named(call: Any) -> bool:
    """Whether its name says all about a function: no partial, and no method of an object."""
    if inspect.ismethod(call):
        return isinstance(call.__self__, type)
    return inspect.isroutine(call) or isinstance(call, type)


def _policies(seen: Seen) -> dict[str, Any]:
    """Its rules for what is late, side by side, or moved by chance."""
    said: dict[str, Any] = {"concurrency": seen.max_instances}
    if seen.grace_s is not None:
        said |= {"grace_s": float(seen.grace_s), "catch_up": CatchUp.SKIP.value}
    else:  # however late: of many the newest alone, or each
        said["catch_up"] = (CatchUp.LATEST if seen.coalesce else CatchUp.ALL).value
    jitter = jitter_s(seen.trigger)
    return said | ({"jitter_s": jitter} if jitter else {})


def _kwargs(seen: Seen) -> dict[str, Any]:
    """All its arguments, by the names that its function has for them."""
    given = dict(seen.kwargs)
    if seen.args:
        try:
            signature = inspect.signature(seen.call)
            bound = signature.bind(*seen.args, **given)
        except (TypeError, ValueError) as error:
            raise _UnsayableError(f"its positional arguments have no names: {error}") from None
        for name, value in bound.arguments.items():
            if signature.parameters[name].kind in _NAMELESS:
                raise _UnsayableError(f"its positional arguments have no names: {name}")
            if signature.parameters[name].kind is not inspect.Parameter.VAR_KEYWORD:
                given[name] = value
    try:
        return json_arguments(given)
    except InvalidArgumentsError as error:
        raise _UnsayableError(f"an argument has no JSON form: {error}") from None


_NAMELESS = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
