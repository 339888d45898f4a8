"""Runs for due times of the past."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import read_body
from schedtui.api.context import engine_of
from schedtui.api.query import EXPECT_ID, Params
from schedtui.api.replay import key_in
from schedtui.api.router import Router
from schedtui.api.schemas import CANCELLED, BackfillBody, BackfillCancelBody, describe, ref
from schedtui.client.idempotency import KEY_HEADER, REPLAY_HEADER
from schedtui.models import Backfill, Role

router = Router(prefix="/api/v1/jobs/{group}/{name}/backfill", tags=["jobs"])

_CHANGE = Params(EXPECT_ID)
_BACKFILL = describe(
    _CHANGE,
    ref(Backfill),
    status=202,
    body=BackfillBody,
    headers=(KEY_HEADER,),
    also=("used-key",),
    role=Role.OPERATOR,
)


@router.post(
    "",
    status_code=202,
    openapi_extra=_BACKFILL,
)
async def backfill_job(request: Request, group: str, name: str) -> Response:
    """Queue a run for each due time of a range: all of them, or none; 200 after a dry run.

    An `Idempotency-Key` does what it does for the trigger of a job.
    """
    query = _CHANGE.read(request)
    key = key_in(request)
    body = await read_body(request, BackfillBody)
    answer = await engine_of(request).backfill_job(
        f"{group}/{name}",
        body.start,
        body.end,
        limit=body.limit,
        again=body.again,
        kwargs=body.kwargs,
        dry_run=body.dry_run,
        idempotency_key=key,
        expect_id=query["expect_id"],
    )
    headers = {REPLAY_HEADER: "true"} if answer.replayed else {}
    return json_answer(answer, status=200 if body.dry_run else 202, headers=headers)


@router.post(
    "/cancel",
    openapi_extra=describe(
        _CHANGE,
        CANCELLED,
        body=BackfillCancelBody,
        body_required=False,
        also=("other-job",),
        role=Role.OPERATOR,
    ),
)
async def cancel_backfill(request: Request, group: str, name: str) -> Response:
    """Cancel all its queued backfill runs; those that run go on."""
    query = _CHANGE.read(request)
    body = await read_body(request, BackfillCancelBody, default=BackfillCancelBody())
    number = await engine_of(request).cancel_backfill(
        f"{group}/{name}", reason=body.reason, expect_id=query["expect_id"]
    )
    return json_answer({"cancelled": number})
