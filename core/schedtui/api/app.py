"""The application: routes behind a gate, and every error as a problem document."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

import schedtui
from schedtui.api.access import Access
from schedtui.api.answers import FramesByGroups
from schedtui.api.context import ClientFor, Context, context_of
from schedtui.api.document import complete
from schedtui.api.gate import Gate
from schedtui.api.hosts import Hosts
from schedtui.api.limits import BodyLimit
from schedtui.api.problems import ProblemError, on_error
from schedtui.api.roles import Roles
from schedtui.api.routes import ROUTERS
from schedtui.api.slowdown import SlowDown
from schedtui.api.stream import Closing
from schedtui.api.task_manager import router as task_manager
from schedtui.client.http_json import dump
from schedtui.errors import SchedtuiError
from schedtui.protocols import OffLoop


def create_app(
    client_for: ClientFor,
    *,
    auth: Access,
    closing: Closing,
    hosts: Hosts | None = None,
    proxied: bool = False,
    off_loop: OffLoop = asyncio.to_thread,
) -> FastAPI:
    """The API of one engine.

    Args:
        client_for: Gives the engine's client that acts in a caller's name.
        auth: Knows the access tokens.
        closing: Set when the server closes, which ends every stream.
        hosts: The names by which clients may call it; None: those of loopback only.
        proxied: Whether a proxy on this machine says from where requests come.
        off_loop: Encodes long answers.
    """
    app = _Api(
        title="schedtui",
        version=schedtui.__version__,
        summary="Watch and steer a scheduler of Python functions.",
        # FastAPI would describe itself on the event loop, which takes half a second.
        openapi_url=None,
        # Their pages load code from another host.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = Context(
        client_for=client_for, closing=closing, off_loop=off_loop, frames=FramesByGroups(off_loop)
    )
    routers = (task_manager, *ROUTERS)
    for router in routers:
        app.include_router(router)
    app.router.add_route("/api/v1/openapi.json", _describe, methods=["GET"])
    for kind in (SchedtuiError, ProblemError, HTTPException):
        app.add_exception_handler(kind, on_error)

    async def pause(delay_s: float) -> None:
        try:
            await asyncio.wait_for(closing.wait(), delay_s)
        except TimeoutError:
            return

    app.add_middleware(BodyLimit)
    app.add_middleware(
        Gate,
        auth=auth,
        roles=Roles(route for router in routers for route in router.routes),
        hosts=hosts or Hosts(),
        slowdown=SlowDown(pause),
        closing=closing,
        proxied=proxied,
    )
    return app


async def _describe(request: Request) -> Response:
    # Below the prefix of a service that it is a part of, or of a proxy.
    root = request.scope.get("root_path", "").rstrip("/")
    described = await context_of(request).off_loop(request.app.described, root)
    return Response(described, media_type="application/json")


def _give_back(described: dict[str, Any]) -> None:
    """Say again what routes say of their answers: FastAPI leaves each null out, in examples too."""
    for route in (route for router in ROUTERS for route in router.routes):
        if isinstance(route, APIRoute) and route.include_in_schema:
            said = (route.openapi_extra or {}).get("responses", {})
            for method in route.methods or ():
                answers = described["paths"][route.path][method.lower()]["responses"]
                for status, answer in said.items():
                    answers[status].update(copy.deepcopy(answer))


class _Api(FastAPI):
    """FastAPI, with all of the API in its description."""

    def described(self, root: str) -> bytes:
        """The description, made when somebody asks for it first; two at once make it twice.

        Args:
            root: What stands before each of its paths.
        """
        known: tuple[str, bytes] | None = getattr(self.state, "described", None)
        if known is None or known[0] != root:
            servers = {"servers": [{"url": root}]} if root else {}
            known = self.state.described = (root, dump({**self.openapi(), **servers}))
        return known[1]

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            described = copy.deepcopy(super().openapi())
            _give_back(described)
            self.openapi_schema = complete(described)
        return self.openapi_schema
