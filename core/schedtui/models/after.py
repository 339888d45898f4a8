"""What a job runs after: the ends of runs of other jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from schedtui.errors import InvalidError
from schedtui.models.names import split_name
from schedtui.models.states import RunState

On = Literal["success", "failure", "end"]
"""Which ends of a run count."""

MAX_AFTER: Final = 50
"""Jobs that one job may run after."""

_FAILED = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.LOST})
_STATES: Final = {
    "success": frozenset({RunState.SUCCEEDED}),
    "failure": _FAILED,
    "end": _FAILED | {RunState.SUCCEEDED, RunState.CANCELLED},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class After:
    """A job is to run once whenever a run of another one has ended."""

    job: str
    """``group/name`` of the other job: the living one of that name when its run ends."""
    on: On = "success"
    """``success``: it succeeded; ``failure``: it failed, timed out or was lost, retries included;
    ``end``: either, or it was cancelled. What was skipped or missed never began, so it never
    counts."""

    @property
    def names(self) -> tuple[str, str]:
        """Group and name of the other job."""
        group, _, name = self.job.partition("/")
        return group, name

    @property
    def states(self) -> frozenset[RunState]:
        """The states of a run's end that count."""
        return _STATES[self.on]

    def __str__(self) -> str:
        """``Reports/export``, ``Reports/export (failure)``."""
        return self.job if self.on == "success" else f"{self.job} ({self.on})"


def check_after(given: object) -> tuple[After, ...]:
    """What a job runs after, each once; a plain ``group/name`` means its success.

    Raises:
        InvalidNameError: not the name of a job.
        InvalidError: anything else is wrong; says what.
    """
    if isinstance(given, str | After) or not isinstance(given, Iterable):
        expected = "a list of jobs, such as ['Reports/export']"
        raise InvalidError.one("after", _told(given), expected)
    found: dict[After, None] = {}
    for one in given:
        if not isinstance(one, str | After):
            raise InvalidError.one("after", _told(one), "'group/name' or After(job=…, on=…)")
        after = After(job=one) if isinstance(one, str) else one
        split_name("after", after.job)
        if after.on not in get_args(On):
            expected = f"one of {', '.join(map(repr, get_args(On)))}"
            raise InvalidError.one("after", _told(after.on), expected)
        found[after] = None
    if len(found) > MAX_AFTER:
        raise InvalidError.one("after", len(found), f"at most {MAX_AFTER} jobs")
    return tuple(found)


def after_words(after: Iterable[After]) -> str:
    """``after Reports/export, Reports/load (failure)``; empty for none."""
    listed = ", ".join(str(one) for one in after)
    return f"after {listed}" if listed else ""


def _told(value: object) -> object:
    return str(value) if isinstance(value, After) else value
