"""A call that makes a run is sent a second time where its answer is lost, with the same key."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from api_doubles import RUN

from schedtui.client.http import HttpClient
from schedtui.client.http_json import dump
from schedtui.client.idempotency import header_of, key_of
from schedtui.errors import ConflictError, InvalidError, UncertainError
from schedtui.models.wire import to_wire

CUT, ANSWER, CONFLICT, GONE = "cut", "answer", "conflict", "gone"


class Server:
    """Does one thing to each request in turn, and notes the key of each."""

    def __init__(self, *script: str) -> None:
        self.script = list(script)
        self.keys: list[str] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        found = re.search(r"(?im)^idempotency-key: (.*)\r$", head)
        assert found is not None
        self.keys.append(key_of(found[1]))
        what = self.script.pop(0)
        if what != CUT:
            body, status, kind = dump(to_wire(replace(RUN, replayed=True))), "202 Accepted", "json"
            if what == CONFLICT:
                body = b'{"type": "urn:schedtui:error:conflict", "detail": "no", "errors": []}'
                status, kind = "409 Conflict", "problem+json"
            if what == GONE:
                status, kind = "503 Service Unavailable", "problem+json"
                body = b'{"type": "urn:schedtui:error:engine-stopped", "detail": "stopping"}'
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/{kind}\r\nConnection: close\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def served(server: Server) -> AsyncIterator[HttpClient]:
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    client = HttpClient(f"http://127.0.0.1:{port}")
    try:
        yield client
    finally:
        await client.aclose()
        listening.close()


async def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    server = Server(CUT, ANSWER)
    async with served(server) as client:
        run = await client.trigger_job("g/a")
    assert len(server.keys) == 2
    assert len(set(server.keys)) == 1
    assert run == RUN  # to its caller it is not replayed: that call made it


async def test_every_call_has_a_key_of_its_own_or_the_callers() -> None:
    server = Server(ANSWER, ANSWER, ANSWER)
    async with served(server) as client:
        await client.rerun(7)
        await client.run_function("g/a")
        run = await client.trigger_job("g/a", idempotency_key="order-17")
    assert server.keys[2] == "order-17"
    assert len(set(server.keys)) == 3
    assert run.replayed


@pytest.mark.parametrize("second", [CUT, GONE])
async def test_two_lost_answers_are_uncertain(second: str) -> None:
    server = Server(CUT, second)
    async with served(server) as client:
        with pytest.raises(UncertainError, match="may or may not have been made: look before"):
            await client.trigger_job("g/a")
    assert server.script == []


async def test_with_the_callers_key_the_error_says_that_it_may_be_repeated() -> None:
    server = Server(CUT, CUT)
    async with served(server) as client:
        with pytest.raises(UncertainError, match="the same key 'order-17' makes no second run"):
            await client.run_function("g/a", idempotency_key="order-17")


async def test_what_the_second_answer_refuses_is_refused() -> None:
    server = Server(CUT, CONFLICT)
    async with served(server) as client:
        with pytest.raises(ConflictError, match="no"):
            await client.trigger_job("g/a")


async def test_an_answer_is_an_answer() -> None:
    server = Server(CONFLICT, ANSWER)
    async with served(server) as client:
        with pytest.raises(ConflictError):
            await client.trigger_job("g/a")
    assert server.script == [ANSWER]


@pytest.mark.parametrize("key", ["k", 'a "b" \\ c', "~ !#$%&'()*+,-./:;<=>?@[]^_`{|}"])
def test_a_key_comes_through_the_header(key: str) -> None:
    assert key_of(header_of(key)) == key
    if '"' not in key:
        assert key_of(f" {key} ") == key


@pytest.mark.parametrize("header", ['"', '"a', 'x" y"', '"a"b"', '"a\\b"', "", '""', '"a"; p=1'])
def test_what_is_no_key_in_a_header(header: str) -> None:
    if header == 'x" y"':
        assert key_of(header) == header  # bare, as many programs send it
        return
    with pytest.raises(InvalidError, match="Idempotency-Key"):
        key_of(header)
