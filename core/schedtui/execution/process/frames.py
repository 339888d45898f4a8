"""Messages between an engine and its worker processes: JSON behind a length of four bytes.

JSON and nothing else: a job has its worker's end of the socket within reach, and what it might
write there is data, never code.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

from schedtui.errors import ProtocolError

MAX_FRAME = 8 * 1024 * 1024
"""Bytes of a message that an engine takes from a worker."""

CUT_OFF = 74
"""Exit code of a worker that has lost its end of the socket; `EX_IOERR` of sysexits.h."""

Message = dict[str, Any]
_LENGTH = struct.Struct(">I")


def encode(message: Message) -> bytes:
    """A message as it goes over the socket."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


def receive(sock: socket.socket) -> Message | None:
    """The next message, waited for; None once the other side is gone."""
    head = _exactly(sock, _LENGTH.size)
    body = None if head is None else _exactly(sock, _LENGTH.unpack(head)[0])
    return None if body is None else _parse(body)


def _exactly(sock: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        try:
            piece = sock.recv(min(size - len(data), 1 << 20))
        except OSError:
            return None
        if not piece:
            return None
        data += piece
    return bytes(data)


class Decoder:
    """Takes a stream apart into messages, piece by piece."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete now.

        Raises:
            ProtocolError: what came is no message, or longer than `MAX_FRAME`.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._buffer)
            if size > MAX_FRAME:
                raise ProtocolError(f"a message of {size:,} bytes; at most {MAX_FRAME:,} are taken")
            end = _LENGTH.size + size
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield _parse(body)


def _parse(body: bytes) -> Message:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a message that is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"a message that is a {type(message).__name__}; expected an object")
    return message
