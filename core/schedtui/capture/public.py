"""What a function says about its run: `log` and `progress`."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from schedtui.capture.current import current_sink
from schedtui.capture.logs import level_name
from schedtui.capture.sink import fraction
from schedtui.capture.text import clip, safe_str
from schedtui.capture.values import bounded_json, preview

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_BARE = re.compile(r"[\w./:@+%,-]+")
_MAX_FIELD = 1_000
_OUTSIDE = logging.getLogger("schedtui.log")


def log(message: str, /, *, level: str = "info", **fields: Any) -> None:
    """Write a line into the log of the current run; outside of a run, to the logger "schedtui.log".

    Args:
        message: What happened. Line breaks make several lines.
        level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
        **fields: Appended as ``key=value``.

    Raises:
        ValueError: no such level.
    """
    levelno = _LEVELS.get(str(level).lower())
    if levelno is None:
        raise ValueError(f"log(): got level {level!r}; expected one of {', '.join(_LEVELS)}")
    text = message if isinstance(message, str) else safe_str(message)
    if fields:
        text = " ".join((text, *(f"{key}={_field(value)}" for key, value in fields.items())))
    sink = current_sink()
    if sink is not None:
        sink.write(level_name(levelno), "log", text)
    else:
        _OUTSIDE.log(levelno, "%s", text)


def progress(done: float, total: float | None = None, text: str = "") -> None:
    """Say how far the current run is; outside of a run nothing happens.

    Args:
        done: How much is done: of ``total``, or a fraction from 0 to 1 without it. What is beyond
            is taken for the end it is beyond.
        total: How much there is to do.
        text: What is being done.

    Raises:
        ValueError: ``done`` or ``total`` is not a number, or ``total`` is negative.
    """
    share = fraction(done, total)
    sink = current_sink()
    if sink is not None:
        sink.set_progress(share, text)


def _field(value: Any) -> str:
    """A value as a person and a log search like to read it: JSON, without needless quotes."""
    if value is None or isinstance(value, bool | int | float | list | tuple | dict):
        encoded = bounded_json(value, _MAX_FIELD)
        return preview(value, _MAX_FIELD) if encoded is None else encoded
    if isinstance(value, set | frozenset):
        return preview(value, _MAX_FIELD)
    text = clip(value if isinstance(value, str) else safe_str(value), _MAX_FIELD)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
