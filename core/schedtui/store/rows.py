"""Models as the store keeps them: columns of JSON text and integers, and back.

Both stores keep the same columns, so that the one in memory refuses and rounds what a database
would.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any, overload

from schedtui.clock import MAX_US, MIN_US, from_us, to_us
from schedtui.errors import ConflictError, StoreDataError
from schedtui.models import Attempt, AuditEvent, Job, Role, Run, RunState, Source, WaitReason
from schedtui.protocols import ENGINE, EnginePause, Token

logger = logging.getLogger("schedtui.store")

_STATES = {state.value: state for state in RunState}
_SOURCES = {source.value: source for source in Source}
_WAITS = {wait.value: wait for wait in WaitReason}

RUN_COLUMNS = (
    "id",
    "job_id",
    "function",
    "source",
    "state",
    "scheduled_for",
    "clock_epoch",
    "job_version",
    "kwargs",
    "claimed_at",
    "wait_reason",
    "attempt",
    "token",
    "started_at",
    "finished_at",
    "reason",
    "range_from",
    "range_count",
    "actor",
    "not_before",
    "parent_id",
    "schedules",
    "error_type",
    "error",
    "traceback",
    "result",
    "result_is_json",
    "log_lines",
    "log_dropped",
    "progress",
    "progress_text",
    "code",
    "late",
    "handled",
)
"""The order in which `run_of` expects a run; the first ones are a `NewRun`."""


_LINE = "line of the audit trail"
_UNREADABLE = (KeyError, TypeError, ValueError, OverflowError)
"""What a row that was changed from outside may raise when it is read."""


@contextmanager
def readable(row_id: int, kind: str = "run") -> Iterator[None]:
    """A block that reads a row, or what belongs to a run.

    Raises:
        StoreDataError: the row is damaged.
    """
    try:
        yield
    except _UNREADABLE as error:
        what = f"{error} is not known" if isinstance(error, KeyError) else error
        raise StoreDataError(f"{kind} {row_id} is damaged in the store: {what}") from error


def run_of(row: Sequence[Any], job: str) -> Run:
    """The run of a row in the order of `RUN_COLUMNS`.

    ``job`` is its job's full name; one without a job is called as its function is.

    Raises:
        StoreDataError: the row is damaged.
    """
    with readable(row[0]):
        return _run_of(row, job)


def _run_of(row: Sequence[Any], job: str) -> Run:
    values = dict(zip(RUN_COLUMNS, row, strict=True))
    function = text_of(values["function"])
    return Run(
        id=values["id"],
        job_id=number_of(values["job_id"]),
        job=job or function,
        function=function,
        source=_SOURCES[values["source"]],
        state=_STATES[values["state"]],
        scheduled_for=moment_of(values["scheduled_for"]),
        clock_epoch=number_of(values["clock_epoch"]),
        job_version=number_of(values["job_version"]),
        kwargs=lenient_object(values["kwargs"], "run", values["id"]),
        claimed_at=from_us(values["claimed_at"]),
        wait_reason=_WAITS.get(values["wait_reason"]),
        not_before=moment_of(values["not_before"]),
        parent_id=number_or_none(values["parent_id"]),
        schedules=text_or_none(values["schedules"]) or "",
        attempt=number_of(values["attempt"]),
        started_at=moment_of(values["started_at"]),
        finished_at=moment_of(values["finished_at"]),
        reason=text_or_none(values["reason"]) or "",
        range_from=moment_of(values["range_from"]),
        range_count=number_or_none(values["range_count"]),
        error_type=text_or_none(values["error_type"]),
        error=text_or_none(values["error"]),
        traceback=text_or_none(values["traceback"]),
        result=text_or_none(values["result"]),
        result_is_json=bool(values["result_is_json"]),
        log_lines=number_of(values["log_lines"]),
        log_dropped=number_of(values["log_dropped"]),
        progress=_share_of(values["progress"]),
        progress_text=text_or_none(values["progress_text"]) or "",
        actor=text_or_none(values["actor"]) or "",
        code=text_or_none(values["code"]),
        late=lenient_object(values["late"], "run", values["id"]),
        handled=text_or_none(values["handled"]) or "",
    )


def attempt_of(row: Sequence[Any]) -> Attempt:
    """The attempt of a row: run, number, state, started, finished, error's type, error.

    Raises:
        StoreDataError: the row is damaged.
    """
    run_id, number, state, started_at, finished_at, error_type, error = row
    with readable(run_id):
        return Attempt(
            run_id=run_id,
            number=number,
            state=_STATES[state],
            started_at=from_us(started_at),
            finished_at=from_us(finished_at),
            error_type=text_or_none(error_type),
            error=text_or_none(error),
        )


def audit_of(row: Sequence[Any]) -> AuditEvent:
    """The line of the audit trail of a row: id, at, actor, action, object, detail, address.

    Raises:
        StoreDataError: the row is damaged.
    """
    audit_id, at, actor, action, object_, detail, address = row
    with readable(audit_id, _LINE):
        return AuditEvent(
            id=audit_id,
            at=from_us(at),
            actor=text_of(actor),
            action=text_of(action),
            object=text_of(object_),
            detail=lenient_object(detail, _LINE, audit_id),
            address=text_of(address),
        )


def token_of(row: Sequence[Any]) -> Token:
    """The token of a row: id, name, role, hash, created, expires, groups.

    Raises:
        StoreDataError: the row is damaged; nobody is let in by it.
    """
    token_id, name, role, sha256, created_at, expires_at, groups = row
    with readable(token_id, "access token"):
        if not text_of(sha256).isascii():
            raise ValueError("its hash is none")
        return Token(
            id=token_id,
            name=text_of(name),
            role=Role(text_of(role)),
            sha256=sha256,
            created_at_us=to_us(from_us(created_at)),
            expires_at_us=None if expires_at is None else to_us(from_us(expires_at)),
            groups=None if groups is None else _groups(groups),
        )


def groups_json(token: Token) -> str | None:
    """The groups of a token as its column holds them."""
    return None if token.groups is None else json.dumps(sorted(token.groups))


def _groups(text: str) -> tuple[str, ...]:
    """The groups of a token: what is no list of names lets nobody in."""
    names = json.loads(text_of(text))
    if not isinstance(names, list):
        raise TypeError("its groups are no list")
    return tuple(text_of(name) for name in names)


_OF_THE_ENGINE = frozenset({"engine.clock", "engine.pause", "engine.resume"})


def subject_of(action: str, subject: int | None) -> int | None:
    """The subject of a line of the audit trail; see `schedtui.protocols.Store.changes_of`."""
    return ENGINE if action in _OF_THE_ENGINE else subject


def state_of(text: str) -> RunState:
    """The state of its text; ten times as fast as the enum's own way."""
    return _STATES[text]


