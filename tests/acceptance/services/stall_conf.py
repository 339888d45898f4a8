"""What gunicorn reads: each worker starts an engine of its own once it has been forked."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def post_fork(server: Any, worker: Any) -> None:
    """Called by gunicorn in each new worker."""
    del server, worker
    import_module("stall").engine.run_in_thread(stand_by=True)
