"""Server-sent events, as written by `frame` and read by `SseParser`.

The format is that of the HTML standard, section 9.2 (Server-sent events).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schedtui.errors import ProtocolError

MAX_LINE = 1 << 20
"""Bytes of one line; a longer one comes from something that is not a schedtui engine."""
MAX_EVENT = 32 << 20
"""Bytes of the data of one event: as much as fifty thousand rows of the job table take."""
_LINE_COST = 64  # bytes that a line is counted for at least, so that empty ones are not free
KEEP_ALIVE_S = 15.0
"""Seconds of silence after which a stream carries a comment."""
KEEP_ALIVE = b": keep-alive\n\n"


class SseEvent(NamedTuple):
    """One event of a stream."""

    event: str
    """Its name; ``message`` where the stream gave none."""
    data: bytes
    """Its data lines, joined by line feeds."""
    id: str
    """The stream's last event id at that point."""


def frame(data: Iterable[bytes], *, event: str = "", id_: str = "") -> bytes:
    """One event.

    Args:
        data: Its lines, none of which holds a line end. JSON may be broken between any two tokens,
            which keeps each line short however long the event is.
        event: Its name.
        id_: What a client sends as ``Last-Event-ID`` to go on after it.
    """
    parts = [b"event: " + event.encode() + b"\n"] if event else []
    if id_:
        parts.append(b"id: " + id_.encode() + b"\n")
    parts += [b"data: " + line + b"\n" for line in data]
    return b"".join(parts) + b"\n"


class SseParser:
    """Turns the bytes of a stream into events; keeps at most one unfinished event."""

    def __init__(self) -> None:
        self._rest = b""
        self._event = ""
        self._id = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events that ``chunk`` completes.

        Raises:
            ProtocolError: a line or an event is longer than any engine sends, or not UTF-8.
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_LINE or any(len(line) > MAX_LINE for line in lines):
            raise ProtocolError(f"the stream holds a line of more than {MAX_LINE} bytes")
        events = []
        for line in lines:
            event = self._line(line.removesuffix(b"\r"))
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: bytes) -> SseEvent | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._size += max(len(value) + 1, _LINE_COST)
            if self._size > MAX_EVENT:
                raise ProtocolError(f"the stream holds an event of more than {MAX_EVENT} bytes")
            self._data.append(value)
        elif field == b"event":
            self._event = _text(value)
        elif field == b"id":
            self._id = _text(value)
        return None

    def _dispatch(self) -> SseEvent | None:
        data, name = self._data, self._event
        self._data, self._event, self._size = [], "", 0
        if not data:
            return None
        return SseEvent(name or "message", b"\n".join(data), self._id)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise ProtocolError("the stream holds text that is not UTF-8") from None
