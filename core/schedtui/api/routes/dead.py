"""Dead letters: runs that failed, and that nobody has replayed or dismissed since."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import read_body
from schedtui.api.context import engine_of
from schedtui.api.query import NONE
from schedtui.api.replay import key_in
from schedtui.api.schemas import DismissBody, ReplayBody, describe, ref
from schedtui.client.idempotency import KEY_HEADER, REPLAY_HEADER
from schedtui.errors import FieldError, InvalidError
from schedtui.models import Letters, Role, RunFilter

router = APIRouter(prefix="/api/v1/dead-letters", tags=["runs"])

_REPLAY = describe(
    NONE,
    ref(Letters),
    status=202,
    body=ReplayBody,
    headers=(KEY_HEADER,),
    also=(404, "used-key"),
    role=Role.OPERATOR,
)
_DISMISS = describe(NONE, ref(Letters), body=DismissBody, also=(404,), role=Role.OPERATOR)


@router.post("/replay", status_code=202, openapi_extra=_REPLAY)
async def replay_runs(request: Request) -> Response:
    """Run dead letters once more, by their ids or a filter; 200 after a dry run.

    Which there are says `GET /runs?dead=true`. They are queued behind everything else, all in one
    transaction; what cannot be replayed is told, letter by letter. An `Idempotency-Key` does what
    it does for the trigger of a job.
    """
    NONE.read(request)
    key = key_in(request)
    body = await read_body(request, ReplayBody)
    answer = await engine_of(request).replay_runs(
        _which(body),
        limit=body.limit,
        dry_run=body.dry_run,
        idempotency_key=key,
        groups=body.groups,
    )
    headers = {REPLAY_HEADER: "true"} if answer.replayed else {}
    return json_answer(answer, status=200 if body.dry_run else 202, headers=headers)


@router.post("/dismiss", openapi_extra=_DISMISS)
async def dismiss_runs(request: Request) -> Response:
    """Say of dead letters, by their ids or a filter, that nothing more is to be done."""
    NONE.read(request)
    body = await read_body(request, DismissBody)
    answer = await engine_of(request).dismiss_runs(
        _which(body),
        note=body.note,
        limit=body.limit,
        dry_run=body.dry_run,
        groups=body.groups,
    )
    return json_answer(answer)


def _which(body: ReplayBody | DismissBody) -> tuple[int, ...] | RunFilter:
    if (body.runs is None) == (body.where is None):
        expected = "either runs or where"
        error = FieldError(field="runs", got=body.runs, expected=expected)
        raise InvalidError(f"runs: expected {expected}; nothing was done", (error,))
    return body.where if body.runs is None and body.where is not None else body.runs or ()
