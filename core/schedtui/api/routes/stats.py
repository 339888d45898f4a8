"""Counts and times of runs."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.context import engine_of
from schedtui.api.query import Params, member
from schedtui.api.routes.runs import FILTER, filter_of
from schedtui.api.schemas import describe, ref
from schedtui.models import Stats, StatsBy

router = APIRouter(prefix="/api/v1", tags=["runs"])

_STATS = Params(
    replace(member("by", StatsBy, about="What the numbers are of"), default=StatsBy.JOB), *FILTER
)


@router.get("/stats", openapi_extra=describe(_STATS, ref(Stats), also=(404,)))
async def read_stats(request: Request) -> Response:
    """Counts and times of the runs of a while, by job or function; of 24 hours without `since`.

    The times are of the runs that succeeded. Of a while with more than 100,000 runs the newest are
    counted, and `complete` is false.
    """
    query = _STATS.read(request)
    return json_answer(await engine_of(request).stats(filter_of(query), by=query["by"]))
