"""Answers: models as JSON, encoded once and without a second look."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schedtui.client.http_codec import COLUMNS, encode_row
from schedtui.client.http_json import dump, dump_finite
from schedtui.client.sse import frame
from schedtui.models import Changes, JobSummary, Snapshot
from schedtui.models.wire import to_wire
from schedtui.protocols import OffLoop

_BATCH = 250  # rows encoded at a stretch, so that the event loop gets its turn
_WORTH_ZIPPING = 16_384  # bytes
_ROWS_A_LINE = 16  # a line of one row takes half as long again
_PLACES = 4  # in the stream where watchers are at a time: the slow ones are a few beats behind
_WATCHED = 32  # choices of groups whose frames are shared
_FEW = 200  # rows that take less time than a thread's turn


def json_answer(
    value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """``value``, a model or JSON values, as an answer."""
    return Response(
        dump_finite(to_wire(value)),
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/json",
    )


async def snapshot_answer(request: Request, snapshot: Snapshot, off_loop: OffLoop) -> Response:
    """All jobs as one columnar table; made off the loop, for there may be ten thousand."""
    accepts = request.headers.get("accept-encoding", "")
    zipped = any(part.strip().partition(";")[0] == "gzip" for part in accepts.split(","))
    body, encoding = await off_loop(_encode_snapshot, snapshot, zipped)
    headers = {"Vary": "Accept-Encoding"}
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(body, headers=headers, media_type="application/json")


def _encode_snapshot(snapshot: Snapshot, zipped: bool) -> tuple[bytes, str]:
    head = {
        "engine": to_wire(snapshot.engine),
        "cursor": snapshot.cursor,
        "columns": COLUMNS,
    }
    rows = b",\n".join(_encode_rows(snapshot.jobs))
    body = dump_finite(head)[:-1] + b',"rows":[' + rows + b"]}"
    if zipped and len(body) > _WORTH_ZIPPING:
        return gzip.compress(body, compresslevel=1, mtime=0), "gzip"
    return body, ""


def _encode_rows(rows: Sequence[JobSummary]) -> list[bytes]:
    batches = (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))
    return [_rows(batch)[1:-1] for batch in batches]


def _rows(batch: Sequence[JobSummary]) -> bytes:
    return dump_finite([encode_row(row) for row in batch])


class FramesByGroups:
    """Where changes are encoded, for those who watch the same groups.

    Args:
        off_loop: Makes what is large.
    """

    def __init__(self, off_loop: OffLoop) -> None:
        self._off_loop = off_loop
        self._of: dict[frozenset[str] | None, Frames] = {}

    def of(self, groups: frozenset[str] | None) -> Frames:
        """The place for who watches these; None: all."""
        found = self._of.pop(groups, None) or Frames(self._off_loop)
        self._of[groups] = found
        if len(self._of) > _WATCHED:
            del self._of[next(iter(self._of))]
        return found


class Frames:
    """Changes as events: each of the newest frames is encoded once, however many watch.

    On one event loop.

    Watchers at the same place are given the same `Changes` by the engine.

    Args:
        off_loop: Makes them.
    """

    def __init__(self, off_loop: OffLoop) -> None:
        self._off_loop = off_loop
        self._newest: dict[int, tuple[Changes, asyncio.Task[bytes]]] = {}
        """By identity, which is theirs as long as they are kept here."""

    async def of(self, changes: Changes) -> bytes:
        """The bytes of ``changes``; made off the loop where they are many."""
        known = self._newest.get(id(changes))
        if known is None:
            known = (changes, asyncio.ensure_future(self._encode(changes)))
            self._newest[id(changes)] = known
            if len(self._newest) > _PLACES:
                del self._newest[next(iter(self._newest))]
        return await asyncio.shield(known[1])

    async def _encode(self, changes: Changes) -> bytes:
        if len(changes.jobs) > _FEW:
            return await self._off_loop(_event, changes)
        return _event(changes)


def _event(changes: Changes) -> bytes:
    return frame(changes_lines(changes), event="changes", id_=changes.cursor)


def changes_lines(changes: Changes) -> list[bytes]:
    """``changes`` as JSON in several lines of few jobs, so that none grows with their number."""
    head = dump(
        {
            "cursor": changes.cursor,
            "removed": changes.removed,
            "runs": changes.runs,
            "engine": to_wire(changes.engine),
        }
    )
    if not changes.jobs:
        return [head]
    starts = range(0, len(changes.jobs), _ROWS_A_LINE)
    rows = [_rows(changes.jobs[start : start + _ROWS_A_LINE])[1:-1] + b"," for start in starts]
    rows[-1] = rows[-1][:-1]
    return [head[:-1] + b',"jobs":[', *rows, b"]}"]
