"""The engine's numbers, for Prometheus."""

from __future__ import annotations

import importlib

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.context import engine_of
from schedtui.api.query import NONE
from schedtui.api.router import Router
from schedtui.api.schemas import describe

router = Router(tags=["health"])

_TEXT = {
    "type": "string",
    "description": "The text format of Prometheus.",
    "examples": ["# TYPE schedtui_runs_running gauge\nschedtui_runs_running 1.0\n"],
}


@router.get(
    "/metrics", response_class=Response, openapi_extra=describe(NONE, _TEXT, media="text/plain")
)
async def read_metrics(request: Request) -> Response:
    """The engine in numbers, for Prometheus; the token goes into its `authorization` setting.

    Counters begin at 0 when the engine starts. A job has a label of its own only while its runs
    fail, and no more than 200 jobs have. A process that stands by answers with the numbers of the
    one that fires.
    """
    NONE.read(request)
    text = await engine_of(request).metrics()
    # Imported when it is asked for first: most engines are never scraped.
    media: str = importlib.import_module("schedtui.client.prometheus").MEDIA_TYPE
    return Response(text, headers={"Content-Type": media, "Cache-Control": "no-store"})
