"""Telling the engine of an end."""

from __future__ import annotations

import logging

from schedtui.protocols import Call, Ended

_log = logging.getLogger(__name__)


def report(call: Call, ended: Ended) -> None:
    """Tell the engine of an end; what goes wrong there is no end of the loop."""
    try:
        call.done(ended)
    except Exception:  # noqa: BLE001 - whatever it is, the next end must still be reported
        _log.exception("call %d has ended, and reporting that failed", call.id)
