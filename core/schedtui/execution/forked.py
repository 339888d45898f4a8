"""A function that forks: the child is to end with the call, not to go on as an engine's copy."""

from __future__ import annotations

import os


def leave_if_forked(pid: int, error: BaseException | None = None) -> None:
    """End this process, at once, where it is a child that was forked since ``pid`` was asked for.

    Its exit code is what Python would make of ``error``.
    """
    if os.getpid() != pid:
        os._exit(_exit_code(error))


def _exit_code(error: BaseException | None) -> int:
    if error is None:
        return 0
    code = error.code if isinstance(error, SystemExit) else 1
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1
