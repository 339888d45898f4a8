"""Every client of one and the same engine.

In its process, over TCP, over its Unix socket, and in a process that stands by for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from client_contract import StandsBy, make_group, put_token

from schedtui import Engine
from schedtui.api import Listen, start_server
from schedtui.client.http import HttpClient
from schedtui.client.local import LocalClient
from schedtui.integrations.passing import Winner
from schedtui.protocols import EngineClient
from schedtui.store.sql.lock import Owner


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine(groups=[make_group()], store="memory://", timezone="Europe/Berlin")
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop(grace_s=0)


@pytest.fixture(params=["local", "tcp", "socket", "standby"])
async def client(
    request: pytest.FixtureRequest, engine: Engine, tmp_path: Path
) -> AsyncIterator[EngineClient]:
    if request.param == "local":
        yield LocalClient(engine, actor="tester")
        return
    put_token(engine, "sched_contract")
    socket = tmp_path / ".schedtui" / "engine.sock"
    over_tcp = request.param == "tcp"
    server = await start_server(
        engine,
        listen=Listen(port=0) if over_tcp else None,
        socket=None if over_tcp else socket,
    )
    winner = Winner(Owner(pid=1, boot="b", address=str(socket)))
    client: EngineClient
    if request.param == "standby":
        client = StandsBy(winner).client("tester")
    elif over_tcp:
        client = HttpClient(server.url, token="sched_contract")
    else:
        client = HttpClient("http://localhost", socket=socket)
    try:
        yield client
    finally:
        await client.aclose()
        await winner.aclose()
        await server.stop()
