"""Functions: what there is to run, and running one without a job."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import read_body
from schedtui.api.context import engine_of
from schedtui.api.problems import problem_response
from schedtui.api.query import NONE, Params, text
from schedtui.api.replay import key_in, run_answer
from schedtui.api.router import Router
from schedtui.api.schemas import RunBody, describe, page_of, ref
from schedtui.client.idempotency import KEY_HEADER
from schedtui.client.problems import to_problem
from schedtui.errors import FunctionNotFoundError
from schedtui.models import FunctionInfo, Run

router = Router(prefix="/api/v1/functions", tags=["functions"])

_LIST = Params(text("group", about="Only those of this group"))


@router.get("", openapi_extra=describe(_LIST, page_of(ref(FunctionInfo)), also=("no-group",)))
async def read_functions(request: Request) -> Response:
    """The registered functions with the JSON schema of their arguments, sorted by name."""
    query = _LIST.read(request)
    return json_answer({"items": await engine_of(request).functions(query["group"])})


@router.post(
    "/{group}/{name}/run",
    status_code=202,
    openapi_extra=describe(
        NONE,
        ref(Run),
        status=202,
        body=RunBody,
        body_required=False,
        headers=(KEY_HEADER,),
        location=True,
    ),
)
async def run_function(request: Request, group: str, name: str) -> Response:
    """Run it now, once, without a job; the answer is the run.

    An `Idempotency-Key` does what it does for the trigger of a job.
    """
    NONE.read(request)
    key = key_in(request)
    body = await read_body(request, RunBody, default=RunBody())
    try:
        run = await engine_of(request).run_function(
            f"{group}/{name}", body.kwargs, idempotency_key=key
        )
    except FunctionNotFoundError as error:
        # Elsewhere a function is named in a body; here the address itself is wrong.
        return problem_response({**to_problem(error), "status": 404})
    return run_answer(run, request)
