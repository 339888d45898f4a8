"""Errors as problem documents (RFC 9457), and back: the one table for both ends of the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from schedtui.errors import (
    ConflictError,
    EngineStoppedError,
    EventGapError,
    FieldError,
    ForbiddenError,
    ForeignTriggerError,
    FunctionNotFoundError,
    GroupNotFoundError,
    InvalidArgumentsError,
    InvalidError,
    InvalidNameError,
    InvalidTriggerError,
    JobNotFoundError,
    LateValueError,
    NotFoundError,
    ProtocolError,
    RefusedError,
    RevisionNotFoundError,
    RunNotFoundError,
    SchedtuiError,
    StaticJobError,
    StoreDataError,
    StoreError,
    StoreLockedError,
    StoreSchemaError,
    StoreUnavailableError,
    TargetError,
    TokenNotFoundError,
    UnauthorizedError,
    UnavailableError,
    UncertainError,
    UnreachableError,
    VersionConflictError,
    shorten,
    shorten_value,
)

TYPE_PREFIX = "urn:schedtui:error:"

STATUS: dict[type[SchedtuiError], int] = {
    InvalidError: 422,
    InvalidTriggerError: 422,
    InvalidArgumentsError: 422,
    InvalidNameError: 422,
    NotFoundError: 404,
    JobNotFoundError: 404,
    RunNotFoundError: 404,
    GroupNotFoundError: 404,
    RevisionNotFoundError: 404,
    TokenNotFoundError: 404,
    # A function is only ever named in a body, so the address itself is right.
    FunctionNotFoundError: 422,
    RefusedError: 403,
    ConflictError: 409,
    VersionConflictError: 412,
    StaticJobError: 400,
    UnauthorizedError: 401,
    ForbiddenError: 403,
    UnavailableError: 503,
    StoreUnavailableError: 503,
    EngineStoppedError: 503,
    UnreachableError: 502,
    UncertainError: 502,
    StoreError: 500,
    StoreDataError: 422,
    StoreLockedError: 503,
    StoreSchemaError: 503,
    EventGapError: 410,
    ProtocolError: 502,
    ForeignTriggerError: 500,
    TargetError: 500,
    LateValueError: 500,
    SchedtuiError: 500,
}
"""The HTTP status of each error."""

MAX_FIELDS = 1_000
"""Fields that a problem names; a short body may hold very many that are wrong."""
_MAX_DETAIL = 2_000  # characters kept of what another engine says


def slug_of(error: type[SchedtuiError]) -> str:
    """``JobNotFoundError`` as ``job-not-found``: the last part of a problem's ``type``."""
    words = re.findall(r"[A-Z][a-z]*", error.__name__.removesuffix("Error"))
    return "-".join(words).lower() or "error"


_BY_SLUG = {slug_of(kind): kind for kind in STATUS}

# What a status means where a problem's type says nothing, as from a newer engine or a proxy.
_BY_STATUS: dict[int, type[SchedtuiError]] = {
    400: InvalidError,
    401: UnauthorizedError,
    403: ForbiddenError,
    408: UnavailableError,
    409: ConflictError,
    410: EventGapError,
    412: VersionConflictError,
    413: InvalidError,
    415: InvalidError,
    421: RefusedError,
    422: InvalidError,
    429: UnavailableError,
    502: UnreachableError,
    503: UnavailableError,
    504: UnreachableError,
}


def known_kind(error: SchedtuiError) -> type[SchedtuiError]:
    """The nearest class of ``error`` that has a row in the table."""
    return next(kind for kind in type(error).__mro__ if kind in STATUS)


def to_problem(error: SchedtuiError) -> dict[str, Any]:
    """The problem document of ``error``."""
    kind = known_kind(error)
    slug = slug_of(kind)
    fields = error.errors if isinstance(error, InvalidError | ConflictError) else ()
    if isinstance(error, FunctionNotFoundError):
        expected = "the full name of a registered function"
        fields = (FieldError(field="function", got=shorten_value(error.name), expected=expected),)
    problem: dict[str, Any] = {
        "type": TYPE_PREFIX + slug,
        "title": slug.replace("-", " ").capitalize(),
        "status": STATUS[kind],
        "detail": str(error),
        "errors": [
            {"field": f.field, "got": f.got, "expected": f.expected} for f in fields[:MAX_FIELDS]
        ],
        "retryable": error.retryable,
    }
    if isinstance(error, NotFoundError):
        name = error.name
        problem["name"] = name if isinstance(name, str | int) else shorten(name)
    return problem


def from_problem(data: Any, *, status: int) -> SchedtuiError:
    """The error that a problem document stands for; never raises, whatever ``data`` is.

    Args:
        data: A JSON value; anything another engine may have sent.
        status: The HTTP status it came with.
    """
    problem = data if isinstance(data, Mapping) else {}
    kind = _kind_of(problem.get("type"), status)
    detail = problem.get("detail")
    text = detail[:_MAX_DETAIL] if isinstance(detail, str) and detail else f"status {status}"
    if issubclass(kind, InvalidError | ConflictError):
        return kind(text, _fields_of(problem.get("errors")))
    if issubclass(kind, NotFoundError):
        name = problem.get("name")
        missing = kind(name if isinstance(name, str | int) else "?")
        missing.args = (text,)  # the hint of the other side is in its sentence
        return missing
    return kind(text)


def _kind_of(type_: Any, status: int) -> type[SchedtuiError]:
    slug = type_.removeprefix(TYPE_PREFIX) if isinstance(type_, str) else ""
    kind = _BY_SLUG.get(slug) or _BY_STATUS.get(status, ProtocolError)
    # These build their message from parts that do not travel.
    return StoreError if kind is StoreLockedError else kind


def _fields_of(errors: Any) -> tuple[FieldError, ...]:
    if not isinstance(errors, list):
        return ()
    return tuple(
        FieldError(
            field=str(one.get("field", ""))[:_MAX_DETAIL],
            got=one.get("got"),
            expected=str(one.get("expected", ""))[:_MAX_DETAIL],
        )
        for one in errors[:100]
        if isinstance(one, Mapping)
    )
