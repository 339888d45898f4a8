"""Whose what is: the groups of a token, and what is named in a call."""

from __future__ import annotations

from schedtui.errors import ForbiddenError, FunctionNotFoundError, JobNotFoundError
from schedtui.models import After
from schedtui.protocols import EngineClient


class Scope:
    """Some groups of an engine.

    Args:
        inner: The engine.
        groups: Whose jobs, functions and runs there are.
    """

    def __init__(self, inner: EngineClient, groups: tuple[str, ...]) -> None:
        self._inner = inner
        self._groups = frozenset(groups)

    def _has(self, full_name: str) -> bool:
        return full_name.partition("/")[0] in self._groups

    def _job(self, job: str) -> str:
        if not self._has(job):
            raise JobNotFoundError(job)
        return job

    def _function(self, function: str) -> None:
        if not self._has(function):
            raise FunctionNotFoundError(function)

    def _after(self, after: tuple[str | After, ...]) -> None:
        for one in after:
            self._job(one.job if isinstance(one, After) else str(one))

    def _forbidden(self, why: str) -> ForbiddenError:
        names = ", ".join(sorted(self._groups))
        return ForbiddenError(
            f"this token is for the groups {names} alone, and {why}: use one without --group"
        )
