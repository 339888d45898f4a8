"""What an executor promises its engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, NamedTuple, Protocol

from schedtui.models import RunState


class Ended(NamedTuple):
    """How a call ended; everything in it is text already and capped."""

    state: RunState
    finished_at_us: int
    error_type: str | None = None
    error: str | None = None
    traceback: str | None = None
    result: str | None = None
    result_is_json: bool = False
    reason: str | None = None
    kinds: tuple[str, ...] = ()
    """The exception's class and those above it, for ``retry_on``."""
    late: Mapping[str, str] | None = None
    """Fingerprints of late values that were fetched elsewhere; None where they were not."""


class Origin(NamedTuple):
    """Where a process that does not have a function yet finds it.

    Made from the function in the registry; never read from a store or a request.
    """

    function: str
    """``group/name``."""
    module: str
    qualname: str
    """Its dotted name within the module."""
    file: str
    """Of the module; empty when that is not known."""


class Call(NamedTuple):
    """One execution of a function, ready to be made."""

    id: int
    """What `cancel` and `abandon` know it by; each attempt of a run has its own."""
    function: Callable[..., Any]
    kwargs: Mapping[str, Any]
    context: Context
    """Holds the current run, so that what the function logs finds its way."""
    done: Callable[[Ended], None]
    """Called once, on the event loop."""
    origin: Origin | None = None
    """For executors that make calls elsewhere, which also check ``kwargs`` there: those are then
    JSON values, and ``function`` is not used."""
    memory_limit_mb: int | None = None
    """MiB that the process which makes the call may use."""
    late_key: bytes = b""
    """Of the fingerprints of late values that are fetched elsewhere."""


class Executor(Protocol):
    """Makes calls. Never raises what a function raises: an end is always an `Ended`."""

    @property
    def kind(self) -> str:
        """``async``, ``thread`` or ``process``."""

    @property
    def slots(self) -> int:
        """How many calls it makes at once."""

    def start(self) -> None:
        """Make ready; called on the event loop it will serve."""

    def submit(self, call: Call) -> None:
        """Make the call now; on the event loop; never more than ``slots`` at once."""

    def cancel(self, call_id: int) -> bool:
        """Ask a call to end, and show it in ``current_run().cancelled``; False for an unknown one.

        A coroutine is cancelled, a process is killed when it does not end within a moment; a
        function in a thread ends when it looks. The end is reported as always.
        """

    def abandon(self, call_id: int) -> bool:
        """Let go of a call: it never reports, and its slot may be given to another at once."""

    @property
    def stuck(self) -> int:
        """Calls that were let go and still run."""

    def renew(self) -> None:
        """The code was reloaded: make no further call with what was imported before."""

    async def close(self) -> None:
        """Let go of everything; calls that cannot be ended are abandoned and never report."""
