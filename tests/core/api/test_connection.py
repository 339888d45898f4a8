"""Connections: how many, how long silent, and how a refused one ends."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest
from api_doubles import SECRETS, make_row
from api_served import ServedFake, send_raw, start

from schedtui.api import Listen
from schedtui.api.server import Server
from schedtui.models import Changes

FRAME = Changes(cursor="b1:6", jobs=(make_row(1),))


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The head of the next answer; its body is read too."""
    head = await reader.readuntil(b"\r\n\r\n")
    _, _, length = head.lower().partition(b"content-length: ")
    await reader.readexactly(int(length.partition(b"\r")[0]))
    return head


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
    request = b"GET /api/v1/engine HTTP/1.1\r\nHost: localhost\r\n"
    request += b"Authorization: Bearer " + SECRETS["viewer"].encode() + b"\r\n\r\n"
    writer.write(request)
    await answer(reader)
    with contextlib.suppress(ConnectionError):
        assert await send_raw(server, request) == b""
    writer.write(request)
    assert (await answer(reader)).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()


HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def silent(server: Server, sent: bytes = b"") -> Pair:
    """A connection that stays open after the answer to what it sends."""
    _, port = server.url.rsplit(":", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    if sent:
        writer.write(sent)
        await answer(reader)
    return reader, writer


@pytest.mark.parametrize("limit", ["MAX_CONNECTIONS", "MAX_STRANGERS"])
@pytest.mark.parametrize("sent", [HEALTH, b""])
async def test_strangers_make_way(
    server: Server, monkeypatch: pytest.MonkeyPatch, sent: bytes, limit: str
) -> None:
    monkeypatch.setattr(f"schedtui.api.connection.{limit}", 3)
    headers = {"Authorization": f"Bearer {SECRETS['viewer']}"}
    pairs = [await silent(server, sent) for _ in range(3)]
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as owner:
        for _ in range(2):
            assert (await owner.get("/api/v1/engine")).status_code == 200
            pairs += [await silent(server, sent) for _ in range(3)]
        assert len(await cut(pairs)) >= 6
        assert pairs[-1] not in await cut(pairs)
    for _, writer in pairs:
        writer.close()


@pytest.mark.parametrize("limit", ["MAX_CONNECTIONS", "MAX_STRANGERS"])
async def test_a_flood_of_wrong_tokens_does_not_cut_off_who_has_just_come(
    server: Server, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr("schedtui.api.slowdown.FREE", 0)
    monkeypatch.setattr("schedtui.api.slowdown.FIRST_S", 60)  # none is answered meanwhile
    monkeypatch.setattr("schedtui.api.slowdown.LONGEST_S", 60)
    monkeypatch.setattr(f"schedtui.api.connection.{limit}", 3)
    request = b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
    flood: list[Pair] = []

    async def strike() -> None:
        pair = await silent(server)
        pair[1].write(request + b"sched_wrong\r\n\r\n")
        flood.append(pair)
        await asyncio.sleep(0.05)  # until it is refused, of which nothing is told

    for _ in range(3):
        await strike()
    owner = await silent(server)
    for _ in range(4):
        await strike()
    owner[1].write(request + SECRETS["admin"].encode() + b"\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await answer(owner[0])).startswith(b"HTTP/1.1 200")
    assert len(await cut(flood)) >= 4
    for _, writer in (*flood, owner):
        writer.close()


async def cut(pairs: list[Pair]) -> list[Pair]:
    """Those that the server has ended."""
    await asyncio.sleep(0.05)
    return [pair for pair in pairs if pair[0].at_eof() or pair[0].exception() is not None]


async def test_many_callers_of_one_proxy_are_not_one(
    engine: ServedFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedtui.api.connection.MAX_STRANGERS", 1)
    server = await start(engine, listen=Listen(port=0, behind_proxy="localhost"))
    pairs = [await silent(server, HEALTH) for _ in range(4)]
    assert await cut(pairs) == []
    await server.stop()
    for _, writer in pairs:
        writer.close()


async def test_who_shows_no_token_is_not_waited_for_as_long(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedtui.api.connection.STRANGER_KEEP_ALIVE_S", 0.02)
    known = HEALTH.replace(b"/health", b"/api/v1/engine").removesuffix(b"\r\n")
    known += b"Authorization: Bearer " + SECRETS["viewer"].encode() + b"\r\n\r\n"
    stranger, friend = await silent(server, HEALTH), await silent(server, known)
    async with asyncio.timeout(20):
        assert await stranger[0].read() == b""
    assert await cut([friend]) == []
    for _, writer in (stranger, friend):
        writer.close()


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
