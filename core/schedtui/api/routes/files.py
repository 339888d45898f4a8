"""Jobs as code: the jobs as a file, what one would change, and the revisions."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import read_body
from schedtui.api.context import engine_of
from schedtui.api.query import CURSOR, NONE, Params, limit, path_id
from schedtui.api.router import Router
from schedtui.api.schemas import ApplyBody, PlanBody, RollbackBody, describe, page_of, ref
from schedtui.errors import InvalidError, RevisionNotFoundError
from schedtui.models import Applied, JobsText, Plan, Revision, Role

router = Router(prefix="/api/v1", tags=["jobs as code"])

_LIST = Params(limit(), CURSOR)


@router.get("/export", openapi_extra=describe(NONE, ref(JobsText)))
async def export_jobs(request: Request) -> Response:
    """The jobs as a TOML file: those made at run time, and what was changed of those in code."""
    NONE.read(request)
    return json_answer(await engine_of(request).export_jobs())


@router.post(
    "/plan",
    openapi_extra=describe(NONE, ref(Plan), body=PlanBody, also=("no-revision",), role=Role.VIEWER),
)
async def plan_jobs(request: Request) -> Response:
    """What a file, or going back to a revision, would change; 422 with all that is wrong in it."""
    NONE.read(request)
    body = await read_body(request, PlanBody)
    source = body.text if body.text is not None else body.revision
    if source is None or (body.text is not None and body.revision is not None):
        raise InvalidError.one("text", body.text, "either text or revision")
    return json_answer(await engine_of(request).plan_jobs(source))


@router.post(
    "/apply", openapi_extra=describe(NONE, ref(Applied), body=ApplyBody, also=("other-jobs",))
)
async def apply_jobs(request: Request) -> Response:
    """Make the jobs what a file says, in one transaction; 409 where `plan` does not hold any more.

    A job that is not in the file is deleted, and one in code becomes what its code says.
    `revision` is null where nothing differed.
    """
    NONE.read(request)
    body = await read_body(request, ApplyBody)
    applied = await engine_of(request).apply_jobs(body.text, note=body.note, plan=body.plan)
    return json_answer(applied)


@router.post(
    "/rollback",
    openapi_extra=describe(
        NONE, ref(Applied), body=RollbackBody, also=("no-revision", "other-jobs")
    ),
)
async def rollback_jobs(request: Request) -> Response:
    """Make the jobs what they were at a revision, by a new one; 404 where there is none such."""
    NONE.read(request)
    body = await read_body(request, RollbackBody)
    applied = await engine_of(request).rollback_jobs(body.revision, note=body.note, plan=body.plan)
    return json_answer(applied)


@router.get("/revisions", openapi_extra=describe(_LIST, page_of(ref(Revision))))
async def list_revisions(request: Request) -> Response:
    """The revisions, newest first, without their texts."""
    query = _LIST.read(request)
    page = await engine_of(request).revisions(limit=query["limit"], cursor=query["cursor"])
    return json_answer(page)


@router.get("/revisions/{number}", openapi_extra=describe(NONE, ref(Revision)))
async def read_revision(request: Request, number: str) -> Response:
    """One revision with its text: all jobs from then on, as a file."""
    NONE.read(request)
    found = path_id("number", number)
    if found is None:
        raise RevisionNotFoundError(number)
    return json_answer(await engine_of(request).revision(found))
