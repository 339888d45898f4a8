"""Bodies of requests: JSON, read strictly."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request

from schedtui.api.problems import ProblemError
from schedtui.client.http_json import parse
from schedtui.models.wire import from_wire

T = TypeVar("T")

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class _Nothing:
    """What a call is given that takes nothing."""


async def no_body(request: Request) -> None:
    """Refuse fields that the call does not have; an empty object has none.

    Raises:
        ProblemError: what came is not JSON, or not announced as such.
        InvalidError: it has fields; says which.
    """
    await read_body(request, _Nothing, default=_Nothing())


async def read_body(request: Request, cls: type[T], *, default: T | None = None) -> T:
    """The body as ``cls``, a dataclass.

    Args:
        request: Whose body it is.
        cls: What it has to be.
        default: For a request without a body; None where there must be one.

    Raises:
        ProblemError: it is not JSON, or not announced as such.
        InvalidError: its fields are wrong; says which.
    """
    data = b"".join([chunk async for chunk in request.stream()])
    if not data and default is not None:
        return default
    _check_type(request)
    try:
        value = parse(data)
        if _SURROGATE.search(data):
            _check_characters(value)
    except ValueError as error:
        raise ProblemError(400, "malformed-body", f"the body is {error}") from None
    return from_wire(cls, value)


def _check_characters(value: Any) -> None:
    # Half a surrogate pair is no character: neither a file nor a database can keep it.
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("not text: it holds half of a surrogate pair") from None


def _check_type(request: Request) -> None:
    header = request.headers.get("content-type", "")
    media = header.partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise ProblemError(
            415,
            "unsupported-media-type",
            f"the body's Content-Type is {media[:80] or 'missing'}; expected application/json",
        )
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise ProblemError(
            415, "unsupported-media-type", "compressed bodies are not taken: send it plain"
        )
