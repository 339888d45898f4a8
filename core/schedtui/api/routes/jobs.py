"""Jobs."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import no_body, read_body
from schedtui.api.context import engine_of
from schedtui.api.headers import IF_MATCH, answer_header, version_in
from schedtui.api.job_filter import FILTER, filter_in
from schedtui.api.query import CURSOR, EXPECT_ID, NONE, Params, limit, text, whole
from schedtui.api.replay import key_in, run_answer
from schedtui.api.router import Router
from schedtui.api.schemas import (
    CANCELLED,
    JobPutBody,
    PauseBody,
    RetriesCancelBody,
    TriggerBody,
    describe,
    page_of,
    ref,
)
from schedtui.client.idempotency import KEY_HEADER, REPLAY_HEADER
from schedtui.client.local import MAX_PAGE
from schedtui.errors import ConflictError, JobNotFoundError, VersionConflictError
from schedtui.models import Explanation, Job, JobPatch, JobSpec, Preview, Role, Run
from schedtui.protocols import EngineClient

router = Router(prefix="/api/v1/jobs", tags=["jobs"])

_LIST = Params(*FILTER, limit(), CURSOR)
_CHANGE = Params(EXPECT_ID)
_NEXT = Params(whole("count", low=1, high=MAX_PAGE, default=5, about="How many due times at most"))
_EXPLAIN = Params(
    text(
        "at",
        about="The moment, in the job's zone: `9:00`, `yesterday 9:00`, `2026-12-24 18:00`, ISO "
        "8601; left out: the newest due time",
    )
)
_JOB = "/{group}/{name}"
_EDIT = describe(_CHANGE, ref(Job), body=JobPatch, headers=(IF_MATCH,), also=(409, 412))
_DELETE = describe(_CHANGE, status=204, headers=(IF_MATCH,), also=("static-job", "other-job", 412))
_CREATE = describe(
    NONE, ref(Job), status=201, body=JobSpec, headers=(KEY_HEADER,), also=(409,), location=True
)
_PUT = describe(NONE, ref(Job), body=JobPutBody, headers=(IF_MATCH,), also=(409, 412))
_PUT["responses"]["201"] = {
    "description": "Created",
    "headers": {"Location": answer_header("Location")},
    "content": {"application/json": {"schema": ref(Job)}},
}
_REVERT = describe(_CHANGE, ref(Job), headers=(IF_MATCH,), also=("not-declared", 412))
_RESUME = describe(
    _CHANGE, ref(Job), headers=(IF_MATCH,), also=("other-job", 412), role=Role.OPERATOR
)
_PAUSE = describe(
    _CHANGE,
    ref(Job),
    body=PauseBody,
    body_required=False,
    headers=(IF_MATCH,),
    also=("other-job", 412),
    role=Role.OPERATOR,
)
_TRIGGER = describe(
    _CHANGE,
    ref(Run),
    status=202,
    body=TriggerBody,
    body_required=False,
    headers=(KEY_HEADER,),
    location=True,
    role=Role.OPERATOR,
)


@router.get("", openapi_extra=describe(_LIST, page_of(ref(Job))))
async def list_jobs(request: Request) -> Response:
    """Jobs in the order of their ids; every filter that is given must hold."""
    query = _LIST.read(request)
    page = await engine_of(request).jobs(
        filter_in(query), limit=query["limit"], cursor=query["cursor"]
    )
    return json_answer(page)


@router.post("", status_code=201, openapi_extra=_CREATE)
async def create_job(request: Request) -> Response:
    """Create a job: 201, or 409 where its name is taken."""
    NONE.read(request)
    key = key_in(request)
    spec = await read_body(request, JobSpec)
    job = await engine_of(request).create_job(spec, idempotency_key=key)
    place = f"{request.url.path}/{quote(job.group, safe='')}/{quote(job.name, safe='')}"
    return _job_answer(job, status=201, location=place)


@router.get(_JOB, openapi_extra=describe(NONE, ref(Job)))
async def read_job(request: Request, group: str, name: str) -> Response:
    """One job; its version is the answer's ETag."""
    NONE.read(request)
    return _job_answer(await engine_of(request).job(f"{group}/{name}"))


@router.put(_JOB, openapi_extra=_PUT)
async def put_job(request: Request, group: str, name: str) -> Response:
    """Create the job of this name (201), or let the one that has it be this, in place (200).

    Its id, its history and a pause stay, and where it is the same already nothing happens; so the
    call can be sent again. 409 where it is declared in code: that one is edited instead.
    """
    NONE.read(request)
    version = version_in(request)
    body = await read_body(request, JobPutBody)
    fields = {one.name: getattr(body, one.name) for one in dataclasses.fields(body)}
    engine = engine_of(request)
    spec = JobSpec(group=group, name=name, **fields)
    if version is None and IF_MATCH in request.headers:
        await _there(engine, f"{group}/{name}")
    elif version is None:
        with suppress(ConflictError):  # there is one
            job = await engine.create_job(spec)
            return _job_answer(job, status=201, location=quote(request.url.path))
    return _job_answer(await engine.create_job(spec, replace=True, version=version))


