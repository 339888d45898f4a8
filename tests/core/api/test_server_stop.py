"""The end of a server on which requests are under way."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from api_doubles import SECRETS, FakeClient
from api_served import until

from schedtui.api.server import Server

AS_ADMIN = b"Authorization: Bearer " + SECRETS["admin"].encode() + b"\r\n"


async def connect(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    _, port = server.url.rsplit(":", 1)
    return await asyncio.open_connection("127.0.0.1", int(port))


async def stop_quietly(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    began = time.monotonic()
    await server.stop()
    assert time.monotonic() - began < 1.9
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("token", [b"", AS_ADMIN], ids=["anyone", "admin"])
async def test_half_a_body_does_not_trouble_the_end(
    server: Server, caplog: pytest.LogCaptureFixture, token: bytes
) -> None:
    _, writer = await connect(server)
    writer.write(
        b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + token
        + b"Content-Length: 1000\r\n\r\n{"
    )
    await writer.drain()
    await asyncio.sleep(0.1)
    await stop_quietly(server, caplog)
    writer.close()


async def test_an_answer_that_hangs_does_not_trouble_the_end(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    async def info(_client: FakeClient) -> None:
        asked.append(True)
        await asyncio.Event().wait()

    monkeypatch.setattr(FakeClient, "info", info)
    _, writer = await connect(server)
    writer.write(b"GET /api/v1/engine HTTP/1.1\r\nHost: localhost\r\n" + AS_ADMIN + b"\r\n")
    await until(lambda: asked)
    await stop_quietly(server, caplog)
    writer.close()
