"""A remote that is down, hostile or something else altogether: an error that says so, each time."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from api_doubles import make_row
from api_raw import Talk, raw_server

from schedtui.api.answers import changes_lines
from schedtui.client import http_transport
from schedtui.client.http import HttpClient
from schedtui.client.http_codec import decode_changes, encode_row
from schedtui.client.http_json import dump
from schedtui.client.sse import frame
from schedtui.errors import (
    ForbiddenError,
    InvalidError,
    ProtocolError,
    SchedtuiError,
    UnauthorizedError,
    UnavailableError,
    UncertainError,
    UnreachableError,
)
from schedtui.models import Changes, JobSpec

Call = Callable[[HttpClient], Awaitable[Any]]

SPEC = JobSpec(function="g/a", trigger={})


async def stream(client: HttpClient) -> Any:
    async with aclosing(client.changes("b:1")) as frames:
        return [frame async for frame in frames]


async def follow(client: HttpClient) -> Any:
    async with aclosing(client.follow(1)) as pages:
        return [page async for page in pages]


CALLS: dict[str, Call] = {
    "info": lambda client: client.info(),
    "snapshot": lambda client: client.snapshot(),
    "groups": lambda client: client.groups(),
    "functions": lambda client: client.functions(),
    "jobs": lambda client: client.jobs(),
    "job": lambda client: client.job("g/a"),
    "runs": lambda client: client.runs(),
    "attempts": lambda client: client.attempts(1),
    "logs": lambda client: client.logs(1),
    "search": lambda client: client.search_logs("x"),
    "audit": lambda client: client.audit(),
    "next": lambda client: client.next_due("g/a"),
    "explain": lambda client: client.explain("g/a"),
    "preview": lambda client: client.preview({}),
    "create": lambda client: client.create_job(SPEC),
    "trigger": lambda client: client.trigger_job("g/a"),
    "changes": stream,
    "follow": follow,
}


def answer(
    body: bytes,
    *,
    status: str = "200 OK",
    media: str = "application/json",
    headers: bytes = b"",
    length: int | None = None,
) -> Talk:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\n"
        size = len(body) if length is None else length
        head += f"Content-Length: {size}\r\nConnection: close\r\n"
        writer.write(head.encode() + headers + b"\r\n" + body)
        await writer.drain()

    return talk


def bytes_of(raw: bytes) -> Talk:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return talk


def endless(head: bytes, part: bytes) -> Talk:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(part)
            await writer.drain()

    return talk


async def outcome(talk: Talk, call: Call) -> BaseException:
    async with raw_server(talk) as url:
        client = HttpClient(url, token="sched_x")
        try:
            async with asyncio.timeout(20):
                result = await call(client)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            return error
        finally:
            await client.aclose()
    raise AssertionError(f"no error, but {result!r}")


GARBAGE = b"\x00\x1b]0;owned\x07\xff\xfe" * 20
WRONG_JSON: list[Any] = [None, 0, "x", [], {}, {"items": 3}, {"items": [1]}, {"items": [{}]}]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_wrong_answers_are_protocol_errors(call: Call) -> None:
    talks = [
        bytes_of(GARBAGE),
        bytes_of(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        answer(GARBAGE),
        answer(b'{"boot": "b1", "vers'),
        answer(b"<html>welcome</html>", media="text/html"),
        answer(b"[" * 200_000),
        answer(b"{}", headers=b"Content-Encoding: gzip\r\n"),
        answer(GARBAGE, media="text/event-stream"),
        answer(b"event: lines\ndata: {}\n\n", media="text/event-stream"),
        answer(b'event: changes\ndata: {"cursor":1}\n\n', media="text/event-stream"),
        answer(b"{}", status="999 Odd"),
        answer(b"", status="404 Not Found"),
        answer(b"", status="204 No Content"),
        *[answer(json.dumps(value).encode()) for value in WRONG_JSON],
    ]
    for talk in talks:
        error = await outcome(talk, call)
        # A stream that merely ends is a cut; an empty list is a fine answer.
        assert isinstance(error, ProtocolError | UnreachableError), repr(error)


async def test_an_answer_cut_short_is_a_cut() -> None:
    cut = answer(b'{"boot":', length=500)
    read = await outcome(cut, CALLS["info"])
    change = await outcome(cut, CALLS["create"])

    assert type(read) is UnreachableError
    assert read.retryable
    assert isinstance(change, UncertainError)
    assert not change.retryable
    assert "may or may not have been made" in str(change)


async def test_a_silent_close_is_a_cut() -> None:
    error = await outcome(bytes_of(b""), CALLS["trigger"])

    assert isinstance(error, UncertainError)


async def test_an_endless_answer_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedtui.client.http_calls.MAX_LIST", 9 << 20)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    for call, most in (("info", 8 << 20), ("job", 8 << 20), ("runs", 9 << 20)):
        error = await outcome(endless(head, b" " * 65_536), CALLS[call])

        assert isinstance(error, ProtocolError)
        assert f"longer than {most} bytes" in str(error)


@pytest.mark.parametrize(("removed", "elsewhere"), [(10, False), (50_000, True)])
async def test_a_long_event_is_not_read_on_the_loop_of_a_screen(
    monkeypatch: pytest.MonkeyPatch, removed: int, elsewhere: bool
) -> None:
    read_by: list[threading.Thread] = []

    def noted(data: bytes) -> Changes:
        read_by.append(threading.current_thread())
        return decode_changes(data)

    monkeypatch.setattr("schedtui.client.http_streams.decode_changes", noted)
    changes = Changes(cursor="b:2", removed=tuple(range(removed)))
    event = frame(changes_lines(changes), event="changes", id_="b:2")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

    assert isinstance(await outcome(bytes_of(head + event), CALLS["changes"]), UnreachableError)
    assert [thread is not threading.main_thread() for thread in read_by] == [elsewhere]


@pytest.mark.parametrize("call", ["info", "changes"])
@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized"])
async def test_a_packed_answer_is_refused_by_its_head_alone(call: str, status: str) -> None:
    async def never_sends_its_body(
        _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        media = "text/event-stream" if call == "changes" else "application/json"
        head = f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Encoding: gzip, gzip\r\n"
        writer.write(head.encode() + b"Content-Length: 6800\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(60)

    error = await outcome(never_sends_its_body, CALLS[call])

    assert isinstance(error, ProtocolError)
    assert "'gzip, gzip'" in str(error)


async def test_a_dripping_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_transport, "CALL_TIMEOUT_S", 0.1)

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    assert isinstance(await outcome(drip, CALLS["info"]), UnreachableError)


async def test_a_stream_that_falls_silent_is_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_transport, "STREAM_TIMEOUT_S", 0.1)

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hi\n\n")
        await writer.drain()
        await asyncio.sleep(20)

    for call in (stream, follow):
        error = await outcome(silent, call)
        assert isinstance(error, UnreachableError)
        assert error.retryable


async def test_a_line_without_end_is_stopped() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: "
    error = await outcome(endless(head, b"x" * 65_536), stream)

    assert isinstance(error, ProtocolError)


async def test_endless_headers_are_stopped() -> None:
    error = await outcome(
        endless(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 9_000 + b"\r\n"), stream
    )

    assert isinstance(error, SchedtuiError)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_told_and_not_followed(status: int) -> None:
    seen: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(1000))

    async with raw_server(elsewhere) as url:
        talk = answer(b"", status=f"{status} Moved", headers=f"Location: {url}/x\r\n".encode())
        error = await outcome(talk, CALLS["info"])

    assert isinstance(error, ProtocolError)
    assert url in str(error)
    assert seen == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", UnauthorizedError),
        ("403 Forbidden", ForbiddenError),
        ("502 Bad Gateway", UnreachableError),
        ("503 Service Unavailable", UnavailableError),
    ],
)
async def test_a_proxy_speaks_for_itself(status: str, kind: type[SchedtuiError]) -> None:
    for call in (CALLS["info"], stream):
        error = await outcome(answer(b"<h1>no</h1>", status=status, media="text/html"), call)
        assert type(error) is kind


async def test_nobody_there() -> None:
    async with raw_server(bytes_of(b"")) as url:
        pass
    for call in (CALLS["info"], CALLS["create"], stream):
        client = HttpClient(url)
        with pytest.raises(UnreachableError, match="schedtui serve") as caught:
            await call(client)
        assert caught.value.retryable
        assert url in str(caught.value)
        assert "refused" in str(caught.value)
        await client.aclose()


async def test_no_socket_there(tmp_path: Path) -> None:
    client = HttpClient("http://localhost", socket=tmp_path / "none.sock")
    with pytest.raises(UnreachableError, match=r"none\.sock"):
        await client.info()


async def test_a_prefix_and_names_reach_the_wire_as_they_are() -> None:
    lines: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = HttpClient(f"http://127.0.0.1:{port}/team/jobs/", token="sched_t")
    with pytest.raises(UnauthorizedError):
        await client.job("a b/50 % #?&[x]\u65e5%2F")
    server.close()
    await client.aclose()

    head = lines[0].decode().split("\r\n")
    path = "/team/jobs/api/v1/jobs/a%20b/50%20%25%20%23%3F%26%5Bx%5D%E6%97%A5%252F"
    assert head[0] == f"GET {path} HTTP/1.1"
    assert "Authorization: Bearer sched_t" in head
    assert "Accept-Encoding: identity" in head  # a few packed kilobytes can hold gigabytes


async def test_a_cut_in_the_middle_of_a_stream_keeps_what_came() -> None:
    body = b'event: changes\nid: b:2\ndata: {"cursor":"b:2",\ndata: "jobs":[\ndata: '
    body += dump(encode_row(make_row(1))) + b"\ndata: ]}\n\nevent: changes\ndata: {"
    talk = answer(body, media="text/event-stream", length=10_000)
    frames: list[Any] = []
    async with raw_server(talk) as url:
        client = HttpClient(url)
        async with aclosing(client.changes("b:1")) as changes:
            frames.append(await anext(changes))
            with pytest.raises(UnreachableError):
                await anext(changes)
        await client.aclose()

    assert [(frame.cursor, frame.jobs) for frame in frames] == [("b:2", (make_row(1),))]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8787",
        "ftp://host",
        "http://",
        "http://user:secret@host",
        "http://host?x=1",
        "http://host#x",
        "http://host:99999",
        "http://host:0",
        "http://ho st",
        "http://host\r\nX: y",
        "http://h\u00f6st",
        "http://[::1",
    ],
)
def test_what_is_no_url_is_told(url: str) -> None:
    with pytest.raises(InvalidError, match="url") as caught:
        HttpClient(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", ["a b", "a\r\nX: y", "t\u00f6ken", "\x1b[31m"])
def test_what_is_no_token_is_told_and_not_shown(token: str) -> None:
    with pytest.raises(InvalidError, match="token") as caught:
        HttpClient("http://host", token=token)
    assert token not in str(caught.value)


async def test_what_is_not_text_is_not_sent() -> None:
    client = HttpClient("http://127.0.0.1:1")
    with pytest.raises(InvalidError, match="not text"):
        await client.search_logs("a\udc80b")


async def test_what_is_not_json_is_not_sent() -> None:
    client = HttpClient("http://127.0.0.1:1")
    for value in (float("nan"), {1, 2}, object()):
        with pytest.raises(InvalidError):
            await client.trigger_job("g/a", kwargs={"x": value})
