"""Statistics: counts and times of the runs of a while, and of the newest of a job."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import no_body
from schedtui.api.context import engine_of
from schedtui.api.query import EXPECT_ID, Params, limit, member
from schedtui.api.router import Router
from schedtui.api.routes.runs import FILTER, filter_of
from schedtui.api.schemas import describe, ref
from schedtui.models import Statistics, Stats, StatsBy

router = Router(prefix="/api/v1")

_STATS = Params(
    replace(member("by", StatsBy, about="What the numbers are of"), default=StatsBy.JOB), *FILTER
)
_CHANGE = Params(EXPECT_ID)
_STATISTICS = Params(limit(default=500))
_JOB = "/jobs/{group}/{name}"


@router.get("/stats", openapi_extra=describe(_STATS, ref(Stats), also=(404,)), tags=["runs"])
async def read_stats(request: Request) -> Response:
    """Counts and times of the runs of a while, by job or function; of 24 hours without `since`.

    The times are of the runs that succeeded. Of a while with more than 100,000 runs the newest are
    counted, and `complete` is false.
    """
    query = _STATS.read(request)
    return json_answer(await engine_of(request).stats(filter_of(query), by=query["by"]))


@router.get(
    f"{_JOB}/statistics", openapi_extra=describe(_STATISTICS, ref(Statistics)), tags=["jobs"]
)
async def read_statistics(request: Request, group: str, name: str) -> Response:
    """How long its newest runs took that succeeded, oldest first.

    Each of `runs` is `[run_id, finished_at, duration_s]`.
    """
    query = _STATISTICS.read(request)
    return json_answer(await engine_of(request).statistics(f"{group}/{name}", limit=query["limit"]))


@router.post(
    f"{_JOB}/statistics/clear",
    status_code=204,
    openapi_extra=describe(_CHANGE, status=204, also=("other-job",)),
    tags=["jobs"],
)
async def clear_statistics(request: Request, group: str, name: str) -> Response:
    """Let only the runs count from now on; the history keeps the others."""
    query = _CHANGE.read(request)
    await no_body(request)
    await engine_of(request).clear_statistics(f"{group}/{name}", expect_id=query["expect_id"])
    return Response(status_code=204)
