"""Exit codes, and how an error is told to a person at a shell."""

from __future__ import annotations

import sys
from enum import IntEnum

from schedtui.errors import (
    EngineStoppedError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    RefusedError,
    SchedtuiError,
    StoreLockedError,
    UnauthorizedError,
    UnreachableError,
    shorten,
)


class Exit(IntEnum):
    """What the exit code of `schedtui` means."""

    DONE = 0
    FAILED = 1
    """The run or the operation failed."""
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    """Authentication, a static job, a conflict."""
    UNREACHABLE = 5
    INTERRUPTED = 130
    """As shells report SIGINT."""


class CutShort(BaseException):
    """The program was asked twice to end: what still runs in it is left as by a kill.

    Ending as Python does would wait for that again: for an engine, and for threads of jobs.
    """


class UsageError(SchedtuiError):
    """The command was called in a way it cannot work."""


_CODES: tuple[tuple[type[SchedtuiError], Exit], ...] = (
    (UsageError, Exit.USAGE),
    (InvalidError, Exit.USAGE),
    (NotFoundError, Exit.NOT_FOUND),
    (RefusedError, Exit.REFUSED),
    (StoreLockedError, Exit.REFUSED),
    (UnreachableError, Exit.UNREACHABLE),
    (EngineStoppedError, Exit.UNREACHABLE),
    (ProtocolError, Exit.UNREACHABLE),
)


def code_of(error: BaseException) -> Exit:
    """The exit code that stands for ``error``."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return Exit.FAILED


def tell(message: str) -> None:
    """Print ``message`` on stderr as clean lines, behind the program's name."""
    note(f"schedtui: {message}")


def note(message: str) -> None:
    """Print ``message`` on stderr as clean lines."""
    from schedtui_tui.text import clean  # not needed by a command that succeeds

    sys.stderr.write(clean(message, lines=True) + "\n")


def report(error: SchedtuiError) -> Exit:
    """Tell a foreseeable error, with its remedy where the shell has one, and give its code."""
    if isinstance(error, InvalidError) and len(error.errors) > 1:
        for field in error.errors:
            tell(wrong(field))
    else:
        tell(str(error) or type(error).__name__)
    hint = _hint(error)
    if hint:
        tell(hint)
    return code_of(error)


def wrong(field: FieldError) -> str:
    """What is wrong with one field, in a sentence."""
    got = "" if field.got is None else f"got {shorten(field.got)}; "
    return f"{field.field}: {got}expected {field.expected}"


def _hint(error: SchedtuiError) -> str:
    if isinstance(error, UnauthorizedError):
        return "give a token by SCHEDTUI_TOKEN or --token-file; `schedtui token create` makes one"
    if isinstance(error, ForbiddenError):
        return "on its machine, `schedtui token create --name NAME --role ROLE` makes another one"
    return ""
