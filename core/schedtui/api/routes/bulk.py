"""One command to many jobs at once, by a filter."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import read_body
from schedtui.api.context import engine_of
from schedtui.api.query import NONE
from schedtui.api.replay import key_in
from schedtui.api.router import Router
from schedtui.api.schemas import BulkPauseBody, describe, page_of, ref
from schedtui.client.idempotency import KEY_HEADER, REPLAY_HEADER
from schedtui.models import BulkAction, BulkOutcome, JobFilter, Role

router = Router(prefix="/api/v1/jobs", tags=["jobs"])

_OUTCOMES = page_of(ref(BulkOutcome))


@router.post(
    "/pause", openapi_extra=describe(NONE, _OUTCOMES, body=BulkPauseBody, role=Role.OPERATOR)
)
async def pause_jobs(request: Request) -> Response:
    """Pause every job of a group, with a tag or in a state; what became of it, job by job."""
    NONE.read(request)
    body = await read_body(request, BulkPauseBody)
    where = JobFilter(group=body.group, tag=body.tag, state=body.state)
    outcomes = await engine_of(request).bulk(
        BulkAction.PAUSE, where, reason=body.reason, until=body.until
    )
    return json_answer({"items": outcomes})


@router.post("/resume", openapi_extra=describe(NONE, _OUTCOMES, body=JobFilter, role=Role.OPERATOR))
async def resume_jobs(request: Request) -> Response:
    """Resume every job of a group, with a tag or in a state."""
    return await _all(request, BulkAction.RESUME)


@router.post(
    "/trigger",
    openapi_extra=describe(
        NONE, _OUTCOMES, body=JobFilter, headers=(KEY_HEADER,), role=Role.OPERATOR
    ),
)
async def trigger_jobs(request: Request) -> Response:
    """Run every job of a group, with a tag or in a state, now; with the runs that came of it.

    With an `Idempotency-Key` each job is run once for it within a day: the outcome of one that was
    run before is `replayed`, and one that came to fit since is run.
    """
    return await _all(request, BulkAction.TRIGGER, key_in(request))


@router.post("/delete", openapi_extra=describe(NONE, _OUTCOMES, body=JobFilter))
async def delete_jobs(request: Request) -> Response:
    """Delete every job of a group, with a tag or in a state; those of the code are refused."""
    return await _all(request, BulkAction.DELETE)


async def _all(request: Request, action: BulkAction, key: str | None = None) -> Response:
    NONE.read(request)
    where = await read_body(request, JobFilter)
    outcomes = await engine_of(request).bulk(action, where, idempotency_key=key)
    replayed = bool(outcomes) and all(one.replayed for one in outcomes)
    headers = {REPLAY_HEADER: "true"} if replayed else {}
    return json_answer({"items": outcomes}, headers=headers)
