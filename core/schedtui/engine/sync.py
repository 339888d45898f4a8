"""The engine's methods for code that is not async: `engine.sync.trigger_job(…)`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from schedtui.errors import RefusedError
from schedtui.models import Job, Run

if TYPE_CHECKING:
    from schedtui.engine.engine import Engine

T = TypeVar("T")


class Sync:
    """Blocks until the engine has done it. For other threads than the engine's own.

    The arguments are those of the methods of `Engine` of the same names.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_job(self, **arguments: Any) -> Job:
        """See `Engine.create_job`."""
        return self._call(lambda: self._engine.create_job(**arguments))

    def edit_job(self, job: str, /, *args: Any, **arguments: Any) -> Job:
        """See `Engine.edit_job`."""
        return self._call(lambda: self._engine.edit_job(job, *args, **arguments))

    def remove_job(self, job: str, /, **arguments: Any) -> None:
        """See `Engine.remove_job`."""
        self._call(lambda: self._engine.remove_job(job, **arguments))

    def pause_job(self, job: str, /, **arguments: Any) -> Job:
        """See `Engine.pause_job`."""
        return self._call(lambda: self._engine.pause_job(job, **arguments))

    def resume_job(self, job: str, /, **arguments: Any) -> Job:
        """See `Engine.resume_job`."""
        return self._call(lambda: self._engine.resume_job(job, **arguments))

    def trigger_job(self, job: str, /, **arguments: Any) -> Run:
        """See `Engine.trigger_job`."""
        return self._call(lambda: self._engine.trigger_job(job, **arguments))

    def _call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        loop = self._engine.loop
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is loop:
            raise RefusedError(
                "engine.sync was called on the engine's own event loop, which would wait for "
                "itself for ever: await the method of the engine instead"
            )
        return asyncio.run_coroutine_threadsafe(make(), loop).result()
