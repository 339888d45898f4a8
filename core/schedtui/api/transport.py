"""The way out to a client: the head of an answer leaves together with its body.

uvicorn writes them one after the other, and each write is a call of the system and a packet.
"""

from __future__ import annotations

import asyncio

_HEAD = b"HTTP/1.1 "
_SHORT = 65_536  # bytes of a body that it is worth copying in order to send one piece


class OneWrite:
    """A connection's transport that keeps the head of an answer back until its body is written.

    For as long as the event loop's present turn at most: an answer without an end, such as a stream
    of events, has its head by then.

    Args:
        transport: The connection's own, which does the rest.
        loop: Its event loop.
    """

    __slots__ = (
        "_flushing",
        "_head",
        "_loop",
        "_transport",
        "get_extra_info",
        "get_write_buffer_size",
        "is_closing",
        "pause_reading",
        "resume_reading",
        "set_protocol",
    )

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._flushing: asyncio.Handle | None = None
        self.get_extra_info = transport.get_extra_info
        self.get_write_buffer_size = transport.get_write_buffer_size
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.set_protocol = transport.set_protocol

    def write(self, data: bytes) -> None:
        """Write what is kept back and ``data``, unless that is a head."""
        if not self._head and data.startswith(_HEAD):
            self._head = data
            self._flushing = self._loop.call_soon(self._flush)
            return
        if len(data) > _SHORT:
            self._flush()
        head = self._taken()
        if head or data:
            self._transport.write(head + data if head else data)

    def close(self) -> None:
        """Close it once all is written."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close it at once."""
        self._taken()
        self._transport.abort()

    def _flush(self) -> None:
        head = self._taken()
        if head:
            self._transport.write(head)

    def _taken(self) -> bytes:
        head, self._head = self._head, b""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        return head
