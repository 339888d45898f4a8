"""The engine itself: its health, its groups and defaults, its job table, its audit trail."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer, snapshot_answer
from schedtui.api.body import no_body, read_body
from schedtui.api.context import context_of, engine_of
from schedtui.api.examples import EXAMPLES
from schedtui.api.job_filter import FILTER, filter_in
from schedtui.api.query import CURSOR, NONE, Params, limit, moment, text
from schedtui.api.router import Router
from schedtui.api.schemas import EnginePauseBody, describe, page_of, ref
from schedtui.client.http_codec import COLUMNS
from schedtui.errors import UnavailableError
from schedtui.models import (
    AuditEvent,
    AuditFilter,
    Defaults,
    EngineInfo,
    Health,
    JobSummary,
    Reload,
    Role,
)

health = Router(tags=["health"])
router = Router(prefix="/api/v1", tags=["engine"])

_TABLE = Params(*FILTER)
_AUDIT = Params(
    text("actor", about="Only what they did, as the trail names them: `token:ci`"),
    text("action", about="Only this, as `job.edit`; `job.*` is all that begins so"),
    text("object", about="Only what was done to this: `group/name` of a job"),
    moment("since", about="Only what was done then or later"),
    moment("until", about="Only what was done before then"),
    limit(),
    CURSOR,
)
_SAYS = {
    "ok": True,
    "status": Health.OK.value,
    "last_tick_age_s": 0.2,
    "given_up": {},
}
_HEALTH_SCHEMA = {
    "type": "object",
    "required": list(_SAYS),
    "properties": {
        "ok": {"type": "boolean", "description": "Whether it runs."},
        "status": {
            "type": "string",
            "enum": [one.value for one in Health],
            "description": "`degraded`: it runs, and something needs attention.",
        },
        "last_tick_age_s": {
            "type": ["number", "null"],
            "description": "Seconds since the tick last ran; null where it is stopped.",
        },
        "given_up": {
            "type": "object",
            "additionalProperties": {"type": "integer"},
            "description": "Functions that were let go and are still at work, by executor.",
        },
    },
    "examples": [_SAYS],
}
_HEALTH = {**describe(NONE, _HEALTH_SCHEMA), "security": []}
_HEALTH["responses"]["503"] = {
    "description": "It is stopped",
    "content": {
        "application/json": {
            "schema": _HEALTH_SCHEMA,
            "example": {
                "ok": False,
                "status": Health.STOPPED.value,
                "last_tick_age_s": None,
                "given_up": {},
            },
        }
    },
}
_GROUPS = {**page_of({"type": "string"}), "examples": [{"items": ["Reports", "Shop"]}]}
_SNAPSHOT = {
    "type": "object",
    "required": ["engine", "cursor", "columns", "rows"],
    "properties": {
        "engine": ref(EngineInfo),
        "cursor": {"type": "string", "description": "From here events go on."},
        "columns": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The name of each cell of a row.",
        },
        "rows": {"type": "array", "items": ref(JobSummary)},
    },
    "examples": [
        {
            "engine": EXAMPLES["EngineInfo"],
            "cursor": "2f6c1a90b3d4:118",
            "columns": list(COLUMNS),
            "rows": [EXAMPLES["JobSummary"]],
        }
    ],
}


@health.head("/health", include_in_schema=False)
@health.get("/health", openapi_extra=_HEALTH)
async def read_health(request: Request) -> Response:
    """Whether the engine works; for everyone, so it tells no more than that.

    `given_up` counts functions, by executor, that were let go and are still at work.
    """
    NONE.read(request)
    try:
        info = await engine_of(request).info()
    except UnavailableError:
        return _health(Health.STOPPED, None, {})
    return _health(info.health, info.last_tick_age_s, info.given_up)


@health.head("/ready", include_in_schema=False)
@health.get("/ready", openapi_extra=_HEALTH)
async def read_ready(request: Request) -> Response:
    """Whether to send it requests: 200 from its start to its end, else 503."""
    return await read_health(request)


def _health(status: Health, age_s: float | None, given_up: Mapping[str, int]) -> Response:
    ok = status is not Health.STOPPED
    body = {"ok": ok, "status": status, "last_tick_age_s": age_s, "given_up": dict(given_up)}
    return json_answer(body, status=200 if ok else 503, headers={"Cache-Control": "no-store"})


@router.get("/engine", openapi_extra=describe(NONE, ref(EngineInfo)))
async def read_engine(request: Request) -> Response:
    """The engine at this moment."""
    NONE.read(request)
    return json_answer(await engine_of(request).info())


@router.post("/reload", openapi_extra=describe(NONE, ref(Reload), also=("no-reload",)))
async def reload_code(request: Request) -> Response:
    """Load the code of the engine's target again; 403 where it is part of another program.

    Broken code is no error of this call: `ok` says whether the files run now, and `modules` what
    became of each.
    """
    NONE.read(request)
    await no_body(request)
    return json_answer(await engine_of(request).reload())


@router.post(
    "/engine/pause",
    openapi_extra=describe(
        NONE, ref(EngineInfo), body=EnginePauseBody, body_required=False, role=Role.OPERATOR
    ),
)
async def pause_engine(request: Request) -> Response:
    """Claim nothing more, of no job; over restarts too. Manual triggers still work."""
    NONE.read(request)
    body = await read_body(request, EnginePauseBody, default=EnginePauseBody())
    return json_answer(await engine_of(request).pause_engine(reason=body.reason))


@router.post("/engine/resume", openapi_extra=describe(NONE, ref(EngineInfo), role=Role.OPERATOR))
async def resume_engine(request: Request) -> Response:
    """Claim again, from now on; what was due in between is skipped."""
    NONE.read(request)
    await no_body(request)
    return json_answer(await engine_of(request).resume_engine())


@router.get("/groups", openapi_extra=describe(NONE, _GROUPS))
async def read_groups(request: Request) -> Response:
    """The names of all groups, sorted."""
    NONE.read(request)
    return json_answer({"items": await engine_of(request).groups()})


@router.get("/defaults", openapi_extra=describe(NONE, ref(Defaults)))
async def read_defaults(request: Request) -> Response:
    """What jobs have of their groups and of their engine where they do not say it."""
    NONE.read(request)
    return json_answer(await engine_of(request).defaults())


@router.get("/snapshot", openapi_extra=describe(_TABLE, _SNAPSHOT))
async def read_snapshot(request: Request) -> Response:
    """All jobs as one table (`columns`, `rows`) and the `cursor` from which events go on.

    A row's `recent` is one flat list: state, duration in microseconds, state, duration … Every
    filter that is given must hold; events tell of all jobs all the same.
    """
    where = filter_in(_TABLE.read(request))
    return await snapshot_answer(
        request, await engine_of(request).snapshot(where), context_of(request).off_loop
    )


@router.get("/audit", openapi_extra=describe(_AUDIT, page_of(ref(AuditEvent))))
async def read_audit(request: Request) -> Response:
    """Who did what, newest first; every filter that is given must hold."""
    query = _AUDIT.read(request)
    page = {name: query.pop(name) for name in ("limit", "cursor")}
    return json_answer(await engine_of(request).audit(AuditFilter(**query), **page))
