"""An unfinished line of a text stream."""

from __future__ import annotations

MAX_LINE = 10_000
"""Characters of a line that are kept."""


class PartialLine:
    """What was printed since the last line end; a carriage return does what it does on a terminal.

    A progress bar that redraws itself a thousand times is one line, in its last state.
    """

    __slots__ = ("_length", "_returned", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._length = 0
        self._returned = False

    def add(self, piece: str) -> None:
        """Go on with ``piece``, which holds no line end."""
        body = piece.rstrip("\r")
        if body:
            _, returned, rest = body.rpartition("\r")
            if returned or self._returned:
                self._text = ""
                self._length = 0
            room = MAX_LINE - len(self._text)
            if room > 0:
                self._text += rest[:room]
            self._length += len(rest)
            self._returned = False
        if len(body) < len(piece):
            self._returned = True

    def finish(self) -> tuple[str, int]:
        """The line, and how many characters it had before it was cut; begins the next line."""
        line = self._text, self._length
        self._text = ""
        self._length = 0
        self._returned = False
        return line

    @property
    def blank(self) -> bool:
        """Whether nothing would be lost without it: empty, or wiped as a progress bar does."""
        return not self._text or (self._returned and not self._text.strip())
