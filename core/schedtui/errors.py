"""Every error schedtui raises on purpose.

::

    SchedtuiError
    ├── InvalidError (ValueError)          the input is wrong; `errors` says which field and why
    │   ├── InvalidTriggerError            a cron expression, interval, moment or time zone
    │   ├── InvalidArgumentsError          arguments that do not fit a function's parameters
    │   └── InvalidNameError               a group's, function's or job's name
    ├── NotFoundError (LookupError)        no such thing
    │   ├── JobNotFoundError
    │   ├── RunNotFoundError
    │   ├── FunctionNotFoundError
    │   ├── GroupNotFoundError
    │   ├── RevisionNotFoundError
    │   └── TokenNotFoundError
    ├── RefusedError                       understood, and not allowed
    │   ├── ConflictError                  a name is taken, or it is another job of that name
    │   │   └── VersionConflictError       the job has changed since it was read
    │   ├── StaticJobError                 a job declared in code cannot be deleted at run time
    │   ├── UnauthorizedError              no token, or a wrong one
    │   └── ForbiddenError                 the token's role does not allow it
    ├── UnavailableError                   may work later; a retry is safe
    │   ├── StoreUnavailableError          locked, full, unreachable
    │   ├── EngineStoppedError             the engine is not running
    │   └── UnreachableError (ConnectionError)   the engine cannot be reached over HTTP
    │       └── UncertainError             it broke off after a change was sent; look before a retry
    ├── StoreError                         the store cannot be used as it is
    │   ├── StoreDataError                 the store refused these very data
    │   ├── StoreLockedError               another engine owns this store
    │   └── StoreSchemaError               written by a newer schedtui
    ├── LateValueError                     a late parameter's value could not be fetched
    ├── EventGapError                      changes were lost; take a fresh snapshot
    ├── ProtocolError                      the other side did not speak schedtui's language
    ├── ForeignTriggerError                a trigger object from elsewhere failed
    └── TargetError                        user code could not be loaded; says file, line and reason

Each says what failed, what was expected and what to do; `retryable` says whether the same call may
be made again without harm.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """One thing that is wrong with one field of an input."""

    field: str
    """The field, dotted below the top: ``trigger.expression``, ``kwargs.recipient``."""
    got: Any
    """What was given, shortened when long; never a secret."""
    expected: str
    """What would have been right, as a sentence fragment."""


class SchedtuiError(Exception):
    """The base of all errors of this package."""

    retryable: ClassVar[bool] = False
    """Whether the same call may be made again unchanged, safely and with hope."""


class InvalidError(SchedtuiError, ValueError):
    """The input is wrong. Nothing was changed."""

    def __init__(self, message: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.errors = errors

    @classmethod
    def one(cls, field: str, got: Any, expected: str) -> InvalidError:
        """The error for a single field; the message names the field, the value and the remedy."""
        short = shorten(got)
        return cls(
            f"{field}: got {short}; expected {expected}",
            (FieldError(field=field, got=shorten_value(got), expected=expected),),
        )

    def below(self, prefix: str) -> InvalidError:
        """The same error with every field moved below ``prefix``."""
        moved = tuple(
            FieldError(
                field=f"{prefix}.{error.field}" if error.field else prefix,
                got=error.got,
                expected=error.expected,
            )
            for error in self.errors
        )
        return type(self)(str(self), moved)


class InvalidTriggerError(InvalidError):
    """A cron expression, an interval, a moment or a time zone is wrong."""


class InvalidArgumentsError(InvalidError):
    """Arguments do not fit the parameters of a function."""


class InvalidNameError(InvalidError):
    """A name is empty, too long, or holds a slash or a control character."""


class ForeignTriggerError(SchedtuiError):
    """A trigger object from elsewhere raised, took too long, or answered nonsense."""


class NotFoundError(SchedtuiError, LookupError):
    """There is no such thing."""

    kind: ClassVar[str] = "thing"

    def __init__(self, name: object, hint: str = "") -> None:
        super().__init__(f"no {self.kind} {shorten(name)}{': ' + hint if hint else ''}")
        self.name = name


class JobNotFoundError(NotFoundError):
    """No living job has this name or id."""

    kind = "job"


class RunNotFoundError(NotFoundError):
    """No run has this id."""

    kind = "run"


class FunctionNotFoundError(NotFoundError):
    """No function is registered under this name."""

    kind = "function"


class GroupNotFoundError(NotFoundError):
    """No group has this name."""

    kind = "group"


class RevisionNotFoundError(NotFoundError):
    """No revision of the jobs has this number."""

    kind = "revision"


class TokenNotFoundError(NotFoundError):
    """No access token has this name."""

    kind = "access token"


class RefusedError(SchedtuiError):
    """The call was understood and is not allowed. Nothing was changed."""


class ConflictError(RefusedError):
    """A name is taken, or the thing of this name is not the one that was meant."""

    def __init__(self, message: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.errors = errors
        """The field that would have to be another; none where that is not the remedy."""

    @classmethod
    def taken(cls, message: str, name: str) -> ConflictError:
        """The error for a name that something else has."""
        return cls(message, (FieldError(field="name", got=name, expected="a name not in use"),))


class VersionConflictError(ConflictError):
    """The thing has changed since it was read: read it again, and repeat the edit on that."""


class StaticJobError(RefusedError):
    """A job declared in code cannot be deleted at run time: remove it there, or pause it."""


class UnauthorizedError(RefusedError):
    """No token was given, or it is not known here."""


class ForbiddenError(RefusedError):
    """The token is known and its role does not allow this."""


class UnavailableError(SchedtuiError):
    """It did not work now and may work later. A retry is safe."""

    retryable = True


class StoreUnavailableError(UnavailableError):
    """The store is locked, full or unreachable. Nothing was changed."""


class EngineStoppedError(UnavailableError):
    """The engine is not running (not yet, or not any more)."""


class UnreachableError(UnavailableError, ConnectionError):
    """The engine cannot be reached at its address."""


class UncertainError(UnreachableError):
    """The connection broke after a change had been sent: it may or may not have been made."""

    retryable = False


class StoreError(SchedtuiError):
    """The store cannot be used as it is."""


class StoreDataError(StoreError):
    """The store refused these very data; the same data will be refused again."""


class StoreLockedError(StoreError):
    """Another engine owns this store."""

    def __init__(self, path: str, *, pid: int | None = None, address: str | None = None) -> None:
        who = f"by process {pid}" if pid else "by another process"
        where = f" at {address}" if address else ""
        stop = "Close that engine first"
        if pid != os.getpid():
            kill = f", else with `kill {pid}`" if pid else ""
            stop = f"Stop that one first (in its console with `q`, then `s`{kill})"
        look = ", open the console on it with `schedtui` there" if address else ""
        super().__init__(
            f"{path} is in use {who}{where}; one SQLite store has one engine. "
            f"{stop}{look}, or give this one its own store"
        )
        self.path = path
        self.pid = pid
        self.address = address


class StoreSchemaError(StoreError):
    """The store was written by a newer schedtui than this one."""


class LateValueError(SchedtuiError):
    """The value of a `Late` parameter could not be fetched; its cause is what the provider raised.

    The function was not called.
    """


class EventGapError(SchedtuiError):
    """Changes after this cursor are no longer known; take a fresh snapshot."""

    retryable = True


class ProtocolError(SchedtuiError):
    """The other side did not speak schedtui's language."""


class TargetError(SchedtuiError):
    """User code could not be loaded."""

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None, hint: str = ""
    ) -> None:
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{place}{message}{'. ' + hint if hint else ''}")
        self.file = file
        self.line = line


def shorten(value: object, limit: int = 80) -> str:
    """``repr(value)`` cut to ``limit`` characters, and safe against a ``repr`` that raises."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - user objects may raise anything here
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def shorten_value(value: Any) -> Any:
    """A JSON scalar as it is when short, else its shortened ``repr``."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and value.bit_length() <= 256:
        return value
    if isinstance(value, str) and len(value) <= 80:
        return value
    return shorten(value)
