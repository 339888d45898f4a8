"""The parts of an APScheduler that it has no public name for; here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from apscheduler.executors.pool import ProcessPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.base import STATE_PAUSED
from apscheduler.util import check_callable_args

Key = tuple[str, str]
"""The alias of a job store, and the id of a job in it."""


def executors(scheduler: Any) -> dict[str, Any]:
    """Its executors by alias."""
    found: dict[str, Any] = scheduler._executors  # noqa: SLF001 - see the module
    return dict(found)


def jobstores(scheduler: Any) -> dict[str, Any]:
    """Its job stores by alias."""
    found: dict[str, Any] = scheduler._jobstores  # noqa: SLF001 - see the module
    return dict(found)


def jobstores_lock(scheduler: Any) -> AbstractContextManager[Any]:
    """Held by it while it looks for due jobs and changes any."""
    lock: AbstractContextManager[Any] = scheduler._jobstores_lock  # noqa: SLF001 - see the module
    return lock


def loop_of(scheduler: Any) -> asyncio.AbstractEventLoop | None:
    """The event loop it fires on; None for one with threads."""
    loop: asyncio.AbstractEventLoop | None = getattr(scheduler, "_eventloop", None)
    return loop


def key_of(job: Any) -> Key:
    """Where a job is kept."""
    return str(job._jobstore_alias or "default"), str(job.id)  # noqa: SLF001 - see the module


def is_paused(scheduler: Any) -> bool:
    """Whether the whole scheduler is."""
    return bool(scheduler.state == STATE_PAUSED)


def in_processes(executor: Any) -> bool:
    """Whether an executor runs its functions in other processes."""
    return isinstance(executor, ProcessPoolExecutor)


def in_memory(store: Any) -> bool:
    """Whether a job store begins empty with each start of its program."""
    return isinstance(store, MemoryJobStore)


@contextmanager
def reading_only(store: Any) -> Iterator[list[str]]:
    """While jobs are listed: have those that cannot be restored left alone.

    A job store of APScheduler deletes what it cannot restore, such as a job whose function has
    another name now, whenever it lists its jobs. The scheduler's lock has to be held.

    Yields:
        What could not be restored, and why; filled while it lists.
    """
    problems: list[str] = []
    restore = getattr(store, "_reconstitute_job", None)
    if restore is None:
        yield problems
        return

    def restored(state: Any) -> Any:
        try:
            return restore(state)
        except BaseException as error:  # noqa: BLE001 - as the store itself, which then deletes it
            problems.append(f"{type(error).__name__}: {error}")
            return _Unreadable()

    store._reconstitute_job = restored  # noqa: SLF001 - see the module
    try:
        yield problems
    finally:
        del store._reconstitute_job  # noqa: SLF001 - see the module


class _Unreadable:
    """In the place of a job that cannot be restored."""

    id = ""
    next_run_time = None


def readable(jobs: list[Any]) -> list[Any]:
    """The jobs of a list that could be restored."""
    return [job for job in jobs if not isinstance(job, _Unreadable)]


def check_arguments(job: Any, given: Mapping[str, Any]) -> None:
    """Refuse a call as APScheduler itself does where a job gets other arguments.

    Raises:
        ValueError: the function does not take them beside those that the job has.
    """
    check_callable_args(job.func, job.args, {**job.kwargs, **given})
