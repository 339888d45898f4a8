"""An engine's HTTP API.

Importing this package loads neither FastAPI nor uvicorn: that takes longer than opening a console,
so it happens when a server is started.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from schedtui.api.listen import Listen

if TYPE_CHECKING:
    from collections.abc import Callable

    from schedtui.api.server import Server
    from schedtui.engine import Engine
    from schedtui.protocols import EngineClient, OffLoop, Store

__all__ = ["Listen", "bind_server", "start_server"]


async def start_server(
    engine: Engine,
    *,
    listen: Listen | None = None,
    socket: Path | None = None,
    client: Callable[[str], EngineClient] | None = None,
) -> Server:
    """Open a running engine to clients; called on the engine's own loop.

    Args:
        engine: What to serve.
        listen: Where to listen on TCP, and how it is protected; None: not at all.
        socket: The Unix socket for the same user; None: none.
        client: Gives a client that acts in a name; None: a `LocalClient`.

    Raises:
        RefusedError: the address is taken, or would be open to others unprotected.
        InvalidError: the address or the TLS files are wrong.
    """
    server = await bind_server(engine, listen=listen, socket=socket, client=client)
    await server.start()
    return server


async def bind_server(
    engine: Engine,
    *,
    listen: Listen | None = None,
    socket: Path | None = None,
    client: Callable[[str], EngineClient] | None = None,
) -> Server:
    """Take the addresses of an engine that may still be starting; see `Engine.on_start`.

    The `start` of what is returned then answers. Args and Raises: as `start_server`.
    """
    module = await engine.off_loop(importlib.import_module, "schedtui.api.server")
    server: Server = module.Server(_Served(engine, client), listen=listen, socket=socket)
    await server.bind()
    return server


class _Served:
    """An engine as its server sees it: the store, and a client for each who asks."""

    def __init__(self, engine: Engine, client: Callable[[str], EngineClient] | None) -> None:
        self._engine = engine
        self._client = client

    @property
    def store(self) -> Store:
        return self._engine.store

    @property
    def off_loop(self) -> OffLoop:
        return self._engine.off_loop

    def client(self, actor: str) -> EngineClient:
        from schedtui.client.local import LocalClient

        if self._client is not None:
            return self._client(actor)
        return LocalClient(self._engine, actor=actor)
