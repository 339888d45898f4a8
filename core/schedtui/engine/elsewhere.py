"""An engine that stands by: what it is asked to do is done by the one that has the store."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from schedtui.engine.sync import PYTHON
from schedtui.errors import ConflictError
from schedtui.models import Job, JobPatch, JobSpec
from schedtui.protocols import EngineClient
from schedtui.triggers import Never

P = ParamSpec("P")
T = TypeVar("T")


class Elsewhere(Protocol):
    """The engine of another process on the same store, as one that stands by reaches it."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop on which the engine would run."""

    def client(self, actor: str) -> EngineClient:
        """A client of it that acts in a name, from any event loop."""


class Steered(Protocol):
    """What `passed_on` needs of an engine."""

    @property
    def away(self) -> Elsewhere | None:
        """Where the engine is while this one stands by; None while this one is it."""


S = TypeVar("S", bound=Steered)


Method = Callable[Concatenate[S, P], Coroutine[Any, Any, T]]


def passed_on(name: str = "") -> Callable[[Method[S, P, T]], Method[S, P, T]]:
    """A method of `Engine` that another engine does while this one stands by.

    Args:
        name: The same method of `EngineClient`, which takes the same arguments but for ``actor``;
            empty: it has the same name.
    """

    def decorate(method: Method[S, P, T]) -> Method[S, P, T]:
        there = name or method.__name__

        @functools.wraps(method)
        async def call(engine: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
            away = engine.away
            if away is None:
                return await method(engine, *args, **kwargs)
            rest: dict[str, Any] = dict(kwargs)
            actor = rest.pop("actor", PYTHON)
            made: T = await getattr(away.client(actor), there)(*args, **rest)
            return made

        return call

    return decorate


async def create_or_edit(client: EngineClient, spec: JobSpec) -> Job:
    """What ``create_job(replace=True)`` does, on an engine elsewhere."""
    try:
        return await client.create_job(spec)
    except ConflictError:
        group = spec.group or spec.function.partition("/")[0]
        found = await client.job(f"{group}/{spec.name}")
        if found.static:
            raise
    patch = JobPatch(
        function=spec.function,
        trigger=spec.trigger or Never().to_json(),
        after=spec.after,
        timezone=spec.timezone,
        kwargs=spec.kwargs,
        policies=spec.policies,
        tags=spec.tags,
        description=spec.description,
    )
    edited = await client.edit_job(found.full_name, patch, expect_id=found.id)
    if spec.paused and not edited.paused:
        return await client.pause_job(found.full_name, expect_id=found.id)
    return edited
