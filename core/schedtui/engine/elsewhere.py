"""An engine that stands by: what it is asked to do is done by the one that has the store."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from schedtui.engine.sync import PYTHON
from schedtui.protocols import EngineClient

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
