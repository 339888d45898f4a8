"""The engine's numbers, for Prometheus."""

from __future__ import annotations

import importlib
from typing import Protocol, runtime_checkable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.context import engine_of
from schedtui.api.problems import ProblemError
from schedtui.api.query import NONE
from schedtui.api.schemas import describe
from schedtui.models.metrics import Metrics

router = APIRouter(tags=["health"])

_TEXT = {
    "type": "string",
    "description": "The text format of Prometheus.",
    "examples": ["# TYPE schedtui_runs_running gauge\nschedtui_runs_running 1.0\n"],
}


@runtime_checkable
class HasMetrics(Protocol):
    """A client of an engine in this process, which can measure it."""

    async def metrics(self) -> Metrics:
        """The engine in numbers."""


@router.get(
    "/metrics", response_class=Response, openapi_extra=describe(NONE, _TEXT, media="text/plain")
)
async def read_metrics(request: Request) -> Response:
    """The engine in numbers, for Prometheus; the token goes into its `authorization` setting.

    Counters begin at 0 when the engine starts. A job has a label of its own only while its runs
    fail, and no more than 200 jobs have.
    """
    NONE.read(request)
    engine = engine_of(request)
    if not isinstance(engine, HasMetrics):
        raise ProblemError(503, "no-metrics", "this engine cannot be measured from here")
    # Imported when it is asked for first: most engines are never scraped.
    prometheus = importlib.import_module("schedtui.api.prometheus")
    text: bytes = prometheus.exposition(await engine.metrics())
    media: str = prometheus.MEDIA_TYPE
    return Response(text, headers={"Content-Type": media, "Cache-Control": "no-store"})
