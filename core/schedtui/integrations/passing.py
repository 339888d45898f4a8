"""Calls that are passed on to the process that fires, over its Unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

from schedtui.client.closing import closing
from schedtui.client.idempotency import new_key
from schedtui.errors import EngineStoppedError
from schedtui.locations import check_own_socket
from schedtui.protocols import EngineClient

if TYPE_CHECKING:
    from schedtui.client.http import HttpClient
    from schedtui.models import Changes, LogPage, Run
    from schedtui.store.sql.lock import Owner

T = TypeVar("T")

_CALLS = frozenset(name for name in dir(EngineClient) if not name.startswith("_"))
_MAKES_RUN = frozenset({"rerun", "run_function", "trigger_job"})


class Winner:
    """The process that has the store, and connections to it.

    Args:
        owner: What its lock says of it.
    """

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        # A connection belongs to its event loop.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, HttpClient] = (
            WeakKeyDictionary()
        )

    def client(self, actor: str) -> HttpClient:
        """A client of it that acts in this name.

        Raises:
            EngineStoppedError: it cannot be reached.
            RefusedError: the socket is not this user's alone.
        """
        if not self.owner.address:
            who = f"process {self.owner.pid}" if self.owner.pid else "another process"
            raise EngineStoppedError(
                f"{who} fires, and cannot be reached from here: it is starting, or does not open "
                "its engine to others (`engine.lifespan` and `schedtui serve` do)"
            )
        loop = asyncio.get_running_loop()
        known = self._clients.get(loop)
        if known is None:
            from schedtui.client.http import HttpClient

            path = Path(self.owner.address)
            check_own_socket(path)
            known = self._clients[loop] = HttpClient("http://localhost", socket=path)
        return known.acting_as(actor)

    async def aclose(self) -> None:
        """Close the connections of this event loop; those of others end with their peer."""
        known = self._clients.pop(asyncio.get_running_loop(), None)
        if known is not None:
            with suppress(OSError):
                await known.aclose()


class Asks(Protocol):
    """What knows the process that fires."""

    def present(self, actor: str) -> EngineClient:
        """A client of it at this moment."""

    async def ask(self, actor: str, call: Callable[[EngineClient], Awaitable[T]]) -> T:
        """Make a call to it, and again where nothing was done."""


class Passing:
    """`EngineClient` of whichever process fires when a call is made.

    Args:
        service: Knows that one.
        actor: Who is named in the audit trail.
    """

    def __init__(self, service: Asks, actor: str) -> None:
        self._service = service
        self._actor = actor

    @property
    def typed(self) -> EngineClient:
        """This, as what it is by `__getattr__`."""
        return cast(EngineClient, self)

    @property
    def address(self) -> str:
        """Where the process that fires is now."""
        return self._service.present(self._actor).address

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if name not in _CALLS:
            raise AttributeError(f"an engine has no {name!r}")

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._service.ask(
                self._actor, lambda client: getattr(client, name)(*args, **kwargs)
            )

        return _once(call) if name in _MAKES_RUN else call

    async def changes(
        self, cursor: str, *, groups: Collection[str] | None = None
    ) -> AsyncGenerator[Changes]:
        """See `EngineClient.changes`."""
        client = self._service.present(self._actor)
        async with closing(client.changes(cursor, groups=groups)) as stream:
            async for changes in stream:
                yield changes

    async def follow(self, run_id: int, *, after: int = 0) -> AsyncGenerator[LogPage]:
        """See `EngineClient.follow`."""
        client = self._service.present(self._actor)
        async with closing(client.follow(run_id, after=after)) as stream:
            async for page in stream:
                yield page

    async def aclose(self) -> None:
        """Nothing of its own is open."""


def _once(call: Callable[..., Awaitable[Run]]) -> Callable[..., Awaitable[Run]]:
    """One run, also where the call is made again, of a process that had made it before it ended."""

    async def keyed(*args: Any, idempotency_key: str | None = None, **kwargs: Any) -> Run:
        key = new_key() if idempotency_key is None else idempotency_key
        run = await call(*args, idempotency_key=key, **kwargs)
        return run if idempotency_key is not None else replace(run, replayed=False)

    return keyed
