"""What a route gets at: the engine's client in the caller's name, and the server's closing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from schedtui.api.access import Caller
from schedtui.api.answers import Frames
from schedtui.api.gate import CALLER
from schedtui.api.stream import Closing
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
    frames: Frames
    """What was encoded for one watcher, for the others."""


def context_of(request: Request) -> Context:
    """The context of the request's application."""
    context: Context = request.app.state.context
    return context


def engine_of(request: Request) -> EngineClient:
    """The engine, spoken to in the caller's name."""
    caller: Caller = request.scope[CALLER]
    return context_of(request).client_for(caller.actor)
