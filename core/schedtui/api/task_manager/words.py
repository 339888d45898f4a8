"""The words of the face for what a job is: expressions, names, moments."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from cronsim import CronSim, CronSimError

from schedtui.errors import SchedtuiError
from schedtui.models import Job, Overlap, Policies
from schedtui.models.after import after_words
from schedtui.models.hidden import MASK
from schedtui.models.names import MAX_NAME
from schedtui.models.secret import hides
from schedtui.triggers import parse_trigger

NEVER: Final = "2000-01-01T00:00:00Z"
"""What stands where a task has no next run."""
HIGH: Final = 50
"""The priority of a job that is created with ``high_priority``."""
_LONGEST: Final = 1_000
_UTC: Final = frozenset({"UTC", "Etc/UTC", "Zulu", "Etc/Zulu", "Etc/UCT", "UCT", "Universal"})


@lru_cache(maxsize=1_024)
def cron_problem(expression: str) -> str:
    """What the face says of an expression that it does not take; empty where it does."""
    if len(expression) > _LONGEST:
        return f"longer than {_LONGEST} characters"
    try:
        CronSim(expression, datetime.now(UTC))
    except (CronSimError, ValueError, AssertionError) as error:
        return str(error)
    return ""


def expression_of(job: Job) -> str:
    """The schedule of a job: a cron expression as it is, anything else in words."""
    trigger = job.trigger
    if trigger.get("type") == "cron":
        zone = trigger.get("timezone") or job.timezone
        expression = str(trigger.get("expression", ""))
        return expression if zone in _UTC else f"CRON_TZ={zone} {expression}"
    try:
        parsed = parse_trigger(trigger, job.timezone, 0)
    except SchedtuiError:
        return "unreadable"
    return after_words(job.after) if parsed.dueless and job.after else parsed.short()


def function_of(job: Job) -> str:
    """The bare name of a job's function, where that is of the job's group."""
    return job.function.removeprefix(f"{job.group}/")


def parallel_of(policies: Policies) -> bool | None:
    """Whether runs may go side by side; None where these policies leave it open."""
    return None if policies.overlap is None else policies.overlap is Overlap.ALLOW


def overlap_of(allow_parallel: bool | None) -> Overlap | None:
    """What a job's policies say for ``allow_parallel``."""
    if allow_parallel is None:
        return None
    return Overlap.ALLOW if allow_parallel else Overlap.SKIP


def moment_of(moment: datetime) -> str:
    """A moment as the face writes it: UTC, with a ``Z``."""
    return moment.isoformat().replace("+00:00", "Z")


def without_secrets(kwargs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as anybody may see them.

    Args:
        kwargs: The arguments.
        parameters: The JSON schema of the function's.
    """
    known, others = parameters.get("properties", {}), parameters.get("additionalProperties")
    patterns = parameters.get("patternProperties", {})
    definitions = parameters.get("$defs", {})

    def shown(name: str) -> Any:
        of_pattern = (one for pattern, one in patterns.items() if re.search(pattern, name))
        return known[name] if name in known else next(of_pattern, others)

    return {
        name: MASK if hides(shown(name), definitions) else value for name, value in kwargs.items()
    }


def made_name(function: str, kwargs: Mapping[str, Any] | None, expression: str) -> str:
    """The name of a task that was given none, made of what it runs and when.

    The hashes are shortened to what a job's name has room for. Of arguments, only what anybody may
    see goes in: a short secret could be found by trying.
    """
    hashes = [hashlib.sha256(expression.encode()).hexdigest()]
    if kwargs:
        hashes.insert(0, hashlib.sha256(str(sorted(kwargs.items())).encode()).hexdigest())
    marks = len("______")
    function = function[: MAX_NAME - marks - 32 * len(hashes)]
    room = (MAX_NAME - marks - len(function)) // len(hashes)
    shown = [digest[:room] for digest in hashes]
    return "__".join([function, *([] if kwargs else [""]), *shown, ""])
