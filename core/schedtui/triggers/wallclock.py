"""The wall clock of a time zone: spans of one UTC offset, and which wall times are new in each.

cron(8) keeps a virtual clock that only goes forward: it is what the wall clock would show had
nobody changed it. Where the wall clock jumps by less than three hours, jobs at a fixed time follow
the virtual clock (they catch up after a gap, and do not repeat in an overlap); where it jumps
further, the new time counts at once. A `Span` carries the virtual clock as `fresh`.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from schedtui.clock import EPOCH
from schedtui.triggers.timezones import load_zone

DAY_S: Final = 86_400
"""Seconds in a day of a clock that is not changed."""

_CHUNK_S: Final = 1 << 24
# No zone of the tz database changes its offset twice within six days (of 1900 and later).
_STEP_S: Final = 3 * DAY_S
_SMALL_JUMP_S: Final = 3 * 3600


class Span(NamedTuple):
    """A stretch of time in which the UTC offset is the same. All in whole seconds."""

    start: int
    """First UTC second."""
    end: int
    """UTC second after the last one."""
    offset: int
    """Wall clock minus UTC."""
    fresh: int
    """The first wall time that the virtual clock has not passed when the span begins.

    Equal to ``start + offset`` where nothing was changed; less after a gap; more in an overlap.
    """


class WallClock:
    """The wall clock of one zone. Looks its offsets up once per stretch of about half a year."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._zone = load_zone(name)
        self._chunks: dict[int, tuple[Span, ...]] = {}

    def span_at(self, second: int) -> Span:
        """The span in which the UTC second lies."""
        chunk = second // _CHUNK_S
        spans = self._chunks.get(chunk)
        if spans is None:
            spans = self._chunks[chunk] = self._spans(chunk)
        for span in spans:
            if second < span.end:
                return span
        raise AssertionError("spans cover their chunk")

    def instants(self, wall: int) -> tuple[int, ...]:
        """The UTC seconds at which the clock shows ``wall`` (seconds since 1970 on the clock).

        Two in an overlap, earliest first. A wall time that is skipped counts as the end of the
        gap, as a fixed time of cron(8) does.
        """
        found: list[int] = []
        gap_end: int | None = None
        second = wall - 2 * DAY_S
        while second < wall + 2 * DAY_S:
            span = self.span_at(second)
            if span.start <= wall - span.offset < span.end:
                found.append(wall - span.offset)
            if gap_end is None and span.start + span.offset > wall:
                gap_end = span.start
            second = span.end
        if not found and gap_end is not None:
            found.append(gap_end)
        return tuple(found)

    def local(self, second: int) -> int:
        """What the clock shows at a UTC second, in seconds since 1970 on the clock."""
        return second + self.span_at(second).offset

    def _offset(self, second: int) -> int:
        moment = (EPOCH + timedelta(seconds=second)).astimezone(self._zone)
        offset = moment.utcoffset()
        return 0 if offset is None else offset // timedelta(seconds=1)

    def _spans(self, chunk: int) -> tuple[Span, ...]:
        first, after = chunk * _CHUNK_S, (chunk + 1) * _CHUNK_S
        edges = self._edges(first - _STEP_S, after)
        spans: list[Span] = []
        virtual = edges[0][0] + edges[0][1]
        for number, (start, offset) in enumerate(edges):
            end = edges[number + 1][0] if number + 1 < len(edges) else after
            wall = start + offset
            # The bounds are cron.c's: a gap of three hours is a correction, an overlap is not yet.
            small = -_SMALL_JUMP_S <= wall - virtual < _SMALL_JUMP_S
            fresh = virtual if small else wall
            virtual = end + offset
            if start >= first:
                spans.append(Span(start, end, offset, fresh))
            elif end > first:
                spans.append(Span(first, end, offset, max(fresh, first + offset)))
        return tuple(spans)

    def _edges(self, first: int, after: int) -> list[tuple[int, int]]:
        """``first`` and every second before ``after`` from which another offset holds."""
        offset = self._offset(first)
        edges = [(first, offset)]
        for second in range(first, after, _STEP_S):
            following = min(second + _STEP_S, after)
            if self._offset(following) == offset:
                continue
            low, high = second, following
            while high - low > 1:
                middle = (low + high) // 2
                if self._offset(middle) == offset:
                    low = middle
                else:
                    high = middle
            offset = self._offset(high)
            if high < after:
                edges.append((high, offset))
        return edges


@lru_cache(maxsize=1024)
def wall_clock(name: str) -> WallClock:
    """The one wall clock of a zone whose name was checked."""
    return WallClock(name)