async def _there(engine: EngineClient, job: str) -> None:
    """Keep ``If-Match: *``, as https://www.rfc-editor.org/rfc/rfc9110#name-if-match says.

    Raises:
        VersionConflictError: there is no such job.
    """
    try:
        await engine.job(job)
    except JobNotFoundError:
        raise VersionConflictError(
            f"there is no job {job} to replace; nothing was done: leave If-Match out to create it"
        ) from None


@router.patch(_JOB, openapi_extra=_EDIT)
async def edit_job(request: Request, group: str, name: str) -> Response:
    """Change what is given and not null. With `If-Match: "<version>"`: 412 where it has changed."""
    query = _CHANGE.read(request)
    version = version_in(request)
    patch = await read_body(request, JobPatch)
    job = await engine_of(request).edit_job(
        f"{group}/{name}", patch, version=version, expect_id=query["expect_id"]
    )
    return _job_answer(job)


@router.delete(_JOB, status_code=204, openapi_extra=_DELETE)
async def delete_job(request: Request, group: str, name: str) -> Response:
    """Delete a job: queued runs are cancelled, running ones finish, its history stays."""
    query = _CHANGE.read(request)
    await no_body(request)
    await engine_of(request).delete_job(
        f"{group}/{name}", version=version_in(request), expect_id=query["expect_id"]
    )
    return Response(status_code=204)


@router.post(f"{_JOB}/trigger", status_code=202, openapi_extra=_TRIGGER)
async def trigger_job(request: Request, group: str, name: str) -> Response:
    """Run it now, once; the answer is the run, which overlap or `run_once_key` may have skipped.

    With an `Idempotency-Key` the same call starts nothing for a day after the first one: it is
    answered with the run of that, and with `Idempotent-Replay: true`; 409 where that one had other
    arguments.
    """
    query = _CHANGE.read(request)
    key = key_in(request)
    body = await read_body(request, TriggerBody, default=TriggerBody())
    run = await engine_of(request).trigger_job(
        f"{group}/{name}",
        kwargs=body.kwargs,
        idempotency_key=key,
        expect_id=query["expect_id"],
    )
    return run_answer(run, request)


@router.post(f"{_JOB}/pause", openapi_extra=_PAUSE)
async def pause_job(request: Request, group: str, name: str) -> Response:
    """Stop claiming its due times, until somebody resumes it, or until a moment."""
    query = _CHANGE.read(request)
    version = version_in(request)
    body = await read_body(request, PauseBody, default=PauseBody())
    job = await engine_of(request).pause_job(
        f"{group}/{name}",
        reason=body.reason,
        until=body.until,
        version=version,
        expect_id=query["expect_id"],
    )
    return _job_answer(job)


@router.post(f"{_JOB}/resume", openapi_extra=_RESUME)
async def resume_job(request: Request, group: str, name: str) -> Response:
    """Claim its due times again, from now on."""
    query = _CHANGE.read(request)
    await no_body(request)
    job = await engine_of(request).resume_job(
        f"{group}/{name}", version=version_in(request), expect_id=query["expect_id"]
    )
    return _job_answer(job)


@router.post(f"{_JOB}/revert", openapi_extra=_REVERT)
async def revert_job(request: Request, group: str, name: str) -> Response:
    """Let a job that is declared in code be what the code says; 409 where it is not declared."""
    query = _CHANGE.read(request)
    await no_body(request)
    job = await engine_of(request).revert_job(
        f"{group}/{name}", version=version_in(request), expect_id=query["expect_id"]
    )
    return _job_answer(job)


@router.post(
    f"{_JOB}/retries/cancel",
    openapi_extra=describe(
        _CHANGE,
        CANCELLED,
        body=RetriesCancelBody,
        body_required=False,
        also=("other-job",),
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


@router.get(f"{_JOB}/next", openapi_extra=describe(_NEXT, ref(Preview)))
async def next_due(request: Request, group: str, name: str) -> Response:
    """Its next due times, in its own zone and in UTC."""
    query = _NEXT.read(request)
    return json_answer(await engine_of(request).next_due(f"{group}/{name}", count=query["count"]))


@router.get(f"{_JOB}/explain", openapi_extra=describe(_EXPLAIN, ref(Explanation)))
async def explain_job(request: Request, group: str, name: str) -> Response:
    """Why it ran, or did not, at a moment; also of a job that was deleted."""
    query = _EXPLAIN.read(request)
    return json_answer(await engine_of(request).explain(f"{group}/{name}", query["at"]))


def _job_answer(job: Job, *, status: int = 200, location: str = "") -> Response:
    headers = {"ETag": f'"{job.version}"'}
    if location:
        headers["Location"] = location
    if job.replayed:
        headers[REPLAY_HEADER] = "true"
    return json_answer(job, status=status, headers=headers)
