"""What an alert says: one JSON document, and the same in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from schedtui.models.alert import AlertOn

MAX_TEXT = 4_000
"""Characters of an error or a reason that are sent."""
_WORDS = {
    AlertOn.FAILURE: "failed",
    AlertOn.RECOVERY: "runs again",
    AlertOn.LATE: "is late",
    AlertOn.MISSED: "was missed",
    AlertOn.TOO_LONG: "takes too long",
}


def body_of(kind: AlertOn, job: str, at: str, run: Mapping[str, Any]) -> str:
    """The document that is sent.

    Args:
        kind: What it is about.
        job: ``group/name``, of the function where there is no job.
        at: When it was noticed, ISO 8601.
        run: What is known of the run, or of the due times.
    """
    said = {key: _cut(value) for key, value in run.items() if value not in (None, "")}
    return json.dumps({"type": kind.value, "job": job, "at": at, "run": said})


def subject_of(message: Mapping[str, Any]) -> str:
    """One line: ``Reports/daily failed (run 17)``."""
    run = message.get("run") or {}
    words = _WORDS[AlertOn(message["type"])]
    which = f" (run {run['id']})" if run.get("id") else ""
    line = f"{message['job']} {words}{which}"
    return "".join(one if one.isprintable() else " " for one in line)[:200]


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a mail."""
    run: Mapping[str, Any] = message.get("run") or {}
    lines = [subject_of(message), "", f"at: {message['at']}"]
    lines += [f"{key.replace('_', ' ')}: {value}" for key, value in run.items() if key != "id"]
    return "\n".join(lines) + "\n"


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{value[:MAX_TEXT]}…"
    return value
