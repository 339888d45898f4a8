"""A fake engine behind a real server, and raw requests to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from api_doubles import FakeEngine, make_tokens

from schedtui.api import Listen
from schedtui.api.server import Server
from schedtui.store import open_store


class ServedFake(FakeEngine):
    """A fake engine with a store that holds the tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.off_loop = asyncio.to_thread
        self.store = open_store("memory://")
        self.store.open(None)
        with self.store.transaction() as tx:
            for token in make_tokens():
                tx.insert_token(token)


async def start(
    engine: ServedFake, *, listen: Listen | None = None, socket: Path | None = None
) -> Server:
    server = Server(engine, listen=listen, socket=socket)
    await server.start()
    return server


def socket_below(folder: Path) -> Path:
    return folder / ".schedtui" / "engine.sock"


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def send_raw(server: Server, request: bytes) -> bytes:
    _, port = server.url.rsplit(":", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            return await reader.read(65_536)
    finally:
        writer.close()
