"""The description of the API (OpenAPI 3.1): what FastAPI knows of the routes, completed.

What holds for a whole kind of call is said here once: the parameters of its path, and the errors
that it may end with.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from schedtui.api.bounds import NAME
from schedtui.api.components import components
from schedtui.api.error_examples import ERROR_EXAMPLES, USUAL, answer_of
from schedtui.api.examples import EXAMPLES
from schedtui.api.gate import PUBLIC
from schedtui.api.headers import answer_header
from schedtui.api.problems import FACE, MEDIA_TYPE
from schedtui.api.roles import SAID, usual
from schedtui.api.schemas import PREFIX, ref
from schedtui.api.task_manager.described import complete_face_call, face_response
from schedtui.client.idempotency import KEY_HEADER, REPLAY_HEADER

_ABOUT: Final = """\
Errors are problem documents (RFC 9457, `application/problem+json`), whatever their status: `detail`
says what failed and what to do, `errors` which field, `retryable` whether the same call may succeed
later. Below `/task-manager` they are `{"detail": …}` instead, as FastAPI has them. A parameter or a
field that a call does not know is refused, never passed over. An address answers a method that it
does not know with 405 and `Allow`, and one that is not listed here is 404.

Lists have pages: give `cursor` back for the next one. Times are ISO 8601 with an offset; seconds
are numbers and end in `_s`, integer microseconds in `_us`.

A call needs a token with a role: `viewer` to read, `operator` to steer (trigger, pause, resume,
cancel, run again, backfill), `admin` for the rest. `x-role` says which. What comes through the
engine's Unix socket is the same user's own and needs none."""

_TAGS: Final = {
    "health": "Whether it works; for everyone.",
    "engine": "The engine itself.",
    "functions": "What there is to run.",
    "jobs": "What runs when.",
    "triggers": "When, without a job.",
    "runs": "What ran, and what it wrote.",
    "events": "What changes, as it changes.",
    "jobs as code": "The jobs as a file, and what they were before.",
    "task-manager": "The calls of fastapi-task-manager, for its clients.",
}

_HEADERS: Final[dict[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}

_MISSING: Final = {
    "/runs/{run_id}": "no-run",
    "/revisions/{number}": "no-revision",
    "/functions/{group}": "no-function",
}
"""What 404 means of an address below these."""

_PATH: Final[dict[str, dict[str, Any]]] = {
    "group": {
        "description": "The group's name, percent-encoded.",
        "schema": {"type": "string", **NAME},
        "example": "Reports",
    },
    "number": {
        "description": "The revision's number.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
        "example": 17,
    },
    "name": {
        "description": "The name within its group, percent-encoded.",
        "schema": {"type": "string", **NAME},
        "example": "weekly",
    },
    "run_id": {
        "description": "The run's number.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
        "example": 4711,
    },
}

_LINKS: Final = (
    (
        "/jobs/{group}/{name}",
        {"group": "$response.body#/group", "name": "$response.body#/name"},
        "Job",
    ),
    ("/runs/{run_id}", {"run_id": "$response.body#/id"}, "Run"),
)
"""Of what a call answers with: the address below which it is, and its parameters."""


def complete(described: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's description with all that it does not know."""
    described["info"]["description"] = _ABOUT
    described["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
    for path, method, call in calls_of(described):
        _complete_call(call, path, method.upper())
    _link(described)
    described["components"] = {
        "schemas": components(),
        "responses": {
            **{name: _response(problem) for name, problem in ERROR_EXAMPLES.items()},
            **{f"task-{status}": _face_response(status) for status in USUAL},
        },
        "securitySchemes": {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "What `schedtui token create` printed.",
            }
        },
    }
    described["security"] = [{"token": []}]
    return described


def calls_of(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each call."""
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            yield path, method, call


def _complete_call(call: dict[str, Any], path: str, method: str) -> None:
    call["summary"] = call["summary"].capitalize()
    if path not in PUBLIC:
        call.setdefault(SAID, usual(method).value)
    if path.startswith(f"{FACE}/"):
        complete_face_call(call, _errors_of(call, path, method))
        return
    responses = call["responses"]
    responses.pop("422", None)  # FastAPI's own form of errors, which is never sent
    for parameter in call.get("parameters", ()):
        if parameter["in"] == "path":
            parameter.update(copy.deepcopy(_PATH.get(parameter["name"], {})))
    for name in _told_by(call, path, method):
        status, told = answer_of(name)
        responses.setdefault(status, told)
    for status, answer in responses.items():
        if status.startswith("2"):
            _complete_answer(answer, call)
    for content in call.get("requestBody", {}).get("content", {}).values():
        _give_example(content)


def _link(described: dict[str, Any]) -> None:
    """Say of what a call has made which others can be asked about it."""
    calls = list(calls_of(described))
    for kind, given, made in _LINKS:
        below = {
            call["operationId"]: {"operationId": call["operationId"], "parameters": dict(given)}
            for path, _, call in calls
            if kind in path
        }
        for path, _, call in calls:
            for status, answer in call["responses"].items():
                schemas = [one["schema"] for one in answer.get("content", {}).values()]
                if status.startswith("2") and kind not in path and ref(made) in schemas:
                    answer["links"] = below


def _errors_of(call: dict[str, Any], path: str, method: str) -> set[int]:
    found = {421, 422, 500}
    if path not in PUBLIC:
        # 403 also to who reads: a token of some groups. 502: where another process has the store.
        found |= {401, 403, 429, 502, 503}
    if "{" in path:
        found.add(404)
    if method != "GET":
        found |= {400, 408, 413, 415}
    if _has_key(call):
        found.add(409)
    return found


def _told_by(call: dict[str, Any], path: str, method: str) -> list[int | str]:
    """The errors that any call of its kind may end with, by name; of one status the first."""
    own = [name for kind, name in _MISSING.items() if kind in path]
    if _has_key(call):
        own.append("used-key")
    return [*own, *sorted(_errors_of(call, path, method))]


def _has_key(call: dict[str, Any]) -> bool:
    """Whether it takes an ``Idempotency-Key``."""
    return any(one["name"] == KEY_HEADER for one in call.get("parameters", ()))


def _complete_answer(answer: dict[str, Any], call: dict[str, Any]) -> None:
    for content in answer.get("content", {}).values():
        _give_example(content)
        if content["schema"] == ref("Job"):
            answer.setdefault("headers", {})["ETag"] = answer_header("ETag")
    if _has_key(call):
        answer.setdefault("headers", {})[REPLAY_HEADER] = answer_header(REPLAY_HEADER)


def _give_example(content: dict[str, Any]) -> None:
    """An example made of those of the models."""
    schema = content["schema"]
    if "example" in content or "examples" in schema:
        return
    name = schema.get("$ref", "").removeprefix(PREFIX)
    items = schema.get("properties", {}).get("items", {}).get("items", {})
    item = items.get("$ref", "").removeprefix(PREFIX)
    if name in EXAMPLES:
        content["example"] = EXAMPLES[name]
    elif item in EXAMPLES:
        content["example"] = {"items": [EXAMPLES[item]], "cursor": None}


def _response(problem: dict[str, Any]) -> dict[str, Any]:
    status = problem["status"]
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": ref("Problem"), "example": problem}},
    }
    if status in _HEADERS:
        answer["headers"] = {name: answer_header(name) for name in _HEADERS[status]}
    return answer


def _face_response(status: int) -> dict[str, Any]:
    return face_response(status, ERROR_EXAMPLES[str(status)]["detail"], _HEADERS.get(status, ()))
