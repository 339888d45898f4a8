"""One connection of a client: how many there may be, and how long they may say nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from schedtui.api.access import KNOWN, REFUSED
from schedtui.api.transport import OneWrite

MAX_CONNECTIONS = 256
"""Open at once; far below the usual limit of 1024 file descriptors, which jobs need as well."""
MAX_STRANGERS = 64
"""Open at once from one address, of those whose last request had no right token."""
KEEP_ALIVE_S = 75
"""Longer than any client keeps an idle connection, so that none is cut in use."""
STRANGER_KEEP_ALIVE_S = 10
"""The same where no right token came."""
NEW_S = 1.0
"""Seconds that a new connection has for showing its token, while others can make way."""
HEADERS_S = 10.0
"""Seconds in which a request's headers have to be complete."""
_TELL_EVERY_S = 60.0
_NO_DESCRIPTORS = "socket.accept() out of system resource"


class Connection(H11Protocol):
    """One that makes way beyond `MAX_CONNECTIONS`, is cut off when it is silent, and not logged.

    Strangers make way for the new one: first those whose token was refused, then the one that has
    been quiet for longest, then those that have just come, and those that are being looked at last.
    Where there is none, the new one is refused.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whatever the process has configured for others.
        self.access_log = False
        self._waiting: asyncio.TimerHandle | None = None
        self.since = self.loop.time()
        """When it began, or its last answer was over; seconds of the loop's clock."""

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def known(self) -> bool:
        """Whether its last request came from somebody who is known."""
        return self.cycle is not None and KNOWN in self.cycle.scope

    @property
    def makes_way(self) -> tuple[bool, bool, bool, float]:
        """Sorts strangers: who makes way first comes first."""
        new = self.cycle is None and self.loop.time() - self.since < NEW_S
        refused = self.cycle is not None and REFUSED in self.cycle.scope
        return not refused, self.busy, new, self.since

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Let it in, if there is room."""
        out: Any = OneWrite(transport, self.loop)
        super().connection_made(out)
        if not self._has_room():
            transport.abort()
            return
        self._await_headers()

    def _has_room(self) -> bool:
        """Whether it may stay, others having made way for it."""
        open_: list[Connection] = [
            one
            for one in self.connections
            if isinstance(one, Connection) and one is not self and not one.transport.is_closing()
        ]
        strangers = [one for one in open_ if not one.known]
        mine = [one for one in strangers if one.peer == self.peer]
        if self.peer not in self._many and len(mine) >= MAX_STRANGERS:
            min(mine, key=_makes_way).transport.abort()
        elif len(open_) >= MAX_CONNECTIONS:
            if not strangers:
                return False
            min(strangers, key=_makes_way).transport.abort()
        return True

    @property
    def peer(self) -> str:
        """The address it comes from."""
        return self.client[0] if self.client else ""

    @property
    def _many(self) -> frozenset[str]:
        """Where many callers come from: a proxy, and no address at all, a Unix socket's."""
        proxied = getattr(self.config, "proxied", False)
        return frozenset({"", "127.0.0.1", "::1"}) if proxied else frozenset({""})

    def on_response_complete(self) -> None:
        """Wait for another request, not as long for a stranger's."""
        self.since = self.loop.time()
        self.timeout_keep_alive = KEEP_ALIVE_S if self.known else STRANGER_KEEP_ALIVE_S
        super().on_response_complete()

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


def _makes_way(one: Connection) -> tuple[bool, bool, bool, float]:
    return one.makes_way


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
