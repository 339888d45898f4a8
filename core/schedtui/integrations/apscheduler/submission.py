"""What an executor of APScheduler gets in the place of a job, so that its runs are seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from apscheduler.util import iscoroutinefunction_partial

from schedtui.capture import within
from schedtui.integrations.apscheduler.handle import Handle

Begin = Callable[[], Handle | None]
"""Called when a function is about to run; None where the run is not observed."""


class Times(list[datetime]):
    """The due times of a submission. Knows which of them its executor has come to."""

    def __init__(self, times: Iterable[datetime]) -> None:
        super().__init__(times)
        self.current: datetime | None = None

    def __iter__(self) -> Iterator[datetime]:
        for one in super().__iter__():
            self.current = one
            yield one

    def __reduce__(self) -> tuple[Any, ...]:
        """As a plain list, for an executor with processes."""
        return list, (self[:],)


class ObservedJob:
    """A job of APScheduler whose function says when it begins and how it ends.

    Everything else is the job's own, as it is at the moment it is asked for. Pickled it is the job
    itself, so that no other process needs to know of schedtui.

    Args:
        job: The job.
        begin: Called before its function is.
        manual: Whether somebody asked for the run: then it cannot be late.
        kwargs: Replace arguments of the job by name.
    """

    __slots__ = ("_begin", "_given", "_job", "_manual")

    def __init__(
        self, job: Any, begin: Begin, *, manual: bool, kwargs: Mapping[str, Any] | None
    ) -> None:
        self._job = job
        self._begin = begin
        self._manual = manual
        self._given = kwargs

    @property
    def func(self) -> Callable[..., Any]:
        """The function, observed."""
        return observed(self._job.func, self._begin)

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """The arguments of this submission."""
        own: Mapping[str, Any] = self._job.kwargs
        return own if self._given is None else {**own, **self._given}

    @property
    def misfire_grace_time(self) -> int | None:
        """Seconds that it may be late; None: any."""
        grace: int | None = None if self._manual else self._job.misfire_grace_time
        return grace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)

    def __str__(self) -> str:
        return str(self._job)

    def __repr__(self) -> str:
        return repr(self._job)

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self._job,)


def _itself(job: Any) -> Any:
    return job


def observed(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """``function``, of the same kind, which tells when it begins and how it ends.

    It returns and raises what ``function`` does, whatever becomes of the observation.
    """
    if iscoroutinefunction_partial(function):

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            handle = begin()
            if handle is None:
                return await function(*args, **kwargs)
            with within(handle):
                try:
                    value = await function(*args, **kwargs)
                except BaseException as error:
                    handle.raised(error)
                    raise
            handle.returned(value)
            return value

        return run_async

    def run(*args: Any, **kwargs: Any) -> Any:
        handle = begin()
        if handle is None:
            return function(*args, **kwargs)
        with within(handle):
            try:
                value = function(*args, **kwargs)
            except BaseException as error:
                handle.raised(error)
                raise
        handle.returned(value)
        return value

    return run
