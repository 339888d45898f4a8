"""What is asked of jobs, and done to them, now and then."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import no_body, read_body
from schedtui.api.context import engine_of
from schedtui.api.query import EXPECT_ID, NONE, Params, limit
from schedtui.api.router import Router
from schedtui.api.schemas import CANCELLED, RetriesCancelBody, describe, ref
from schedtui.models import Defaults, Role, Statistics

router = Router(prefix="/api/v1", tags=["jobs"])

_CHANGE = Params(EXPECT_ID)
_STATISTICS = Params(limit(default=500))
_JOB = "/jobs/{group}/{name}"


@router.get("/defaults", openapi_extra=describe(NONE, ref(Defaults)), tags=["engine"])
async def read_defaults(request: Request) -> Response:
    """What jobs have of their groups and of their engine where they do not say it."""
    NONE.read(request)
    return json_answer(await engine_of(request).defaults())


@router.get(f"{_JOB}/statistics", openapi_extra=describe(_STATISTICS, ref(Statistics)))
async def read_statistics(request: Request, group: str, name: str) -> Response:
    """How long its newest runs took that succeeded, oldest first.

    Each of `runs` is `[run_id, finished_at, duration_s]`.
    """
    query = _STATISTICS.read(request)
    return json_answer(await engine_of(request).statistics(f"{group}/{name}", limit=query["limit"]))


@router.post(
    f"{_JOB}/statistics/clear",
    status_code=204,
    openapi_extra=describe(_CHANGE, status=204, also=(409,)),
)
async def clear_statistics(request: Request, group: str, name: str) -> Response:
    """Let only the runs count from now on; the history keeps the others."""
    query = _CHANGE.read(request)
    await no_body(request)
    await engine_of(request).clear_statistics(f"{group}/{name}", expect_id=query["expect_id"])
    return Response(status_code=204)


@router.post(
    f"{_JOB}/retries/cancel",
    openapi_extra=describe(
        _CHANGE,
        CANCELLED,
        body=RetriesCancelBody,
        body_required=False,
        also=(409,),
        role=Role.OPERATOR,
    ),
)
async def cancel_retries(request: Request, group: str, name: str) -> Response:
    """Cancel its runs that failed and wait for their next attempt; those that run go on."""
    query = _CHANGE.read(request)
    body = await read_body(request, RetriesCancelBody, default=RetriesCancelBody())
    number = await engine_of(request).cancel_retries(
        f"{group}/{name}", reason=body.reason, expect_id=query["expect_id"]
    )
    return json_answer({"cancelled": number})
