"""Which jobs follow which, by the names of those that they follow; and where that is a circle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING

from schedtui.errors import InvalidError
from schedtui.models import After, Job, RunState

if TYPE_CHECKING:
    from schedtui.engine.live.job import LiveJob

Names = tuple[str, str]

TOLD = 5
"""Jobs that a problem names."""


class Followers:
    """The living jobs that run after others. Falsy where there is none, which is the usual case."""

    def __init__(self) -> None:
        self._of: dict[Names, dict[int, LiveJob]] = {}

    def __bool__(self) -> bool:
        return bool(self._of)

    def enter(self, live: LiveJob) -> None:
        """A job is there, or follows others than before."""
        for after in live.job.after:
            self._of.setdefault(after.names, {})[live.id] = live

    def leave(self, job: Job) -> None:
        """A job is gone, or no longer what it was."""
        for after in job.after:
            found = self._of.get(after.names, {})
            found.pop(job.id, None)
            if not found:
                self._of.pop(after.names, None)

    def of(self, job: Job, state: RunState) -> list[LiveJob]:
        """The jobs that run when a run of this one has ended so."""
        found = self._of.get((job.group, job.name))
        if found is None:
            return []
        names = (job.group, job.name)
        return [
            live
            for live in found.values()
            if any(one.names == names and state in one.states for one in live.job.after)
        ]

    def missing(self, exists: Callable[[str, str], object]) -> list[str]:
        """What to say of the jobs that are followed and are not there."""
        return [
            f"{_some(found)} after {'/'.join(names)}, and there is no such job: declare or "
            "create it, or take it out of after"
            for names, found in self._of.items()
            if exists(*names) is None
        ]


def _some(found: dict[int, LiveJob]) -> str:
    """Which jobs run, a few of many by name."""
    told = ", ".join(live.full_name for live in islice(found.values(), TOLD))
    if len(found) > TOLD:
        told += f" and {len(found) - TOLD:,} more"
    return f"{told} run" if len(found) > 1 else f"{told} runs"


def circle(name: str, after: Callable[[str], Iterable[After]]) -> list[str]:
    """How a job would come to run after itself; empty where it does not.

    Args:
        name: ``group/name`` of the job.
        after: What a job of this name runs after.

    Returns:
        The shortest way, each job after the one before it: ``a, b, a``.
    """
    followed: dict[str, str] = {}
    near = [name]
    while near:
        far = []
        for one in near:
            for other in (each.job for each in after(one)):
                if other == name:
                    way = [name, one]
                    while way[-1] != name:
                        way.append(followed[way[-1]])
                    return way
                if other not in followed:
                    followed[other] = one
                    far.append(other)
        near = far
    return []


def refuse_circle(name: str, after: Callable[[str], Iterable[After]]) -> None:
    """Refuse a job that would come to run after itself.

    Raises:
        InvalidError: it would; names the way.
    """
    way = circle(name, after)
    if way:
        expected = "jobs that do not run, directly or through others, after this one"
        raise InvalidError.one("after", " -> ".join(way), expected)