def wait_of(text: str | None) -> WaitReason | None:
    """The reason of its text; None for one of a newer schedtui."""
    return _WAITS.get(text) if text else None


def source_of(text: str) -> Source:
    """The source of its text."""
    return _SOURCES[text]


def dump(value: Any) -> str:
    """Compact JSON.

    Raises:
        TypeError, ValueError, RecursionError: it has no JSON form.
    """
    return _ENCODER.encode(value)


def bounded(number: int) -> int:
    """The nearest number that a database can compare with; nothing is kept that far out."""
    return max(-(2**63), min(number, 2**63 - 1))


def pause_json(pause: EnginePause) -> str:
    """A pause of the whole engine, as it is kept."""
    return json.dumps({"by": pause.by, "reason": pause.reason, "since_us": pause.since_us})


def pause_of(text: str | None) -> EnginePause | None:
    """The pause that is kept; one that is damaged is still one."""
    if text is None:
        return None
    kept = lenient_object(text, "pause of the engine", 0)
    by, reason, since_us = kept.get("by"), kept.get("reason"), kept.get("since_us")
    return EnginePause(
        by=by if isinstance(by, str) else "",
        reason=reason if isinstance(reason, str) else "",
        since_us=since_us if isinstance(since_us, int) else 0,
    )


@overload
def printable(text: str) -> str: ...
@overload
def printable(text: str | None) -> str | None: ...
def printable(text: str | None) -> str | None:
    """The text with escapes for what no UTF-8 can hold: a file name in a message, say."""
    if not isinstance(text, str) or text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def lenient_object(text: str | None, kind: str, row_id: int) -> dict[str, Any]:
    """A JSON object; empty, and a log line, where the text is damaged."""
    if not text:
        return {}
    try:
        return object_of(text)
    except (TypeError, ValueError, RecursionError) as error:
        logger.error("%s %s has damaged JSON in the store: %s", kind, row_id, error)
        return {}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain)


def object_of(text: str) -> dict[str, Any]:
    """The object of its JSON text.

    Raises:
        TypeError, ValueError, RecursionError: it is none.
    """
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"not a JSON object: {text[:40]}")
    return value


def text_of(value: Any) -> str:
    """The text of a column.

    Raises:
        TypeError: it holds something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"not a text: {value!r:.40}")
    return value


def text_or_none(value: Any) -> str | None:
    """The text of a column that may be empty.

    Raises:
        TypeError: it holds something else.
    """
    return None if value is None else text_of(value)


def number_of(value: Any) -> int:
    """The whole number of a column.

    Raises:
        TypeError: it holds something else.
    """
    if not isinstance(value, int):
        raise TypeError(f"not a whole number: {value!r:.40}")
    return value


def number_or_none(value: Any) -> int | None:
    """The whole number of a column that may be empty.

    Raises:
        TypeError: it holds something else.
    """
    return None if value is None else number_of(value)


def _share_of(value: Any) -> float | None:
    """The progress of a run."""
    if value is not None and not (isinstance(value, int | float) and isfinite(value)):
        raise TypeError(f"not a finite number: {value!r:.40}")
    return value


def micros_of(value: Any) -> int:
    """The microseconds of a column: a moment, or the time between two.

    Raises:
        TypeError, OverflowError: it holds something else, or none that there is.
    """
    if not MIN_US <= number_of(value) <= MAX_US:
        raise OverflowError(f"not in the years 1 to 9999: {value}")
    return number_of(value)


def micros_or_none(value: Any) -> int | None:
    """The microseconds of a column that may be empty.

    Raises:
        TypeError, OverflowError: as `micros_of`.
    """
    return None if value is None else micros_of(value)


def moment_of(us: int | None) -> Any:
    """The moment of its microseconds; None for None."""
    return None if us is None else from_us(us)


def backfilled_meanwhile(job_id: int) -> ConflictError:
    """A job has a backfill that was not known when another one was planned."""
    return ConflictError(
        f"job {job_id} was backfilled by somebody else meanwhile; nothing was queued, try again"
    )


def taken(job: Job) -> ConflictError:
    """The error for a name that a living job has."""
    return ConflictError.taken(
        f"a job {job.full_name} exists already; choose another name, or edit or delete that one",
        job.name,
    )


def token_taken(token: Token) -> ConflictError:
    """The error for a token's name that is in use."""
    return ConflictError.taken(
        f"a token named {token.name!r} exists already; choose another name", token.name
    )
