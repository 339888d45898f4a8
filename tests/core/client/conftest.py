"""Every client of one and the same engine: in its process, over TCP, over its Unix socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from client_contract import make_group, put_token

from schedtui import Engine
from schedtui.api import Listen, start_server
from schedtui.client.http import HttpClient
from schedtui.client.local import LocalClient
from schedtui.protocols import EngineClient


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(groups=[make_group()], store="memory://", timezone="Europe/Berlin")
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop(grace_s=0)


@pytest.fixture(params=["local", "tcp", "socket"])
async def client(
    request: pytest.FixtureRequest, engine: Engine, tmp_path: Path
) -> AsyncIterator[EngineClient]:
    if request.param == "local":
        yield LocalClient(engine, actor="tester")
        return
    put_token(engine, "sched_contract")
    folder = tmp_path / ".schedtui"
    over_tcp = request.param == "tcp"
    server = await start_server(
        engine,
        listen=Listen(port=0) if over_tcp else None,
        socket=None if over_tcp else folder / "engine.sock",
    )
    client = (
        HttpClient(server.url, token="sched_contract")
        if over_tcp
        else HttpClient("http://localhost", socket=folder / "engine.sock")
    )
    try:
        yield client
    finally:
        await client.aclose()
        await server.stop()
