"""What a run says while it runs: its log lines, its output and its progress."""

from schedtui.capture.current import (
    CurrentRun,
    RunHandle,
    ask_to_end,
    current_run,
    current_run_or_none,
    run_context,
    within,
)
from schedtui.capture.hooks import Capture
from schedtui.capture.public import log, progress
from schedtui.capture.sink import RunSink
from schedtui.capture.track import track

__all__ = [
    "Capture",
    "CurrentRun",
    "RunHandle",
    "RunSink",
    "ask_to_end",
    "current_run",
    "current_run_or_none",
    "log",
    "progress",
    "run_context",
    "track",
    "within",
]
