"""A server on a real socket, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from api_doubles import SECRETS
from api_served import ServedFake, socket_below, start

from schedtui.api import Listen
from schedtui.api.server import Server


@pytest.fixture
def engine() -> ServedFake:
    return ServedFake()


@pytest.fixture
async def server(engine: ServedFake, tmp_path: Path) -> AsyncIterator[Server]:
    server = await start(engine, listen=Listen(port=0), socket=socket_below(tmp_path))
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {SECRETS['viewer']}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        yield client
