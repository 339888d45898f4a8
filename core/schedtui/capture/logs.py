"""Log records of a run.

The hook sits where `logging` hands a record to its handlers, not among the handlers: there it sees
what a logger with ``propagate=False`` says, outlives a ``dictConfig`` in a job's module, and leaves
``basicConfig`` and the handler of last resort to do what they do without it. (Sentry's SDK hooks
in at the same place.)
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from schedtui.capture.current import current_sink
from schedtui.capture.sink import RunSink
from schedtui.capture.switch import SWITCH, THREAD
from schedtui.capture.text import safe_str
from schedtui.capture.traces import format_traceback

_OWN = "schedtui"
Hook = Callable[[logging.Logger, logging.LogRecord], None]


def make_hook(original: Hook) -> Hook:
    """What stands in for ``logging.Logger.callHandlers``, here called ``original``."""

    def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
        taken = THREAD.passing or THREAD.record is record
        sink = None if taken or not SWITCH.on else current_sink()
        if sink is None:
            original(logger, record)
        elif record.name == _OWN or record.name.startswith(f"{_OWN}."):
            _pass(original, logger, record)
        else:
            write_record(sink, record)
            _handle(original, logger, record)

    return call_handlers


def _pass(original: Hook, logger: logging.Logger, record: logging.LogRecord) -> None:
    before, THREAD.passing = THREAD.passing, True
    try:
        original(logger, record)
    finally:
        THREAD.passing = before


def _handle(original: Hook, logger: logging.Logger, record: logging.LogRecord) -> None:
    before, THREAD.record = THREAD.record, record
    try:
        original(logger, record)
    finally:
        THREAD.record = before


def write_record(sink: RunSink, record: logging.LogRecord) -> None:
    """Make lines of a record: its message, then its traceback and its stack where it has them."""
    text = _message(record)
    if record.exc_info and record.exc_info[1] is not None:
        text = f"{text}\n{format_traceback(record.exc_info[1])}"
    elif record.exc_text:
        text = f"{text}\n{record.exc_text}"
    if record.stack_info:
        text = f"{text}\n{record.stack_info}"
    sink.write(level_name(record.levelno), "logging", text)


def level_name(levelno: int) -> str:
    """The name of the highest standard level at or below ``levelno``."""
    if levelno >= logging.ERROR:
        return "critical" if levelno >= logging.CRITICAL else "error"
    if levelno >= logging.WARNING:
        return "warning"
    return "info" if levelno >= logging.INFO else "debug"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except BaseException as error:  # noqa: BLE001 - arguments of a user may raise anything
        return f"{safe_str(record.msg)} (its arguments raised {type(error).__name__})"
