"""Problem documents (RFC 9457) as answers; the table of statuses is `schedtui.client.problems`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from schedtui.client.http_json import dump_finite
from schedtui.client.problems import TYPE_PREFIX, to_problem
from schedtui.errors import SchedtuiError, UnauthorizedError, UnavailableError

MEDIA_TYPE = "application/problem+json"
FACE: Final = "/task-manager"
"""Below it errors are told as those of FastAPI, ``{"detail": …}``, and not as problems."""

_log = logging.getLogger(__name__)


class ProblemError(Exception):
    """A request that is wrong as HTTP, before it means anything to an engine."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        *,
        retryable: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.retryable = retryable
        self.headers = dict(headers or {})


def problem_response(
    problem: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that carries ``problem``."""
    return Response(
        dump_finite(problem),
        status_code=problem["status"],
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def response_for(error: Exception, scope: Scope) -> Response:
    """The answer to a request that ended with ``error``; the unforeseen shows nothing of itself.

    It has the form that the clients of its address know.
    """
    answer = _problem_for(error)
    if not path_of(scope).startswith(f"{FACE}/"):
        return answer
    detail = json.loads(bytes(answer.body))["detail"]
    kept = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"content-type", "content-length"}
    }
    return Response(
        dump_finite({"detail": detail}),
        status_code=answer.status_code,
        headers=kept,
        media_type="application/json",
    )


def path_of(scope: Scope) -> str:
    """The path of a request, without what a service has the API below."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _problem_for(error: Exception) -> Response:
    if isinstance(error, SchedtuiError):
        headers = {}
        if isinstance(error, UnauthorizedError):
            headers["WWW-Authenticate"] = 'Bearer realm="schedtui"'
        if isinstance(error, UnavailableError):
            headers["Retry-After"] = "1"
        return problem_response(to_problem(error), headers)
    if isinstance(error, ProblemError):
        problem = plain_problem(error.status, error.slug, str(error), retryable=error.retryable)
        return problem_response(problem, error.headers)
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        slug, detail = _HTTP_ERRORS.get(error.status_code, (phrase, error.detail))
        return problem_response(plain_problem(error.status_code, slug, detail), error.headers)
    _log.error("a request failed", exc_info=error)
    detail = "the engine failed inside while it answered; its log says more"
    return problem_response(plain_problem(500, "internal", detail))


_HTTP_ERRORS = {
    404: ("no-such-call", "there is no such call; /api/v1/openapi.json lists those that exist"),
    405: ("wrong-method", "this address knows other methods only; see the Allow header"),
}


def plain_problem(
    status: int, slug: str, detail: str, *, retryable: bool = False
) -> dict[str, Any]:
    """A problem document without fields."""
    return {
        "type": TYPE_PREFIX + slug,
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "errors": [],
        "retryable": retryable,
    }


async def on_error(request: Request, error: Exception) -> Response:
    """The exception handler of the application."""
    response = response_for(error, request.scope)
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    return response


def _methods_at(request: Request) -> set[str]:
    """All that the address knows; the router names those of one of its routes."""
    found: set[str] = set()
    for route in _routes_of(request.app.router):
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found


def _routes_of(router: Any) -> Iterator[Route]:
    for one in router.routes:
        if isinstance(one, Route):
            yield one
        elif (below := getattr(one, "original_router", None)) is not None:
            yield from _routes_of(below)  # a router that FastAPI included as a whole
