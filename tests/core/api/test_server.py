"""A real server: on real sockets, with real streams, and its end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_doubles import SECRETS, make_page, make_row
from api_served import ServedFake, send_raw, socket_below, start, until

from schedtui.api import Listen
from schedtui.api import server as api_server
from schedtui.api.server import Server
from schedtui.api.stream import EventStream
from schedtui.api.tokens import create_token, revoke_token
from schedtui.client.http import HttpClient
from schedtui.errors import InvalidError, RefusedError, UnreachableError
from schedtui.models import Changes

FRAME = Changes(cursor="b1:6", jobs=(make_row(1), make_row(2)), removed=(3,))


class Keeping(logging.Handler):
    def __init__(self, lines: list[logging.LogRecord]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record)


def there(path: Path) -> bool:
    return path.exists()


def remove(path: Path) -> None:
    path.unlink()


async def test_it_tells_where_it_is(server: Server, tmp_path: Path) -> None:
    path = socket_below(tmp_path)

    assert server.url.startswith("http://127.0.0.1:")
    assert there(path)
    await server.stop()
    assert server.url == ""
    assert not there(path)
    await server.stop()


async def test_signals_stay_with_their_owner(server: Server) -> None:
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert server.url


async def test_logging_stays_as_it_was(server: Server, http: httpx.AsyncClient) -> None:
    access = logging.getLogger("uvicorn.access")
    lines: list[logging.LogRecord] = []
    handler = Keeping(lines)
    access.addHandler(handler)
    try:
        assert (await http.get("/api/v1/engine")).status_code == 200
    finally:
        access.removeHandler(handler)
    assert access.propagate
    assert lines == []
    assert "server" not in (await http.get(f"{server.url}/health")).headers


async def test_a_taken_port_is_told_and_nothing_is_left(
    server: Server, engine: ServedFake, tmp_path: Path
) -> None:
    port = int(server.url.rpartition(":")[2])
    path = tmp_path / ".schedtui" / "other.sock"
    with pytest.raises(RefusedError, match="taken"):
        await start(engine, listen=Listen(port=port), socket=path)
    assert not path.exists()


@pytest.mark.usefixtures("server")
async def test_a_second_engine_on_the_socket_is_refused(engine: ServedFake, tmp_path: Path) -> None:
    path = socket_below(tmp_path)
    with pytest.raises(RefusedError, match="already answers"):
        await start(engine, listen=Listen(port=0), socket=path)
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(path))) as http:
        assert (await http.get("http://localhost/api/v1/engine")).status_code == 200


async def test_the_socket_of_a_later_engine_is_left(
    server: Server, engine: ServedFake, tmp_path: Path
) -> None:
    path = socket_below(tmp_path)
    remove(path)
    later = await start(engine, socket=path)
    await server.stop()

    assert there(path)
    await later.stop()
    assert not there(path)


async def test_bad_tls_files_are_told(engine: ServedFake, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate", encoding="utf-8")
    for file in (wrong, tmp_path / "missing.pem"):
        with pytest.raises(InvalidError, match="PEM"):
            await start(engine, listen=Listen(port=0, certfile=file, keyfile=file))


async def test_it_speaks_tls(engine: ServedFake, tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    server = await start(engine, listen=Listen(port=0, certfile=cert, keyfile=key))
    trust = ssl.create_default_context(cafile=str(cert))
    try:
        async with httpx.AsyncClient(verify=trust) as http:
            assert (await http.get(f"{server.url}/health")).status_code == 200
    finally:
        await server.stop()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {cert}"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs the openssl command to make a certificate")
    return cert, key


# --- streams --------------------------------------------------------------------------------


async def test_frames_arrive_as_they_are_made(http: httpx.AsyncClient, engine: ServedFake) -> None:
    engine.frames = [FRAME]
    async with http.stream("GET", "/api/v1/events?after=b1:5") as response:
        lines = response.aiter_lines()
        head = [await anext(lines) for _ in range(7)]

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    assert head[:4] == ["id: b1:5", "", "event: changes", "id: b1:6"]
    assert [line[:8] for line in head[4:]] == ['data: {"', "data: [1", "data: ]}"]


async def test_a_client_that_goes_ends_its_stream(
    http: httpx.AsyncClient, engine: ServedFake
) -> None:
    engine.frames = [FRAME]
    async with http.stream("GET", "/api/v1/events?after=b1:5"):
        await until(lambda: engine.streams == 1)
    await until(lambda: engine.streams == 0)


async def test_stopping_ends_streams_in_order_and_soon(
    server: Server,
    http: httpx.AsyncClient,
    engine: ServedFake,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_server, "PATIENCE_S", 3_600)  # nobody waits for that to be over
    engine.frames, engine.pages = [FRAME], [make_page(1)]
    async with (
        http.stream("GET", "/api/v1/events?after=b1:5") as events,
        http.stream("GET", "/api/v1/runs/7/logs?follow=true") as lines,
        http.stream("GET", "/api/v1/events?after=b1:5") as more,
    ):
        await until(lambda: engine.streams == 3)
        async with asyncio.timeout(20):
            await server.stop()
        # Read to their ends: a cut would raise here.
        texts = [(await stream.aread()).decode() for stream in (events, lines, more)]

    assert engine.streams == 0
    assert all("event: " in text and text.endswith("\n\n") for text in texts)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("ending", ["revoked", "expired"])
async def test_a_stream_ends_with_its_token(
    engine: ServedFake, server: Server, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("schedtui.api.stream.CHECK_S", 0.01)
    monkeypatch.setattr("schedtui.api.access._STILL_FRESH_S", 0.0)
    engine.frames, engine.pages = [FRAME], [make_page(1)]
    secret = create_token(engine.store, "ci", "viewer")
    theirs = {"Authorization": f"Bearer {secret}"}
    others = {"Authorization": f"Bearer {SECRETS['viewer']}"}
    async with (
        httpx.AsyncClient(base_url=server.url) as http,
        http.stream("GET", "/api/v1/events?after=b1:5", headers=theirs) as events,
        http.stream("GET", "/api/v1/runs/7/logs?follow=true", headers=theirs) as lines,
        http.stream("GET", "/api/v1/events?after=b1:5", headers=others),
    ):
        await until(lambda: engine.streams == 3)
        token = next(one for one in engine.store.tokens() if one.name == "ci")
        revoke_token(engine.store, "ci")
        if ending == "expired":
            with engine.store.transaction() as tx:
                tx.insert_token(replace(token, expires_at_us=1))
        async with asyncio.timeout(20):
            texts = [(await stream.aread()).decode() for stream in (events, lines)]
        assert engine.streams == 1
        assert (await http.get("/api/v1/events", headers=theirs)).status_code == 401
    assert all("event: " in text and text.endswith("\n\n") for text in texts)


def unsent(server: Server) -> int:
    """Bytes that the sockets of a server do not take."""
    connections = [
        one for running, _ in server._running for one in running.server_state.connections
    ]
    return sum(one.transport.get_write_buffer_size() for one in connections)


async def test_a_client_that_reads_nothing_does_not_hold_up_the_end(
    server: Server,
    engine: ServedFake,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[bool] = []
    waited = api_server._until

    async def noted(done: Callable[[], bool]) -> bool:
        ended.append(await waited(done))
        return ended[-1]

    monkeypatch.setattr(api_server, "_until", noted)
    big = Changes(cursor="b1:6", jobs=tuple(make_row(n, description="x" * 9000) for n in range(99)))
    engine.frames = [big] * 50
    _, port = server.url.rsplit(":", 1)
    with socket.create_connection(("127.0.0.1", int(port))) as deaf:
        deaf.sendall(
            b"GET /api/v1/events?after=b1:5 HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer " + SECRETS["viewer"].encode() + b"\r\n\r\n"
        )
        await until(lambda: engine.streams == 1)
        await until(lambda: unsent(server) > 0)
        async with asyncio.timeout(20):
            await server.stop()
    assert ended.count(False) == 1  # patience, once: it ended when it was cut
    assert 2 * api_server.PATIENCE_S < 1
    assert engine.streams == 0
    assert "Traceback" not in caplog.text


async def test_a_stopped_server_is_unreachable(server: Server) -> None:
    client = HttpClient(server.url, token=SECRETS["viewer"])
    assert await client.info()
    await server.stop()
    with pytest.raises(UnreachableError, match="schedtui serve"):
        await client.info()
    await client.aclose()


async def test_silence_is_filled_with_comments() -> None:
    sent: list[bytes] = []
    closing = asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if sent.count(b": keep-alive\n\n") == 2:
            closing.set()

    frames: Any = silent()
    await EventStream(frames, closing, keep_alive_s=0.01)({}, receive, send)

    assert sent[:4] == [b"", b"data: 1\n\n", b": keep-alive\n\n", b": keep-alive\n\n"]
    assert sent[-1] == b""


async def test_a_stream_that_fails_inside_ends_and_is_logged(
    http: httpx.AsyncClient, engine: ServedFake, caplog: pytest.LogCaptureFixture
) -> None:
    engine.frames = [FRAME, KeyError("secret")]
    response = await http.get("/api/v1/events?after=b1:5")

    assert "event: changes" in response.text
    assert "secret" not in response.text
    assert "secret" in caplog.text


# --- odd requests ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /api/v1/engine HTTP/1.0\r\n\r\n", b"421"),
        (b"GET /api/v1/engine HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /api/v1/engine HTTP/1.1\r\nHost: evil\r\n\r\n", b"421"),
        (b"GET /api/v1/engine HTTP/1.1\r\nHost: localhost\r\n\r\n", b"401"),
        (b"\x16\x03\x01 garbage\r\n\r\n", b"400"),
    ],
)
async def test_odd_requests_get_an_answer(server: Server, request_: bytes, status: bytes) -> None:
    assert (await send_raw(server, request_)).split(b" ")[1] == status


async def test_a_client_that_goes_in_mid_body_is_no_error(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    _, port = server.url.rsplit(":", 1)
    _, writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(
        b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + SECRETS["admin"].encode() + b"\r\nContent-Length: 50\r\n\r\n{"
    )
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await server.stop()

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_who_asks_before_sending_too_much_is_told_at_once(server: Server) -> None:
    answer = await send_raw(
        server,
        b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + SECRETS["admin"].encode() + b"\r\n"
        b"Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_large_body_is_answered_on_a_real_connection(server: Server) -> None:
    headers = {"Authorization": f"Bearer {SECRETS['admin']}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
        response = await http.post("/api/v1/jobs", content=b"x" * 5_000_000)
        fine = await http.get("/api/v1/engine")

    assert (response.status_code, fine.status_code) == (413, 200)


def test_importing_the_package_loads_no_framework() -> None:
    check = (
        "import sys, schedtui.api, schedtui.client.http;"
        "heavy = {'fastapi', 'starlette', 'uvicorn', 'pydantic', 'httpx', 'textual'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
