"""What errors tell, as examples for the API's description; those of an engine are its own."""

from __future__ import annotations

from typing import Any, Final

from schedtui.api.problems import plain_problem
from schedtui.client.problems import to_problem
from schedtui.errors import (
    ConflictError,
    FieldError,
    FunctionNotFoundError,
    GroupNotFoundError,
    InvalidError,
    JobNotFoundError,
    RefusedError,
    RevisionNotFoundError,
    RunNotFoundError,
    SchedtuiError,
    StaticJobError,
    VersionConflictError,
)

_RETRYABLE: Final = frozenset({408, 429, 502, 503})
_PLAIN: Final[dict[int, tuple[str, str]]] = {
    400: ("malformed-body", "the body is not JSON: Expecting value at line 1, column 1"),
    401: ("unauthorized", "this token is not known here, or has expired"),
    403: ("forbidden", "token:ci has the role viewer; this needs operator"),
    408: ("body-too-slow", "the body did not arrive within 30 s"),
    413: ("body-too-large", "the body is longer than 1048576 bytes"),
    415: (
        "unsupported-media-type",
        "the body's Content-Type is missing; expected application/json",
    ),
    421: ("unknown-host", "this engine is not known under the name in the Host header"),
    429: ("too-many-attempts", "too many wrong tokens from this address: wait"),
    500: ("internal", "the engine failed inside while it answered; its log says more"),
    502: (
        "unreachable",
        "the engine that has the store went away before it answered; nothing was done",
    ),
    503: ("store-unavailable", "the store cannot be written now: database is locked"),
}
"""By status: the last part of the problem's type, and its detail."""
_ERRORS: Final[dict[str, SchedtuiError]] = {
    "404": JobNotFoundError("Reports/weekly"),
    "409": ConflictError.taken(
        "a job Reports/weekly exists already; choose another name", "Reports/weekly"
    ),
    "412": VersionConflictError(
        "Reports/weekly has version 4, not 3: it was changed meanwhile; read it again and repeat "
        "the call on what it is now"
    ),
    "422": InvalidError.one("limit", "0", "a whole number from 1 to 1000"),
    "static-job": StaticJobError(
        "Reports/cleanup is declared in code and cannot be deleted at run time; pause it, or "
        "remove its declaration from the code"
    ),
    "no-reload": RefusedError(
        "this engine cannot load its code again: it is part of a program that was started "
        "otherwise; restart that, or see Engine.follow_code"
    ),
    "no-function": FunctionNotFoundError("Shop/pay", "known: Reports/send"),
    "no-group": GroupNotFoundError("Shop", "known: Reports"),
    "no-revision": RevisionNotFoundError(17, "`schedtui revisions` lists them"),
    "no-run": RunNotFoundError(4711),
    "other-job": ConflictError(
        "Reports/weekly is not the job it was: that one (id 17) was deleted and this one (id 18) "
        "has its name; nothing was done"
    ),
    "used-key": ConflictError(
        "the idempotency key 'order 7' was used for run 4711 with other arguments; nothing was "
        "started: send the same ones, or another key",
        (
            FieldError(
                field="idempotency_key",
                got="order 7",
                expected="a key that was not used for a call with other arguments",
            ),
        ),
    ),
    "not-declared": ConflictError(
        "Reports/weekly is not declared in the code, so there is nothing to go back to"
    ),
    "other-jobs": ConflictError(
        "the jobs have changed since that of plan '5f0c'; nothing was done: plan it again"
    ),
    "run-ended": ConflictError("run 4711 has ended already (succeeded); nothing was done"),
    "run-not-ended": ConflictError(
        "run 4711 has not ended yet (running); cancel it first, or wait"
    ),
}
ERROR_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    **{
        str(status): plain_problem(status, slug, detail, retryable=status in _RETRYABLE)
        for status, (slug, detail) in _PLAIN.items()
    },
    **{name: to_problem(error) for name, error in _ERRORS.items()},
    # In an address it is what there is not; elsewhere a body names it.
    "no-function": {**to_problem(_ERRORS["no-function"]), "status": 404},
}
"""Problem documents by the name of the answer.

The usual one of a status has its number for a name; the others are those of calls for which that
would be another one's.
"""
USUAL: Final = sorted(int(name) for name in ERROR_EXAMPLES if name.isdecimal())
"""The statuses of errors that there are."""


def answer_of(name: int | str) -> tuple[str, dict[str, str]]:
    """The status, and the reference to the answer, of that name in the API's description."""
    return str(ERROR_EXAMPLES[str(name)]["status"]), {"$ref": f"#/components/responses/{name}"}
