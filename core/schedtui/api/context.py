"""What a route gets at: the engine's client in the caller's name, and the server's closing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from starlette.requests import Request

from schedtui.api.access import CALLER, Caller
from schedtui.api.answers import Frames, FramesByGroups
from schedtui.api.stream import Closing, EventStream
from schedtui.client.scoped import ScopedClient
from schedtui.models.actor import Actor
from schedtui.protocols import EngineClient, OffLoop

ClientFor = Callable[[str], EngineClient]
"""Gives the client that acts in a name; the audit trail shows it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What the application's state holds for its routes."""

    client_for: ClientFor
    closing: Closing
    off_loop: OffLoop
    """For what takes a while."""
    frames: FramesByGroups
    """What was encoded for one watcher, for the others."""


def context_of(request: Request) -> Context:
    """The context of the request's application."""
    context: Context = request.app.state.context
    return context


def frames_of(request: Request, groups: frozenset[str] | None) -> Frames:
    """Where changes of these groups, None: of all, are encoded: once for all who watch them."""
    return context_of(request).frames.of(groups)


def stream_of(request: Request, frames: AsyncGenerator[bytes]) -> EventStream:
    """Frames as an answer, for as long as the caller may read them."""
    caller: Caller = request.scope[CALLER]
    return EventStream(frames, context_of(request).closing, still=caller.still)


def engine_of(request: Request) -> EngineClient:
    """The engine, spoken to in the caller's name, as far as the caller may see it."""
    caller: Caller = request.scope[CALLER]
    client = context_of(request).client_for(Actor(caller.actor, caller.address))
    return client if caller.groups is None else ScopedClient(client, caller.groups).typed
