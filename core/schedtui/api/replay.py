"""Calls with an idempotency key: the key from the request, and what the answer says of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from schedtui.api.answers import json_answer
from schedtui.client.idempotency import KEY_HEADER, REPLAY_HEADER, key_of
from schedtui.errors import InvalidError
from schedtui.models import Run


def key_in(request: Request) -> str | None:
    """The key of a request; None where it has none.

    Raises:
        InvalidError: it cannot be a key, or there are two.
    """
    headers = request.headers.getlist(KEY_HEADER)
    if len(headers) > 1:
        raise InvalidError.one(KEY_HEADER, ", ".join(headers), "the header once")
    return key_of(headers[0]) if headers else None


def run_answer(run: Run, request: Request) -> Response:
    """202 with the run that a call started, or that an earlier one with its key did."""
    # A service may have the API below a prefix of its own.
    root = request.scope.get("root_path", "")
    headers = {"Location": f"{root}/api/v1/runs/{run.id}"}
    if run.replayed:
        headers[REPLAY_HEADER] = "true"
    return json_answer(run, status=202, headers=headers)
