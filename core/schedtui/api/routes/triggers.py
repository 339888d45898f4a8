"""Triggers without a job."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.api.body import read_body
from schedtui.api.context import engine_of
from schedtui.api.query import NONE
from schedtui.api.router import Router
from schedtui.api.schemas import PreviewBody, describe, ref
from schedtui.client.local import MAX_PAGE
from schedtui.errors import InvalidError
from schedtui.models import Preview, Role

router = Router(prefix="/api/v1/triggers", tags=["triggers"])


@router.post(
    "/preview", openapi_extra=describe(NONE, ref(Preview), body=PreviewBody, role=Role.VIEWER)
)
async def preview_trigger(request: Request) -> Response:
    """What a trigger means, in words and as its next due times."""
    NONE.read(request)
    asked = await read_body(request, PreviewBody)
    if not 1 <= asked.count <= MAX_PAGE:
        raise InvalidError.one("count", asked.count, f"a whole number from 1 to {MAX_PAGE}")
    preview = await engine_of(request).preview(
        asked.trigger, timezone=asked.timezone, group=asked.group, count=asked.count
    )
    return json_answer(preview)
