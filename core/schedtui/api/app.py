"""The application: routes behind a gate, and every error as a problem document."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException

import schedtui
from schedtui.api.access import Access
from schedtui.api.answers import Frames
from schedtui.api.context import ClientFor, Context
from schedtui.api.gate import Gate
from schedtui.api.hosts import Hosts
from schedtui.api.limits import BodyLimit
from schedtui.api.problems import ProblemError, on_error
from schedtui.api.routes import ROUTERS
from schedtui.api.schemas import components
from schedtui.api.slowdown import SlowDown
from schedtui.api.stream import Closing
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
        openapi_url="/api/v1/openapi.json",
        # Their pages load code from another host.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = Context(
        client_for=client_for, closing=closing, off_loop=off_loop, frames=Frames(off_loop)
    )
    for router in ROUTERS:
        app.include_router(router)
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
        hosts=hosts or Hosts(),
        slowdown=SlowDown(pause),
        closing=closing,
        proxied=proxied,
    )
    return app


class _Api(FastAPI):
    """FastAPI, with the schemas of the models in its description."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            described = super().openapi()
            for call in (call for path in described["paths"].values() for call in path.values()):
                # FastAPI's own form of errors, which is never sent.
                call["responses"].pop("422", None)
            bearer = {"type": "http", "scheme": "bearer"}
            described["components"] = {
                "schemas": components(),
                "securitySchemes": {"token": bearer},
            }
            described["security"] = [{"token": []}]
        return super().openapi()
