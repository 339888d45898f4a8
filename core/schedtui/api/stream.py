"""Server-sent events as an answer that ends in order.

It ends with its source, its client, its client's token, or the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from schedtui.client.sse import KEEP_ALIVE, KEEP_ALIVE_S

_log = logging.getLogger(__name__)

_LAST_WORD_S = 0.2
CHECK_S = 1.0
"""Seconds between two looks whether who reads may still."""


class Closing(Protocol):
    """Set when the server closes; `asyncio.Event` is one."""

    def is_set(self) -> bool:
        """Whether it closes."""

    async def wait(self) -> Any:
        """Return when it closes."""


class EventStream(Response):
    """Sends frames as they come, and a comment when none has come for a while.

    FastAPI's own answer ends only when the client goes, which would hold up a server that closes.

    Args:
        frames: What to send; closed when the stream ends, whatever ends it.
        closing: Ends the stream at once, in order.
        still: Whether who reads may still; the stream ends once it is not so. None: it always is.
        keep_alive_s: Seconds of silence before a comment.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        closing: Closing,
        *,
        still: Callable[[], Awaitable[bool]] | None = None,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        headers: Mapping[str, str] = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(headers=headers)
        del self.headers["content-length"]
        self._frames = frames
        self._closing = closing
        self._still = still
        self._keep_alive_s = keep_alive_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one of them ends it."""
        del scope
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        gone = asyncio.create_task(_gone(receive))
        tasks = {
            gone,
            asyncio.create_task(_closed(self._closing)),
            asyncio.create_task(self._pump(send)),
        }
        if self._still is not None:
            tasks.add(asyncio.create_task(_refused(self._still)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            left = gone.done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._frames.aclose()
        if not left:
            # Who reads nothing would never let this end.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORD_S):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pump(self, send: Send) -> None:
        try:
            async with contextlib.aclosing(self._with_keep_alive()) as parts:
                async for part in parts:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        except Exception:  # noqa: BLE001 - the answer has begun: all that is left is to end it
            _log.exception("a stream of events failed")

    async def _with_keep_alive(self) -> AsyncGenerator[bytes]:
        while True:
            following = asyncio.ensure_future(anext(self._frames, None))
            try:
                while not (await asyncio.wait({following}, timeout=self._keep_alive_s))[0]:
                    yield KEEP_ALIVE
                part = following.result()
            finally:
                if not following.done():
                    following.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await following
            if part is None:
                return
            yield part


async def _closed(closing: Closing) -> None:
    await closing.wait()


async def _refused(still: Callable[[], Awaitable[bool]]) -> None:
    while await still():  # noqa: ASYNC110 - time alone makes it untrue
        await asyncio.sleep(CHECK_S)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
