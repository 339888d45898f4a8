"""One connection of a client: how many there may be, and how long they may say nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from schedtui.api.transport import OneWrite

MAX_CONNECTIONS = 256
"""Open at once; far below the usual limit of 1024 file descriptors, which jobs need as well."""
HEADERS_S = 10.0
"""Seconds in which a request's headers have to be complete."""
_TELL_EVERY_S = 60.0
_NO_DESCRIPTORS = "socket.accept() out of system resource"


class Connection(H11Protocol):
    """One that is refused beyond `MAX_CONNECTIONS`, cut off when it is silent, and not logged."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whatever the process has configured for others.
        self.access_log = False
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Let it in, if there is room."""
        out: Any = OneWrite(transport, self.loop)
        super().connection_made(out)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._got_headers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; between requests uvicorn's keep-alive counts until its first byte."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._got_headers()
        elif self._waiting is None and (before is None or before.response_complete):
            self._await_headers()

    def _await_headers(self) -> None:
        self._waiting = self.loop.call_later(HEADERS_S, self.transport.abort)

    def _got_headers(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class SaidOnce(logging.Filter):
    """For asyncio's logger: it would say thousands of times a second that descriptors ran out."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to let the record pass."""
        if not record.getMessage().startswith(_NO_DESCRIPTORS):
            return True
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _TELL_EVERY_S
        return True
