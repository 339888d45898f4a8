"""The way out: the head of an answer waits for its body, and for no longer than it may."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schedtui.api.transport import OneWrite

HEAD = b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: Any) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")


@pytest.fixture
async def wire() -> Wire:
    return Wire()


def out_to(wire: Wire) -> OneWrite:
    return OneWrite(wire, asyncio.get_running_loop())


async def test_a_head_and_its_body_are_one_write(wire: Wire) -> None:
    out = out_to(wire)
    out.write(HEAD)
    out.write(b"{}")
    out.write(b"")
    await asyncio.sleep(0)
    assert wire.done == [HEAD + b"{}"]


async def test_a_head_without_a_body_leaves_with_the_turn_of_the_loop(wire: Wire) -> None:
    out = out_to(wire)
    out.write(HEAD)
    assert wire.done == []
    await asyncio.sleep(0)
    assert wire.done == [HEAD]
    out.write(b"data: 1\n\n")
    assert wire.done == [HEAD, b"data: 1\n\n"]


async def test_a_long_body_is_not_copied(wire: Wire) -> None:
    out, body = out_to(wire), b"x" * 100_000
    out.write(HEAD)
    out.write(body)
    assert wire.done == [HEAD, body]


async def test_what_is_kept_back_is_written_before_the_connection_is_closed(wire: Wire) -> None:
    out = out_to(wire)
    out.write(HEAD)
    out.close()
    await asyncio.sleep(0)
    assert wire.done == [HEAD, "close"]


async def test_a_connection_that_is_cut_takes_nothing_more(wire: Wire) -> None:
    out = out_to(wire)
    out.write(HEAD)
    out.abort()
    await asyncio.sleep(0)
    assert wire.done == ["abort"]
