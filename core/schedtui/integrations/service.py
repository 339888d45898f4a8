"""One process of a service: it fires, or stands by for the process that does."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from schedtui.errors import (
    EngineStoppedError,
    RefusedError,
    SchedtuiError,
    StoreLockedError,
    UncertainError,
    UnreachableError,
)
from schedtui.integrations.passing import Passing, Winner
from schedtui.integrations.shutdown import Shutdown
from schedtui.locations import StateDir
from schedtui.store import open_store, owner_of

if TYPE_CHECKING:
    from schedtui.api.server import Server
    from schedtui.engine import Engine
    from schedtui.protocols import EngineClient, Token

P = ParamSpec("P")
T = TypeVar("T")

POLL_S = 0.2
"""Between two looks at who has the store."""
PATIENCE_S = 3.0
"""How long a call waits for a process that fires, where one has just died."""
_PAUSE_S = 0.05
_AGAIN_S = 2.0  # after a start that failed
_ANSWER_S = 1.0

logger = logging.getLogger("schedtui.service")


class Service:
    """Starts an engine where no other process has its store, and takes over where one had.

    Args:
        engine: Inert until `start`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None
        self._socket: Path | None = None
        self._folder: StateDir | None = None
        """Whose socket it is; None for a further engine in the folder of another one."""
        self._winner: Winner | None = None
        self._watching: asyncio.Task[None] | None = None
        self._shutdown = Shutdown(self._close)
        self._again_at = 0.0
        self._url = ""
        self.closing = asyncio.Event()
        """Set when the process ends; new for each start."""
        self.ended = asyncio.Event()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop it was started on."""
        if self._loop is None:
            raise EngineStoppedError("the engine is not started in this process")
        return self._loop

    @property
    def begun(self) -> bool:
        """Whether it is started and not stopped."""
        return self._watching is not None

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Fire, or stand by for the process that does.

        Raises:
            RefusedError: it is started already.
            SchedtuiError: what `Engine.start` raises, but for a store that another process has.
        """
        if self.begun or self._engine.is_running:
            raise RefusedError("this engine runs already; an Engine is started once at a time")
        self._loop = asyncio.get_running_loop()
        self.closing, self.ended = asyncio.Event(), asyncio.Event()
        self._url = open_store(self._engine.store_url).url
        self._shutdown = Shutdown(self._close)
        self._shutdown.watch()
        try:
            if not await self._win():
                self._stand_by()
        except BaseException:
            self._shutdown.unwatch()
            self.ended.set()
            raise
        self._watching = asyncio.create_task(self._watch(), name="schedtui service")

    async def stop(self, grace_s: float) -> None:
        """End streams, then the engine where it runs here. Idempotent.

        Args:
            grace_s: Seconds that running functions have to end by themselves.
        """
        watching, self._watching = self._watching, None
        if watching is None:
            return
        self._close()
        watching.cancel()
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            await self._end_server()
            await self._engine.stop(grace_s)
        finally:
            self._engine.elsewhere, self._engine.address = None, ""
            self._shutdown.unwatch()
            self.ended.set()
            await self._forget_winner()

    def _close(self) -> None:
        self.closing.set()

    async def _watch(self) -> None:
        while not self.closing.is_set():
            if self._shutdown.server_closes():
                self._close()
                return
            if self._engine.stands_by:
                try:
                    await self._look()
                except Exception:
                    logger.exception("cannot take over; trying again in %g s", _AGAIN_S)
                    self._again_at = self.loop.time() + _AGAIN_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), POLL_S)

    async def _look(self) -> None:
        owner = owner_of(self._url)
        if owner is not None:
            if self._winner is None or self._winner.owner != owner:
                await self._forget_winner()
                self._winner = Winner(owner)
        elif self.loop.time() >= self._again_at and await self._win():
            self._engine.elsewhere = None
            logger.warning("process %d has taken over and fires from now on", os.getpid())
            await self._forget_winner()

    async def _win(self) -> bool:
        """Start the engine; whether no other process has its store."""
        engine = self._engine
        self._socket = await asyncio.to_thread(self._choose_socket)
        engine.address = "" if self._socket is None else str(self._socket)
        engine.on_start.append(self._bind)
        try:
            await engine.start()
            if self._server is not None:
                await self._server.start()
        except StoreLockedError as error:
            if error.pid == os.getpid():
                raise  # two engines of one program: that does not mend itself
            return False
        except BaseException:
            await self._end_server()
            raise
        finally:
            engine.on_start.remove(self._bind)
        return True

    def _stand_by(self) -> None:
        self._engine.elsewhere = self
        logger.info("process %d stands by: another one has the store and fires", os.getpid())

    async def _bind(self) -> None:
        from schedtui.api import bind_server

        if self._socket is None:
            return
        if self._folder is not None:
            await asyncio.to_thread(self._folder.leave_store, self._engine.store.url)
        try:
            self._server = await bind_server(self._engine, socket=self._socket)
        except RefusedError as error:
            logger.warning("other processes cannot reach this engine: %s", error)

    async def _end_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def _forget_winner(self) -> None:
        winner, self._winner = self._winner, None
        if winner is not None:
            await winner.aclose()

    def _choose_socket(self) -> Path | None:
        self._folder = None
        folders = [self._engine.state_dir]
        if self._url.startswith("sqlite:"):
            # A container's working directory may be read-only, and its store elsewhere.
            folders.append(StateDir.beside(Path(self._url.removeprefix("sqlite:///")).parent))
        for folder in folders:
            try:
                path = folder.create().socket
            except (OSError, RefusedError) as error:
                logger.warning("no socket for other processes in %s: %s", folder.path, error)
                continue
            if not _answers(path):
                self._folder = folder
                return path
            # The folder is also that of an engine with another store.
            name = hashlib.sha256(self._url.encode()).hexdigest()[:8]
            return path.with_name(f"{name}.sock")
        return None

    # --- use ----------------------------------------------------------------------------------

    def client(self, actor: str) -> EngineClient:
        """A client of whichever process fires, that acts in this name; from any event loop."""
        from schedtui.client.local import LocalClient

        engine = self._engine
        return LocalClient(engine, actor=actor) if engine.is_running else Passing(self, actor).typed

    def present(self, actor: str) -> EngineClient:
        """A client of the process that fires at this moment.

        Raises:
            EngineStoppedError: none does.
        """
        engine = self._engine
        if engine.is_running:
            return self.client(actor)
        if not engine.stands_by:
            raise EngineStoppedError(engine.why_not())
        if self._winner is None:
            raise EngineStoppedError("the process that fired is gone, and another one takes over")
        return self._winner.client(actor)

    async def ask(self, actor: str, call: Callable[[EngineClient], Awaitable[T]]) -> T:
        """Make a call to the process that fires, and again where nothing was done.

        Raises:
            EngineStoppedError, UnreachableError: none fires for longer than `PATIENCE_S`.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_S
        while True:
            try:
                return await call(self.present(actor))
            except UncertainError:
                raise
            except (EngineStoppedError, UnreachableError):
                waits = self._engine.stands_by and not self.closing.is_set()
                if not waits or loop.time() >= until:
                    raise
            await asyncio.sleep(_PAUSE_S)

    async def off_loop(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `asyncio.to_thread`; in the engine's own threads where it runs here."""
        if self._engine.is_running:
            return await self._engine.off_loop(work, *args, **kwargs)
        return await asyncio.to_thread(work, *args, **kwargs)

    def tokens(self) -> Sequence[Token]:
        """The access tokens of the store, whoever has it. Blocks.

        Raises:
            StoreUnavailableError, EngineStoppedError: they cannot be read now.
        """
        if self._engine.is_running:
            return self._engine.store.tokens()
        if not self._engine.stands_by:
            raise EngineStoppedError(self._engine.why_not())
        store = open_store(self._url)
        try:
            store.open(None)
            return store.tokens()
        except StoreLockedError as error:  # the one that has it brings its schema up to date
            raise EngineStoppedError(str(error)) from error
        finally:
            store.close()


def service_of(engine: Engine) -> Service:
    """What starts and stops this engine among several processes."""
    member = engine.membership
    if not isinstance(member, Service):
        raise SchedtuiError("this engine is started by something else than schedtui's integrations")
    return member


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_ANSWER_S)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
