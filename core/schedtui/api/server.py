"""Serving an engine: uvicorn on the engine's own loop, on sockets that are ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import gethostname, socket
from typing import Any, Protocol

import uvicorn
from starlette.types import ASGIApp

from schedtui.api.access import Access
from schedtui.api.app import create_app
from schedtui.api.connection import KEEP_ALIVE_S, Connection, SaidOnce
from schedtui.api.gate import LocalDoor
from schedtui.api.hosts import Hosts
from schedtui.api.listen import Listen, bind_tcp, bind_unix
from schedtui.client.http_transport import is_loopback
from schedtui.errors import InvalidError
from schedtui.protocols import EngineClient, OffLoop, Store

Sockets = list[socket]

PATIENCE_S = 0.4
"""Seconds that open connections have to end when the server stops; their requests have as long
again once they are cut, and once they are cancelled."""
_TICK_S = 1.0


class Served(Protocol):
    """What a server needs of an engine."""

    @property
    def store(self) -> Store:
        """Its open store, for the access tokens."""

    @property
    def off_loop(self) -> OffLoop:
        """Its threads for blocking work."""

    def client(self, actor: str) -> EngineClient:
        """A client on the engine's own loop that acts in this name."""


class Server:
    """Opens one running engine to clients; lives on the engine's loop.

    Args:
        engine: What to serve.
        listen: Where on TCP, for callers with a token; None: not at all.
        socket: The Unix socket for the same user; None: none.
    """

    def __init__(
        self, engine: Served, *, listen: Listen | None = None, socket: Path | None = None
    ) -> None:
        self._engine = engine
        self._listen = listen
        self._path = socket
        self._inode: int | None = None
        self._closing = asyncio.Event()
        self._bound: list[tuple[_Uvicorn, Sockets]] = []
        self._running: list[tuple[_Uvicorn, asyncio.Task[None]]] = []
        self._url = ""
        self._said_once = SaidOnce()

    @property
    def url(self) -> str:
        """The URL for clients on TCP; empty where there is none, or before `bind`."""
        return self._url

    async def bind(self) -> None:
        """Take the addresses, and find all that could speak against serving there.

        Who comes from now on waits for `start`. The engine needs only its open store yet.

        Raises:
            RefusedError: an address is taken, or would be open to others unprotected.
            InvalidError: the address or the TLS files are wrong.
            StoreUnavailableError: the access tokens cannot be read.
        """
        off_loop = self._engine.off_loop
        auth = Access(self._engine.store.tokens, off_loop=off_loop)
        logging.getLogger("asyncio").addFilter(self._said_once)
        try:
            if self._listen is not None:
                tokens = await off_loop(self._engine.store.tokens)
                self._listen.check(tokens=len(tokens))
            app = create_app(
                self._engine.client,
                auth=auth,
                closing=self._closing,
                hosts=_hosts_of(self._listen),
                proxied=self._listen is not None and bool(self._listen.behind_proxy),
                off_loop=off_loop,
            )
            if self._listen is not None:
                server = _Uvicorn(_config(app, self._listen))
                sockets = await off_loop(bind_tcp, self._listen)
                self._bound.append((server, sockets))
                self._url = self._listen.url(sockets[0].getsockname()[1])
            if self._path is not None:
                server = _Uvicorn(_config(LocalDoor(app=app), None))
                self._bound.append((server, [await off_loop(bind_unix, self._path)]))
                self._inode = self._path.stat().st_ino
        except BaseException:
            await self.stop()
            raise

    async def start(self) -> None:
        """Serve, on what `bind` has taken if it was called.

        Raises:
            What `bind` raises.
        """
        if not self._bound:
            await self.bind()
        try:
            for server, sockets in list(self._bound):
                await self._serve(server, sockets)
            self._bound.clear()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End streams, let answers finish for a moment, and close; safe to call twice."""
        self._closing.set()
        running, self._running = self._running, []
        bound, self._bound = self._bound, []
        for one in (one for _, sockets in bound for one in sockets):
            one.close()
        for server, _ in running:
            server.ask_to_stop()
        await asyncio.gather(*(task for _, task in running))
        logging.getLogger("asyncio").removeFilter(self._said_once)
        if self._path is not None and self._inode is not None:
            with contextlib.suppress(OSError):
                # Another engine may have put its own there meanwhile.
                if self._path.stat().st_ino == self._inode:
                    self._path.unlink()
            self._inode = None
        self._url = ""

    async def _serve(self, server: _Uvicorn, sockets: list[socket]) -> None:
        started = asyncio.Event()
        task = asyncio.create_task(server.run_on(sockets, started), name="schedtui api")
        self._running.append((server, task))
        waiting = asyncio.ensure_future(started.wait())
        await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()


class _Uvicorn(uvicorn.Server):
    """uvicorn without signal handlers, that wakes once a second and stops at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._asked = asyncio.Event()
        self._started: asyncio.Event | None = None

    async def run_on(self, sockets: list[socket], started: asyncio.Event) -> None:
        """Serve until asked to stop."""
        self._started = started
        await self.serve(sockets=sockets)

    def ask_to_stop(self) -> None:
        """Stop soon."""
        self.should_exit = True
        self._asked.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def _serve(self, sockets: list[socket] | None = None) -> None:
        # uvicorn's own says in the log that a process has started and finished. It has not: this is
        # a part of one, which may have a uvicorn of its own that says so.
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets=sockets)
        if not self.should_exit:
            await self.main_loop()
        if self.started:
            await self.shutdown(sockets=sockets)

    async def main_loop(self) -> None:
        if self._started is not None:
            self._started.set()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), _TICK_S)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        # uvicorn's own takes a tenth of a second at least, and for ever with a client that hangs.
        state = self.server_state
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        for connection in list(state.connections):
            connection.shutdown()
        if not await _until(lambda: not state.connections and not state.tasks):
            for connection in list(state.connections):
                transport: Any = connection.transport
                transport.abort()
            # Who waits for the client hears that it is gone; only the others need more.
            if not await _until(lambda: not state.connections and not state.tasks):
                for task in state.tasks:
                    task.cancel()
                await _until(lambda: not state.tasks)


async def _until(done: Callable[[], bool]) -> bool:
    """Wait for at most `PATIENCE_S`; whether it came true."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while not done() and loop.time() < deadline:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    return done()


class _Config(uvicorn.Config):
    proxied = False
    """Whether requests of many come from one address of this machine."""

    def configure_logging(self) -> None:
        """Leave the logging of the process alone: it may be a service with a uvicorn of its own."""


def _config(app: ASGIApp, listen: Listen | None) -> uvicorn.Config:
    tls = listen if listen is not None and listen.tls else None
    config = _Config(
        app,
        http=Connection,
        backlog=128,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        ssl_certfile=None if tls is None else tls.certfile,
        ssl_keyfile=None if tls is None or tls.keyfile is None else str(tls.keyfile),
    )
    config.proxied = listen is not None and bool(listen.behind_proxy)
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise InvalidError.one(
            "certfile",
            str(tls.certfile) if tls is not None else None,
            f"a certificate chain and its private key, both PEM ({error})",
        ) from None
    return config


def _hosts_of(listen: Listen | None) -> Hosts:
    if listen is None:
        return Hosts()
    # Whoever comes from another machine may call this one by its name.
    own = "" if is_loopback(listen.host) else gethostname()
    return Hosts((listen.host, listen.behind_proxy or "", own, *listen.names))
