"""Log lines in compressed chunks, and the one rule by which a search matches a line.

A chunk is zlib over JSON by column; times and counters are differences, which compress best. Its
index holds each word of it once, because a search only has to find the chunk: the lines in it are
then matched one by one.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from itertools import accumulate

from schedtui.clock import MAX_US, MIN_US
from schedtui.errors import StoreDataError
from schedtui.models import LogLine
from schedtui.protocols import LogChunk

_LEVEL = 3  # of zlib: twice as fast as 6 for 5 % more bytes
_FORMAT = 1
_BROKEN = "surrogatepass"  # a line may hold what was not UTF-8 in a stream
_KINDS = (int, int, str, str, str, int)  # of a line's fields
_WORD = re.compile(r"[^\W_]+")
_MAX_WORD = 64
"""Longer words, such as Base64, are indexed by their beginning."""


def encode(run_id: int, lines: Sequence[LogLine]) -> LogChunk:
    """Compress consecutive lines of one run. Slow enough to be done outside a transaction.

    Raises:
        ValueError: there is no line.
    """
    if not lines:
        raise ValueError("a chunk has at least one line")
    seqs, times, levels, streams, texts, attempts = map(list, zip(*lines, strict=True))
    columns = [_FORMAT, _steps(seqs), _steps(times), levels, streams, texts, _steps(attempts)]
    raw = json.dumps(columns, ensure_ascii=False, separators=(",", ":"))
    return LogChunk(
        run_id=run_id,
        attempt=lines[-1].attempt,
        first_seq=lines[0].seq,
        last_seq=lines[-1].seq,
        first_at_us=lines[0].at_us,
        last_at_us=lines[-1].at_us,
        lines=len(lines),
        raw_bytes=len("".join(texts).encode("utf-8", _BROKEN)),
        data=zlib.compress(raw.encode("utf-8", _BROKEN), _LEVEL),
        text=" ".join(sorted(words("\n".join(texts)))),
    )


def decode(data: bytes) -> list[LogLine]:
    """The lines of a chunk.

    Raises:
        StoreDataError: the chunk is damaged, or of a newer form.
    """
    try:
        form, *columns = json.loads(zlib.decompress(data).decode("utf-8", _BROKEN))
        if form != _FORMAT:
            raise ValueError(f"form {form!r} is not known")
        seqs, times, levels, streams, texts, attempts = columns
        rows = zip(
            accumulate(seqs),
            accumulate(times),
            levels,
            streams,
            texts,
            accumulate(attempts),
            strict=True,
        )
        lines = [LogLine(*row) for row in rows]
        _check(lines)
    except (zlib.error, ValueError, TypeError, RecursionError) as error:
        raise StoreDataError(f"a chunk of log lines is damaged: {error}") from error
    return lines


def _check(lines: Sequence[LogLine]) -> None:
    """Raise TypeError or ValueError unless all cells are what they have to be."""
    if not lines:
        return
    columns = list(zip(*lines, strict=True))
    for name, kind, column in zip(LogLine._fields, _KINDS, columns, strict=True):
        if not set(map(type, column)) <= {kind}:
            raise TypeError(f"{name} is not {kind.__name__} everywhere")
    if not MIN_US <= min(columns[1]) <= max(columns[1]) <= MAX_US:
        raise ValueError("a line is not of the years 1 to 9999")


def words(text: str) -> set[str]:
    """The words of a text as the index holds them: letters and digits, folded, cut when long."""
    found = set(_WORD.findall(text.casefold()))
    return {word[:_MAX_WORD] for word in found}


class Query:
    """What a person searches for: words between blanks, all of which a line must hold.

    Upper and lower case are the same. A word matches whole words only (``time`` does not find
    ``timeout``), with the punctuation that is in it (``user-7``, ``key=``).
    """

    def __init__(self, text: str) -> None:
        parts = dict.fromkeys(text.casefold().split())
        self._patterns = [re.compile(_pattern(part)) for part in parts]
        self.words = sorted({word for part in parts for word in words(part)})
        """What a chunk must hold; empty for punctuation alone, which no index knows."""

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def matches(self, line: LogLine) -> bool:
        """Whether a line holds every word."""
        text = line.text.casefold()
        return all(pattern.search(text) for pattern in self._patterns)

    def hits(self, lines: Sequence[LogLine]) -> list[LogLine]:
        """The lines that match, in their order."""
        return [line for line in lines if self.matches(line)]


class Newest:
    """The first ``limit`` hits: the newest run first, and of a run its newest line.

    Chunks are looked through from the newest down, and a long run has chunks that are newer than
    those of later runs: so what was found first is not always what is to be shown.
    """

    def __init__(self, limit: int) -> None:
        self._limit = max(limit, 0)
        self.hits: list[tuple[int, LogLine]] = []
        """Run and line."""

    @property
    def oldest(self) -> int | None:
        """Only runs after this one can have better hits; None while any can."""
        return None if len(self.hits) < self._limit or not self.hits else self.hits[-1][0]

    def wants(self, run_id: int) -> bool:
        """Whether an older chunk of this run may have something to show."""
        oldest = self.oldest
        return oldest is None or run_id > oldest

    def add(self, run_id: int, lines: Sequence[LogLine]) -> None:
        """What a chunk has."""
        self.hits += [(run_id, line) for line in lines]
        self.hits.sort(key=lambda hit: (hit[0], hit[1].seq), reverse=True)
        del self.hits[self._limit :]


def _pattern(part: str) -> str:
    before = r"(?<![^\W_])" if _WORD.match(part) else ""
    after = r"(?![^\W_])" if _WORD.match(part[-1]) else ""
    return f"{before}{re.escape(part)}{after}"


def _steps(numbers: list[int]) -> list[int]:
    return [after - before for before, after in zip([0, *numbers], numbers, strict=False)]
