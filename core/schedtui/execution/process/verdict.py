"""How a call ended, from what its worker said or from how it died."""

from __future__ import annotations

import json
import signal
from typing import Any

from schedtui.capture.text import clip, clip_middle, storable, utf8_size
from schedtui.capture.traces import MAX_TRACEBACK
from schedtui.clock import Clock
from schedtui.errors import ProtocolError
from schedtui.execution.ended import MAX_JSON, MAX_MESSAGE, MAX_REPR
from schedtui.execution.process.frames import CUT_OFF, Message
from schedtui.models import RunState
from schedtui.protocols import Ended

_STATES = {state.value: state for state in (RunState.SUCCEEDED, RunState.FAILED)}
_STATES[RunState.CANCELLED.value] = RunState.CANCELLED
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})
_STREAMS = frozenset({"log", "logging", "stdout", "stderr"})
_MAX_NAME = 2_000
_MAX_KINDS = 20
_MAX_LAST_WORDS = 1_500

DIED = "WorkerDied"
"""The ``error_type`` of a run whose process ended before its function."""


def read_ended(given: Any, clock: Clock) -> Ended:
    """The end that a worker told.

    Raises:
        ProtocolError: it is none.
    """
    if not isinstance(given, list) or len(given) != len(Ended._fields):
        raise ProtocolError("the end of a call that is not a list of its parts")
    state, _, error_type, error, traceback, result, is_json, reason, kinds, late = given
    texts = (error_type, error, traceback, result, reason)
    if not isinstance(state, str) or state not in _STATES:
        raise ProtocolError("the end of a call in no state that ends one")
    if any(not isinstance(text, str | None) for text in texts):
        raise ProtocolError("the end of a call with parts of another type")
    if not isinstance(kinds, list) or not isinstance(late, dict | None):
        raise ProtocolError("the end of a call with parts of another type")
    names = tuple(clip(kind, _MAX_NAME) for kind in kinds[:_MAX_KINDS] if isinstance(kind, str))
    prints = None if late is None else {str(key): str(late[key])[:64] for key in late}
    if result is not None and not (is_json is True and _is_json(result)):
        result, is_json = clip(result, MAX_REPR), False
    return Ended(
        _STATES[state],
        clock.now_us(),
        error_type and clip(error_type, _MAX_NAME),
        error and clip(error, MAX_MESSAGE),
        traceback and clip_middle(traceback, MAX_TRACEBACK),
        result,
        result is not None and is_json is True,
        reason and clip(reason, MAX_MESSAGE),
        names,
        prints,
    )


def _is_json(text: str) -> bool:
    if len(text) > MAX_JSON or storable(text) != text or utf8_size(text) > MAX_JSON:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_said(message: Message) -> tuple[list[tuple[str, str, str]], float | None, str, int]:
    """Lines (level, stream, text), progress, its text, and how many lines were dropped so far.

    Raises:
        ProtocolError: it is something else.
    """
    lines, state = message.get("lines"), message.get("state")
    if not isinstance(lines, list) or not isinstance(state, list) or len(state) != 3:
        raise ProtocolError("lines and progress that are none")
    progress, text, dropped = state
    if not isinstance(text, str) or type(dropped) is not int:
        raise ProtocolError("progress with parts of another type")
    if progress is not None:
        progress = min(1.0, max(0.0, progress)) if type(progress) in (int, float) else None
    return [_line(line) for line in lines], progress, text, dropped


def _line(given: Any) -> tuple[str, str, str]:
    match given:
        case [str(level), str(stream), str(text)] if level in _LEVELS and stream in _STREAMS:
            return level, stream, text
    raise ProtocolError("a line that is none")


def spoiled(fault: str, clock: Clock) -> Ended:
    """The end of a call whose worker sent what no worker sends."""
    error = f"its worker process was killed because it sent the engine {fault}"
    return Ended(RunState.FAILED, clock.now_us(), error_type=DIED, error=error)


def died(code: int | None, clock: Clock, *, begun: bool, last_words: str = "") -> Ended:
    """The end of a call whose process ended first.

    Args:
        code: The exit code; negative for a signal; None where the system did not say.
        clock: For the time.
        begun: Whether the process had begun to make calls at all.
        last_words: What it wrote to stderr, where it had not.
    """
    how = _how(code)
    if not begun:
        error = f"the worker process {how} before it could make the call"
        if last_words.strip():
            error += f"; it said:\n{clip_middle(last_words.strip(), _MAX_LAST_WORDS)}"
        return Ended(RunState.FAILED, clock.now_us(), error_type=DIED, error=error)
    error = f"the worker process {how} in the middle of the run"
    if code == -signal.SIGKILL:
        error += "; if nobody killed it, the machine may have run out of memory"
    elif code == CUT_OFF:
        error += "; that is how it ends when the function closes files that it has not opened"
    return Ended(RunState.FAILED, clock.now_us(), error_type=DIED, error=error)


def over_limit(used_mb: int, limit_mb: int, clock: Clock) -> Ended:
    """The end of a call whose process was killed for its memory."""
    error = (
        f"its worker process used {used_mb:,} MiB of memory, more than memory_limit_mb={limit_mb}, "
        "and was killed"
    )
    return Ended(RunState.FAILED, clock.now_us(), error_type="MemoryError", error=error)


def _how(code: int | None) -> str:
    if code is None:
        return "ended (its exit code is not known)"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name} (signal {-code})"
    except ValueError:
        return f"was killed by signal {-code}"
