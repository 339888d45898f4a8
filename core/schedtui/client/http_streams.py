"""What an engine behind HTTP tells as it happens."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing

from schedtui.client.http_calls import API, made
from schedtui.client.http_codec import decode_changes, decode_json, decode_logs
from schedtui.client.http_transport import Transport
from schedtui.client.problems import from_problem
from schedtui.client.sse import SseEvent
from schedtui.errors import EventGapError, UnreachableError
from schedtui.models import Changes, LogPage
from schedtui.models.names import check_groups


class HttpStreams:
    """Changes, and the lines of a run, over HTTP; a part of `HttpClient`."""

    _wire: Transport

    @property
    @abstractmethod
    def address(self) -> str:
        """The socket's path, or the URL."""

    async def changes(
        self, cursor: str, *, groups: Collection[str] | None = None
    ) -> AsyncGenerator[Changes]:
        """See `EngineClient.changes`; after an `UnreachableError` go on from its cursor."""
        among = check_groups(groups)
        query = {"after": cursor, "group": None if among is None else sorted(among)}
        async with aclosing(self._wire.events(f"{API}/events", params=query)) as stream:
            async for event in stream:
                if event.event == "changes":
                    yield await made(decode_changes, event.data)
                else:
                    _raise_for(event)
        raise UnreachableError(f"{self.address} ended the stream of changes; a retry is safe")

    async def follow(self, run_id: int, *, after: int = 0) -> AsyncGenerator[LogPage]:
        """See `EngineClient.follow`; after an `UnreachableError` go on from the last line."""
        query = {"follow": "true", "after": after}
        events = self._wire.events(f"{API}/runs/{run_id}/logs", params=query)
        async with aclosing(events) as stream:
            async for event in stream:
                if event.event != "lines":
                    _raise_for(event)
                    continue
                page = await made(lambda data: decode_logs(decode_json(data)), event.data)
                yield page
                if page.done:
                    return
        raise UnreachableError(
            f"{self.address} ended the stream of lines before the run had ended; to follow it again"
            " is safe"
        )


def _raise_for(event: SseEvent) -> None:
    """Raise what an event says that stands for an error; an unknown event is passed over."""
    if event.event == "gap":
        raise EventGapError("changes since the last one seen are lost; take a fresh snapshot")
    if event.event == "error":
        raise from_problem(decode_json(event.data), status=500)
