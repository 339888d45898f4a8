"""Headers of requests that calls read, and of their answers, as the API's description has them."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.requests import Request

from schedtui.client.idempotency import KEY_HEADER, REPLAY_HEADER
from schedtui.errors import InvalidError
from schedtui.models.names import MAX_KEY

IF_MATCH: Final = "If-Match"
_PRECONDITIONS: Final = (IF_MATCH, "If-None-Match", "If-Unmodified-Since")
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LAST_EVENT: Final = "Last-Event-ID"
LAST_LINE: Final = "Last-Event-ID: line"
"""The same header, where events are numbered lines."""

_KEY: Final = r'^([!#-~][ -~]*|"([ !#-\[\]-~]|\\["\\])*[!#-\[\]-~]([ !#-\[\]-~]|\\["\\])*")$'

_REQUEST: Final[dict[str, dict[str, Any]]] = {
    KEY_HEADER: {
        "description": (
            "Makes the call safe to send again: for a day the same call with the same key starts "
            f"nothing more, and is answered as the first one was, with `{REPLAY_HEADER}: true`. "
            "Refused with 409 where the first one had other arguments. A string in double quotes, "
            "or bare."
        ),
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_KEY,
            "pattern": _KEY,
        },
        "example": "order-17",
    },
    IF_MATCH: {
        "description": (
            'The version that the job must still have, in quotes, as its `ETag` said: `"3"`; 412 '
            "where it has changed. `*`: whatever it has; no such header: likewise, and `PUT` makes "
            "it where there is none. A write that does not have it here refuses it: 422."
        ),
        "schema": {"type": "string", "pattern": r'^("[0-9]{1,18}"|\*)$'},
        "example": '"3"',
    },
    LAST_EVENT: {
        "description": "Where a stream that was cut goes on: the id of its last event.",
        "schema": {"type": "string", "pattern": r"^[!-~]{0,200}$"},
        "example": "2f6c1a90b3d4:118",
    },
    LAST_LINE: {
        "description": "Where a stream of lines that was cut goes on: the number of the last one.",
        "schema": {"type": "string", "pattern": r"^[0-9]{0,18}$"},
        "example": "17",
    },
}
_ANSWER: Final[dict[str, dict[str, Any]]] = {
    "ETag": {
        "description": "The job's version, for `If-Match`.",
        "schema": {"type": "string"},
        "example": '"3"',
    },
    "Location": {
        "description": "Where what was made can be read.",
        "schema": {"type": "string"},
        "example": "/api/v1/runs/4711",
    },
    REPLAY_HEADER: {
        "description": "`true` where an earlier call with the same key has done it all.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "1",
    },
    "WWW-Authenticate": {
        "description": "How to say who is calling.",
        "schema": {"type": "string"},
        "example": 'Bearer realm="schedtui"',
    },
    "Allow": {
        "description": "The methods that this address knows.",
        "schema": {"type": "string"},
        "example": "GET, POST",
    },
}


def request_header(name: str) -> dict[str, Any]:
    """A header of a request as a parameter of OpenAPI."""
    sent = name.partition(":")[0]
    return {"name": sent, "in": "header", "required": False, **_REQUEST[name]}


def answer_header(name: str) -> dict[str, Any]:
    """A header of an answer as OpenAPI wants it."""
    return dict(_ANSWER[name])


def refuse_unknown(request: Request) -> None:
    """Refuse a write with a precondition that its call does not know: it would not be kept.

    Raises:
        InvalidError: it has one.
    """
    if request.method in _READS:
        return
    said = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    known = {one["name"] for one in said.get("parameters", ())}
    for name in _PRECONDITIONS:
        if name in request.headers and name not in known:
            expected = "no such header: this call does not keep it"
            raise InvalidError.one(name, request.headers[name], expected)


def version_in(request: Request) -> int | None:
    """The version that ``If-Match`` names; None for any.

    Raises:
        InvalidError: it is no version.
    """
    headers = request.headers.getlist(IF_MATCH) or ["*"]
    header = headers[0].strip() if len(headers) == 1 else ", ".join(headers)
    if header == "*":
        return None
    found = re.fullmatch(r'"([0-9]{1,18})"', header)
    if found is None:
        raise InvalidError.one(IF_MATCH, header, 'the version in quotes, such as "3"')
    return int(found[1])
