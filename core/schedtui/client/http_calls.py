"""Calls of the API, and what is made of their answers: as much as one may cost, and where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from schedtui.client.http_codec import decode, decode_json
from schedtui.client.http_transport import MAX_ANSWER, Transport
from schedtui.client.idempotency import KEY_HEADER, header_of, new_key
from schedtui.errors import UnavailableError, UncertainError
from schedtui.models import Backfill, Letters, Page, Run

T = TypeVar("T")
M = TypeVar("M", Run, Backfill, Letters)

API = "/api/v1"
MAX_LIST = 64 << 20
"""Bytes of the JSON of a list: the table of all jobs, or a page of runs with their tracebacks."""
_LONG = 100_000  # bytes of an answer


class Calls:
    """Calls to one engine.

    Args:
        wire: Carries them.
    """

    def __init__(self, wire: Transport) -> None:
        self._wire = wire

    async def get(self, cls: type[T], path: str, **query: Any) -> T:
        """Ask for one thing, or for a page of a list, which has a ``limit``."""
        most = MAX_LIST if "limit" in query else MAX_ANSWER
        return await self.ask(partial(decode, cls), "GET", path, query, most=most)

    async def items(self, cls: type[T], path: str, **query: Any) -> tuple[T, ...]:
        """Ask for a list."""
        read: Callable[[Any], Page[T]] = partial(decode, Page[cls])  # type: ignore[valid-type]  # a class at run time
        return (await self.ask(read, "GET", path, query, most=MAX_LIST)).items

    async def post(self, cls: type[T], path: str, body: Any = None, **query: Any) -> T:
        """Change something."""
        return await self.ask(partial(decode, cls), "POST", path, query, body)

    async def make(self, cls: type[M], path: str, body: Any, key: str | None, **query: Any) -> M:
        """A call that makes something, sent a second time where the first answer is lost.

        Its key keeps that from making another one.
        """
        headers = {KEY_HEADER: header_of(new_key() if key is None else key)}

        async def send() -> M:
            read = partial(decode, cls)
            return await self.ask(read, "POST", path, query, body, headers=headers)

        try:
            made = await send()
        except UncertainError as error:
            try:
                made = await send()
            except UnavailableError:  # the first one may have been heard all the same
                told = error if key is None else _same_key(error, key)
                raise told from None
        # The caller made one call, and it was that which made it.
        return made if key is not None else replace(made, replayed=False)

    async def ask(
        self,
        read: Callable[[Any], T],
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        most: int = MAX_ANSWER,
    ) -> T:
        """What ``read`` makes of the JSON of an answer of at most so many bytes.

        Raises:
            SchedtuiError: what the engine answered, or why it could not be asked.
            ProtocolError: its answer is not what it has to be.
        """
        answer = await self._wire.call(
            method, API + path, params=query, body=body, headers=headers, most=most
        )
        return await made(lambda data: read(decode_json(data)), answer)


def _same_key(error: UncertainError, key: str) -> UncertainError:
    return UncertainError(
        f"{error}; the same call with the same key {key!r} makes no second run, for a day"
    )


async def made(read: Callable[[bytes], T], data: bytes) -> T:
    """What ``read`` makes of an answer; off the loop where a screen would show how long it takes.

    Ten thousand rows take tens of milliseconds.
    """
    return read(data) if len(data) < _LONG else await asyncio.to_thread(read, data)
