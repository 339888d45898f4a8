"""What the process itself logs: its form, where it goes, and how much of it is kept."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from schedtui_tui.text import clean

MAX_LOG = 8 * 1024 * 1024
"""Bytes of a log file that make it start anew."""


def trim(log: Path) -> None:
    """Start ``log``, which is open for appending, anew when it has grown large; ``.1`` keeps it."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > MAX_LOG:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


class LogFormatter(logging.Formatter):
    """Time (UTC), level, message: one line for each record and one more for each of a traceback."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002 - its name in the base
        """ISO 8601 with milliseconds."""
        at = datetime.fromtimestamp(record.created, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def format(self, record: logging.LogRecord) -> str:
        """The record, cleaned: a name in it must not steer the terminal that shows the log."""
        return clean(super().format(record), lines=True)


def log_to(stream: TextIO | None = None) -> None:
    """Send what is logged to ``stream``; None: to stderr, wherever that points by now."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("apscheduler", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
