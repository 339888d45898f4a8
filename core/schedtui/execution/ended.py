"""How a call ended, as text: results and exceptions, capped and storable whatever they are."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from schedtui.capture.text import clip, plain_type_name, safe_str
from schedtui.capture.traces import format_traceback, kinds, type_name
from schedtui.capture.values import bounded_json, preview
from schedtui.clock import Clock
from schedtui.errors import LateValueError
from schedtui.models import RunState
from schedtui.models.hidden import hide
from schedtui.protocols import Ended

MAX_JSON = 65_536
MAX_REPR = 4_096
MAX_MESSAGE = 4_096
"""Caps, in bytes of UTF-8."""
ASKED = "it was asked to end and finished"
"""The reason of a run that was asked to end, and came to its own end instead."""


def ended_ok(value: Any, clock: Clock) -> Ended:
    """The end of a call that returned ``value``.

    JSON is kept as JSON up to `MAX_JSON`; anything else, and what is longer, as the beginning of
    its ``repr``.
    """
    now_us = clock.now_us()
    if value is None:
        return Ended(RunState.SUCCEEDED, now_us)
    text = bounded_json(value, MAX_JSON)
    if text is not None:
        return Ended(RunState.SUCCEEDED, now_us, result=text, result_is_json=True)
    return Ended(RunState.SUCCEEDED, now_us, result=preview(value, MAX_REPR))


def ended_error(error: BaseException, clock: Clock) -> Ended:
    """The end of a call that raised ``error``: type, message, traceback without our frames."""
    now_us = clock.now_us()
    try:
        return Ended(
            RunState.FAILED,
            now_us,
            error_type=type_name(error),
            error=clip(safe_str(error), MAX_MESSAGE),
            traceback=format_traceback(error),
            kinds=kinds(error) + _kinds_of_cause(error),
        )
    except BaseException:  # noqa: BLE001 - an end must be reported, whatever is in the way
        return Ended(RunState.FAILED, now_us, error_type=plain_type_name(error))


def _kinds_of_cause(error: BaseException) -> tuple[str, ...]:
    """What a provider of a late value raised is as good a reason for a retry."""
    cause = error.__cause__ if isinstance(error, LateValueError) else None
    return () if cause is None else kinds(cause)


def ended_refused(message: str, clock: Clock) -> Ended:
    """The end of a call whose function is of the wrong kind."""
    return Ended(RunState.FAILED, clock.now_us(), error_type="TypeError", error=message)


def ended_cancelled(
    clock: Clock, error: BaseException | None = None, *, reason: str | None = None
) -> Ended:
    """The end of a call that was cancelled.

    Args:
        clock: For the time.
        error: The `CancelledError`; its traceback says where the function was then.
        reason: None where whoever asked for it knows the reason.
    """
    return Ended(
        RunState.CANCELLED,
        clock.now_us(),
        traceback=None if error is None else format_traceback(error),
        reason=reason,
    )


def without_secrets(ended: Ended) -> Ended:
    """An end that shows no secret that this process has seen."""
    if not (ended.result or ended.error or ended.reason):
        return ended
    result = _hidden(ended.result)
    return ended._replace(
        error=_hidden(ended.error),
        traceback=_hidden(ended.traceback),
        reason=_hidden(ended.reason),
        result=result,
        result_is_json=ended.result_is_json and (result == ended.result or _is_json(result)),
    )


def _hidden(text: str | None) -> str | None:
    return text and hide(text)


def _is_json(text: str | None) -> bool:
    """Whether it still is: a number that was secret is none any more."""
    try:
        json.loads(text or "")
    except ValueError:
        return False
    return True


def not_run(value: Any) -> str | None:
    """Why ``value`` means that the body of the function has not run; None where it has.

    Calling a generator function, or an ``async def`` without awaiting it, does nothing.
    """
    if value is None:
        return None
    # Its real type: `isinstance` also asks the value for its `__class__`, which may raise.
    kind = type(value)
    if issubclass(kind, CoroutineType):
        value.close()
        return (
            "the function returned a coroutine that nobody awaits, so its body has not run; "
            "declare it with 'async def', or run the coroutine with asyncio.run() inside of it"
        )
    if issubclass(kind, Awaitable):
        return (
            f"the function returned {_a(value)} that nobody awaits; "
            "declare it with 'async def' and await it there"
        )
    if issubclass(kind, GeneratorType | AsyncGeneratorType):
        return (
            "the function is a generator ('yield' is in it), so its body has not run; "
            "call it from a function that iterates over it"
        )
    return None


def _a(value: object) -> str:
    name = plain_type_name(value)
    return f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"
