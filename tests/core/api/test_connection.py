"""Connections: how many, how long silent, and how a refused one ends."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest
from api_doubles import SECRETS, make_row
from api_served import ServedFake, send_raw

from schedtui.api.server import Server
from schedtui.models import Changes

FRAME = Changes(cursor="b1:6", jobs=(make_row(1),))


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: local"])
async def test_who_sends_no_request_is_cut_off(
    server: Server, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("schedtui.api.connection.HEADERS_S", 0.05)
    assert await send_raw(server, sent) == b""


async def test_a_request_that_takes_long_is_not_cut_off(
    server: Server, engine: ServedFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedtui.api.connection.HEADERS_S", 1.0)
    headers = {"Authorization": f"Bearer {SECRETS['viewer']}"}
    engine.frames = [FRAME]
    async with (
        httpx.AsyncClient(base_url=server.url, headers=headers) as http,
        http.stream("GET", "/api/v1/events?after=b1:5") as response,
    ):
        await asyncio.sleep(1.2)
        await server.stop()
        assert "event: changes" in (await response.aread()).decode()


async def test_a_second_request_that_stops_halfway_is_cut_off(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, port = server.url.rsplit(":", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await reader.readuntil(b"}}")).startswith(b"HTTP/1.1 200")
    monkeypatch.setattr("schedtui.api.connection.HEADERS_S", 0.05)
    writer.write(b"GET /hea")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_too_many_connections_are_refused_and_the_others_go_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedtui.api.connection.MAX_CONNECTIONS", 1)
    _, port = server.url.rsplit(":", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    writer.write(request)
    await reader.readuntil(b"}}")
    with contextlib.suppress(ConnectionError):
        assert await send_raw(server, request) == b""
    writer.write(request)
    assert (await reader.readuntil(b"}}")).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()


async def test_a_process_without_file_descriptors_says_so_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    for _ in range(5):
        loop.call_exception_handler({"message": "socket.accept() out of system resource"})
    loop.call_exception_handler({"message": "something else"})
    told = [record.getMessage() for record in caplog.records]
    assert [text[:13] for text in told] == ["socket.accept", "something els"]
    assert server.url


@pytest.mark.parametrize(("token", "status"), [("viewer", 403), (None, 401)])
async def test_a_refusal_arrives_though_a_body_is_under_way(
    server: Server, token: str | None, status: int
) -> None:
    secret = SECRETS[token] if token else ""
    headers = {"Connection": "close"}  # otherwise the server reads on anyhow
    if token:
        headers["Authorization"] = f"Bearer {secret}"
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
        for _ in range(5):
            response = await http.post("/api/v1/jobs", content=b"x" * 5_000_000)
            assert response.status_code == status


async def test_a_refusal_does_not_wait_for_a_body_that_never_comes(server: Server) -> None:
    head = b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n"
    answers = await asyncio.gather(
        send_raw(server, head + b"\r\n{"), send_raw(server, head + b"Expect: 100-continue\r\n\r\n")
    )
    assert [answer.startswith(b"HTTP/1.1 401") for answer in answers] == [True, True]
