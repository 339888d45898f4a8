"""Runs and what they wrote."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import no_body, read_body
from schedtui.api.context import engine_of, stream_of
from schedtui.api.examples import EXAMPLES
from schedtui.api.headers import LAST_EVENT, LAST_LINE
from schedtui.api.query import (
    CURSOR,
    NONE,
    Params,
    flag,
    limit,
    member,
    moment,
    path_id,
    text,
    whole,
)
from schedtui.api.replay import key_in, run_answer
from schedtui.api.router import Router
from schedtui.api.routes.events import error_frame
from schedtui.api.schemas import CancelBody, describe, events_of, page_of, ref
from schedtui.client.closing import closing
from schedtui.client.http_json import dump
from schedtui.client.idempotency import KEY_HEADER
from schedtui.client.local import MAX_LINES
from schedtui.client.sse import frame
from schedtui.errors import InvalidError, RunNotFoundError, SchedtuiError
from schedtui.models import LogHit, LogPage, Role, Run, RunFilter, RunState, Source
from schedtui.models.wire import to_wire
from schedtui.protocols import EngineClient

router = Router(prefix="/api/v1", tags=["runs"])

FILTER = (
    text("job", about="Only those of this job, `group/name`", pattern="^[^/]+/[^/]+$"),
    whole("job_id", about="Only those of the job with this id"),
    text(
        "group",
        about="Only those of its jobs; with `dead` also of functions without a job",
    ),
    text("tag", about="Only those of living jobs that have this tag"),
    member("state", RunState, about="Only those in this state"),
    member("source", Source, about="Only those that came about so"),
    moment("since", about="Only those claimed then or later"),
    moment("until", about="Only those claimed before then"),
    text("function", about="Only those of this function, `group/name`"),
    text("error_type", about="Only those that ended with this error, such as `ValueError`"),
    flag("dead", about="Only dead letters: failed, and neither replayed nor dismissed since"),
)
"""The parameters that say which runs are meant."""
_LIST = Params(*FILTER, limit(), CURSOR)
_LOGS = Params(
    whole("after", default=0, about="Only lines with a higher number"),
    limit(default=1_000, high=MAX_LINES),
    whole("tail", low=1, high=MAX_LINES, about="The last lines, so many; not with `after`"),
    flag("follow", about="Whether to go on with the lines to come, as a stream of events"),
)
_SEARCH = Params(
    text("q", about="The words, each of which a line must hold", required=True), limit()
)
_DETAIL = ref("RunDetail")
_READ_LOGS = describe(_LOGS, ref(LogPage), headers=(LAST_LINE,))
_READ_LOGS["responses"]["200"]["content"]["text/event-stream"] = {
    "schema": events_of(("lines", "error"), LogPage),
    "example": {"event": "lines", "id": "1", "data": dump(EXAMPLES["LogPage"]).decode("ascii")},
}


@router.get("/runs", openapi_extra=describe(_LIST, page_of(ref(Run)), also=(404,)))
async def list_runs(request: Request) -> Response:
    """The history, newest first; every filter that is given must hold."""
    query = _LIST.read(request)
    engine = engine_of(request)
    where = filter_of(query)
    return json_answer(await engine.runs(where, limit=query["limit"], cursor=query["cursor"]))


@router.get("/runs/{run_id}", openapi_extra=describe(NONE, _DETAIL))
async def read_run(request: Request, run_id: str) -> Response:
    """One run, with its `attempts`."""
    NONE.read(request)
    engine = engine_of(request)
    run = await engine.run(_run_id(run_id))
    attempts = await engine.attempts(run.id)
    return json_answer({**to_wire(run), "attempts": to_wire(attempts)})


@router.post(
    "/runs/{run_id}/cancel",
    status_code=202,
    openapi_extra=describe(
        NONE,
        ref(Run),
        status=202,
        body=CancelBody,
        body_required=False,
        also=("run-ended",),
        role=Role.OPERATOR,
    ),
)
async def cancel_run(request: Request, run_id: str) -> Response:
    """End it before its time: 202 with the run, which may take a while to end; 409 where it has.

    One that is queued never starts. One that runs is asked to end; until it has, its `reason` says
    so. No retry follows.
    """
    NONE.read(request)
    body = await read_body(request, CancelBody, default=CancelBody())
    run = await engine_of(request).cancel_run(_run_id(run_id), reason=body.reason, force=body.force)
    return json_answer(run, status=202)


@router.post(
    "/runs/{run_id}/rerun",
    status_code=202,
    openapi_extra=describe(
        NONE,
        ref(Run),
        status=202,
        headers=(KEY_HEADER,),
        also=("run-not-ended",),
        location=True,
        role=Role.OPERATOR,
    ),
)
async def rerun(request: Request, run_id: str) -> Response:
    """Run the same once more; the answer is the new run, which overlap may have skipped.

    An `Idempotency-Key` does what it does for the trigger of a job.
    """
    NONE.read(request)
    await no_body(request)
    key = key_in(request)
    run = await engine_of(request).rerun(_run_id(run_id), idempotency_key=key)
    return run_answer(run, request)


@router.get("/runs/{run_id}/logs", openapi_extra=_READ_LOGS)
async def read_logs(request: Request, run_id: str) -> Response:
    """Lines of a run: those above `after`, or the last `tail` ones.

    With `follow=true` a stream of events named `lines` that ends with the run; each event's id is
    the number of its last line, which `Last-Event-ID` takes up again.
    """
    query = _LOGS.read(request)
    if query["tail"] is not None and "after" in request.query_params:
        raise InvalidError.one("tail", query["tail"], "either after or tail, not both")
    run = _run_id(run_id)
    engine = engine_of(request)
    resumed = _resumed(request, query)
    if query["follow"]:
        await engine.run(run)  # so that what is not there is a 404 and not a stream
        frames = _follow(engine, run, resumed)
        return stream_of(request, frames)
    if query["tail"] is not None:
        return json_answer(await engine.log_tail(run, count=query["tail"]))
    return json_answer(await engine.logs(run, after=query["after"], limit=query["limit"]))


@router.get("/logs", openapi_extra=describe(_SEARCH, page_of(ref(LogHit))))
async def search_logs(request: Request) -> Response:
    """Lines of all runs that hold every word of `q`, newest run first."""
    query = _SEARCH.read(request)
    return json_answer(
        {"items": await engine_of(request).search_logs(query["q"], limit=query["limit"])}
    )


def filter_of(query: Mapping[str, Any]) -> RunFilter:
    """Which runs are meant, by the values of `FILTER`.

    Raises:
        InvalidError: a job is named in two ways.
    """
    if query["job"] is not None and query["job_id"] is not None:
        raise InvalidError.one("job_id", query["job_id"], "either job or job_id, not both")
    return RunFilter(
        job_id=query["job_id"],
        job=query["job"],
        group=query["group"],
        tag=query["tag"],
        state=query["state"],
        source=query["source"],
        since=query["since"],
        until=query["until"],
        function=query["function"],
        error_type=query["error_type"],
        dead=query["dead"],
    )


def _run_id(value: str) -> int:
    run_id = path_id("run_id", value)
    if run_id is None:
        raise RunNotFoundError(value)
    return run_id


def _resumed(request: Request, query: dict[str, Any]) -> dict[str, Any]:
    header = request.headers.get(LAST_EVENT)
    if not header:
        return query
    seen = path_id(LAST_EVENT, header)
    if seen is None:
        raise InvalidError.one(LAST_EVENT, header, "the number of a line")
    return {**query, "after": seen, "tail": None}


async def _follow(
    engine: EngineClient, run_id: int, query: dict[str, Any]
) -> AsyncGenerator[bytes]:
    yield frame([])
    after = query["after"]
    try:
        if query["tail"] is not None:
            page = await engine.log_tail(run_id, count=query["tail"])
            yield _page_frame(page, after)
            if page.done:
                return
            after = page.lines[-1].seq if page.lines else after
        async with closing(engine.follow(run_id, after=after)) as pages:
            async for page in pages:
                yield _page_frame(page, after)
                after = page.lines[-1].seq if page.lines else after
    except SchedtuiError as error:
        yield error_frame(error)


def _page_frame(page: LogPage, after: int) -> bytes:
    last = page.lines[-1].seq if page.lines else after
    head = dump({"last": page.last, "done": page.done, "dropped": page.dropped})
    rows = [dump(line) + b"," for line in page.lines]
    if rows:
        rows[-1] = rows[-1][:-1]
    return frame([head[:-1] + b',"lines":[', *rows, b"]}"], event="lines", id_=str(last))
