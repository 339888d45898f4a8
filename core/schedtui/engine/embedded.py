"""The half of `Engine` by which it is part of a service: its lifespan and its router."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ClassVar, Protocol, TypeVar

from schedtui.engine.control.control import Control
from schedtui.errors import SchedtuiError

A = TypeVar("A")
S = TypeVar("S")


class Membership(Protocol):
    """This process among those that share the engine's store: it fires, or stands by."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop it was started on."""

    @property
    def ended(self) -> asyncio.Event:
        """Set when it has stopped."""

    @property
    def begun(self) -> bool:
        """Whether it is started and not stopped."""

    async def start(self) -> None:
        """Fire, or stand by for the process that does."""

    async def stop(self, grace_s: float) -> None:
        """End streams, then the engine, where it is this one. Idempotent."""


class Services(Protocol):
    """What makes an engine a part of a service; it stands above the engine."""

    def membership(self, engine: Any) -> Membership:
        """What starts and stops an engine among several processes."""

    def router(self, engine: Any, *, auth: Any, hosts: tuple[str, ...]) -> Any:
        """See `Embedded.router`."""


class Embedded(Control):
    """An engine as a service has it."""

    services: ClassVar[Services | None] = None
    """Set by `schedtui.integrations`, from which `schedtui.Engine` comes."""
    stop_grace_s: float
    _membership: Membership | None = None
    _forked_from: int | None = None

    @property
    def membership(self) -> Membership:
        """What starts and stops this engine among several processes."""
        if self._membership is None:
            self._membership = self._services.membership(self)
        return self._membership

    def why_not(self) -> str:
        """What whoever asks for the engine is told where it does not run here."""
        if self.stands_by:
            return "this process stands by, and another one fires: ask `client_of(engine)`"
        if self._forked_from is not None:
            return (
                f"the engine runs in process {self._forked_from}, from which this one was forked, "
                "and not here: start it in the processes that are to have it, after the fork"
            )
        return "the engine is not running; start it first"

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Run with a FastAPI or Starlette application: ``FastAPI(lifespan=engine.lifespan)``.

        Of several processes on one SQLite store one fires. The others stand by: what they are asked
        they pass on to it, and one of them takes over within two seconds when it dies.

        Args:
            app: The application; not looked at.

        Raises:
            What `Engine.start` raises, but for a store that another process has.
        """
        del app
        membership = self.membership
        await membership.start()
        try:
            yield
        finally:
            await membership.stop(self.stop_grace_s)

    def lifespan_around(
        self, own: Callable[[A], AbstractAsyncContextManager[S]]
    ) -> Callable[[A], AbstractAsyncContextManager[S]]:
        """The service's own lifespan with the engine's inside it; the state it yields is kept.

        What the service opens is there before a job runs, and is closed when all have ended.
        """
        make = asynccontextmanager(own) if inspect.isasyncgenfunction(own) else own

        @asynccontextmanager
        async def both(app: A) -> AsyncIterator[S]:
            async with make(app) as state, self.lifespan(app):
                yield state

        return both

    def router(self, *, auth: Any = "tokens", hosts: tuple[str, ...] = ()) -> Any:
        """The whole HTTP API, for ``app.mount("/jobs", engine.router())``, or `include_router`.

        Args:
            auth: Who may. ``"tokens"``: whoever has one of ``schedtui token create``. A FastAPI
                dependency of the service that returns ``(actor, role)`` with the role ``"viewer"``,
                ``"operator"`` or ``"admin"``, and raises `HTTPException` for others. ``"none"``:
                whoever reaches it, as admin.
            hosts: With ``"none"``, names besides those of loopback by which it may be called.

        Returns:
            A `fastapi.APIRouter`; `include_router` needs a ``prefix`` with it.

        Raises:
            InvalidError: ``auth`` is none of these.
        """
        return self._services.router(self, auth=auth, hosts=hosts)

    @property
    def _services(self) -> Services:
        if self.services is None:
            raise SchedtuiError(
                "this engine cannot be a part of a service: `schedtui.integrations` was not "
                "imported; take Engine from `schedtui`, which imports it"
            )
        return self.services
