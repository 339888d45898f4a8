"""What changes, as it changes."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol, TypeVar, runtime_checkable

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import Frames
from schedtui.api.context import engine_of, frames_of, stream_of
from schedtui.api.examples import EXAMPLES
from schedtui.api.headers import LAST_EVENT
from schedtui.api.query import Params, repeated, text
from schedtui.api.router import Router
from schedtui.api.schemas import describe, events_of
from schedtui.client.closing import closing
from schedtui.client.http_json import dump, dump_finite
from schedtui.client.problems import to_problem
from schedtui.client.scoped import ScopedClient
from schedtui.client.sse import frame
from schedtui.errors import EventGapError, InvalidError, SchedtuiError
from schedtui.models import Changes
from schedtui.models.names import check_groups
from schedtui.protocols import EngineClient

T = TypeVar("T")

router = Router(prefix="/api/v1", tags=["events"])

_EVENTS = Params(
    text(
        "after",
        about="Where to begin: the cursor of a snapshot or of an event",
        pattern="^[!-~]{1,200}$",
    ),
    repeated(text("group", about="Only what is of these groups, and the engine")),
)
_EVENT = {
    **events_of(("changes", "gap", "error"), Changes),
    "examples": [
        {
            "event": "changes",
            "id": "2f6c1a90b3d4:118",
            "data": dump(EXAMPLES["Changes"]).decode("ascii"),
        }
    ],
}
_CURSOR = re.compile(r"[!-~]{1,200}")


@router.get(
    "/events",
    response_class=Response,
    openapi_extra=describe(_EVENTS, _EVENT, media="text/event-stream", headers=(LAST_EVENT,)),
)
async def read_events(request: Request) -> Response:
    """A stream of what changed: events named `changes`, whose id is the cursor to go on from.

    It goes on after `Last-Event-ID`, else after the parameter `after`, else from now. An event
    named `gap` says that changes in between are lost: take a fresh snapshot. It ends the stream.
    """
    query = _EVENTS.read(request)
    # A browser that reconnects sends the header, and still the parameter of the first time.
    given = {LAST_EVENT: request.headers.get(LAST_EVENT), "after": query["after"]}
    for field, text_ in given.items():
        if text_ and not _CURSOR.fullmatch(text_):
            raise InvalidError.one(field, text_, "a cursor as a snapshot or an event gave it")
    engine = engine_of(request)
    groups = check_groups(query["group"], "group")
    if isinstance(engine, ScopedClient):
        groups = engine.among(groups)
    cursor = given[LAST_EVENT] or given["after"] or await _present(engine)
    changes = engine.changes(cursor, groups=groups)
    return stream_of(request, _changes(changes, cursor, frames_of(request, groups)))


@runtime_checkable
class HasCursor(Protocol):
    """A client that knows the present cursor without a snapshot."""

    async def cursor(self) -> str:
        """Where `changes` begins now."""


async def _present(engine: EngineClient) -> str:
    if isinstance(engine, HasCursor):
        return await engine.cursor()
    return (await engine.snapshot()).cursor


async def _changes(
    told: AsyncIterator[Changes], cursor: str, frames: Frames
) -> AsyncGenerator[bytes]:
    yield frame([], id_=cursor)
    try:
        async with closing(told) as stream:
            async for changes in stream:
                yield await frames.of(changes)
    except EventGapError as error:
        yield frame([dump_finite(to_problem(error))], event="gap")
    except SchedtuiError as error:
        yield error_frame(error)


def error_frame(error: SchedtuiError) -> bytes:
    """The event that ends a stream because of ``error``."""
    return frame([dump_finite(to_problem(error))], event="error")
