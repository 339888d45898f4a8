"""The stand-ins for ``sys.stdout`` and ``sys.stderr``.

Outside of a run they are what they replace. Within one, what is written becomes lines of the run.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TextIO

from schedtui.capture.current import current_sink
from schedtui.capture.sink import RunSink
from schedtui.capture.switch import SWITCH, THREAD


class StreamProxy:
    """A text stream that gives each run what it writes.

    Everything that is not said here is the replaced stream's: ``encoding``, ``fileno``, ``mode``,
    ``reconfigure`` and whatever else it has. ``sys.stdout`` may be None, as under ``pythonw``.
    """

    def __init__(self, stream: str, previous: TextIO | None) -> None:
        self._stream = stream
        self.previous = previous
        """The stream that this one replaced."""

    def write(self, text: str) -> int:
        """Write ``text``; returns its length."""
        if not in_run():
            return self._pass(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        sink = capturing_sink()
        if sink is not None:
            sink.feed(self._stream, text)
        if SWITCH.echo:
            # The job is not to fail because the service's own output is a closed pipe.
            with suppress(OSError, ValueError):
                self._pass(text)
        return len(text)

    def _pass(self, text: str) -> int:
        if self.previous is None:
            return len(text)
        if THREAD.passing:
            return self.previous.write(text)
        THREAD.passing = True
        try:
            return self.previous.write(text)
        finally:
            THREAD.passing = False

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of ``lines``."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the replaced stream, if what is written goes there."""
        if self.previous is None:
            return
        if not in_run():
            self.previous.flush()
        elif SWITCH.echo:
            with suppress(OSError, ValueError):
                self.previous.flush()

    def isatty(self) -> bool:
        """Whether a person reads this; never within a run."""
        return self.previous is not None and not in_run() and self.previous.isatty()

    def writable(self) -> bool:
        """True."""
        return True

    def close(self) -> None:
        """Close the replaced stream; within a run nothing is closed, because it is everybody's."""
        if self.previous is not None and not in_run():
            self.previous.close()

    def detach(self) -> Any:
        """Take the replaced stream apart; refused within a run, because it is everybody's."""
        if in_run():
            raise io.UnsupportedOperation(f"a run cannot detach sys.{self._stream}")
        return self.__getattr__("detach")()

    @property
    def encoding(self) -> str:
        """The replaced stream's encoding."""
        return getattr(self.previous, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:
        """The replaced stream's way with characters that it cannot encode."""
        return getattr(self.previous, "errors", None) or "strict"

    @property
    def buffer(self) -> BufferProxy:
        """The binary stream below."""
        if not in_run():
            self.__getattr__("buffer")
        return BufferProxy(self._stream, self)

    def __getattr__(self, name: str) -> Any:
        if name == "previous" or self.previous is None:
            raise AttributeError(f"sys.{self._stream} has no {name!r}")
        return getattr(self.previous, name)

    def __enter__(self) -> StreamProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<schedtui's sys.{self._stream} in front of {self.previous!r}>"


# Libraries ask whether sys.stdout is a text stream; inheriting would bring a __del__ that closes.
io.TextIOBase.register(StreamProxy)


class BufferProxy:
    """The binary side of a `StreamProxy`."""

    def __init__(self, stream: str, owner: StreamProxy) -> None:
        self._stream = stream
        self._owner = owner

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write ``data``; returns how many bytes it has."""
        if not in_run():
            return int(self._previous().write(data))
        content = bytes(memoryview(data))
        sink = capturing_sink()
        if sink is not None:
            sink.feed_bytes(self._stream, content, self._owner.encoding)
        if SWITCH.echo:
            with suppress(OSError, ValueError, AttributeError):
                self._previous().write(content)
        return len(content)

    def writelines(self, lines: Iterable[bytes]) -> None:
        """Write each of ``lines``."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the replaced stream, if what is written goes there."""
        with suppress(AttributeError):
            self._owner.flush()

    def isatty(self) -> bool:
        """Whether a person reads this; never within a run."""
        return self._owner.isatty()

    def close(self) -> None:
        """Close the replaced stream; within a run nothing is closed."""
        self._owner.close()

    def _previous(self) -> Any:
        return self._owner.__getattr__("buffer")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._previous(), name)


io.BufferedIOBase.register(BufferProxy)


def in_run() -> bool:
    """Whether what is written here and now is a run's."""
    return SWITCH.on and not THREAD.passing and current_sink() is not None


def capturing_sink() -> RunSink | None:
    """The run's sink, unless a log handler is writing what the sink has already."""
    return current_sink() if THREAD.record is None else None
