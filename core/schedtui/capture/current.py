"""Which run the code that is executing belongs to.

A context variable says so. It follows ``await``, tasks and `asyncio.to_thread`; it does not follow
into a thread that a job starts itself (`threading.Thread`, ``loop.run_in_executor``): what such a
thread prints belongs to no run and goes where it went before, and `current_run` raises there. Start
it with ``contextvars.copy_context().run`` to take the run along.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from schedtui.models import Source

if TYPE_CHECKING:
    from schedtui.capture.sink import RunSink


@dataclass(frozen=True, kw_only=True, slots=True)
class CurrentRun:
    """The run that a function is executing for."""

    id: int
    job: str
    """``group/name`` of its job."""
    scheduled_for: datetime | None
    """The due time, aware UTC; None for a manual run. Use it, not the time now, to say which day's
    report this is: it is the same when the run starts late or is retried."""
    attempt: int
    """1 for the first."""
    source: Source
    """Why the run exists."""
    parent_id: int | None = None
    """The run it came from: the one that is run again, or after which it was chained."""
    handle: RunHandle | None = field(default=None, repr=False, compare=False)
    """Who knows whether it was asked to end."""

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to end; a function that looks at this can end by itself.

        A coroutine is also cancelled, and one in a process interrupted: to both a `CancelledError`
        is raised. A function in a thread has only this.
        """
        return self.handle is not None and self.handle.cancelled


class RunHandle(Protocol):
    """A run as the code that executes for it sees it.

    A handle goes into the context of every run, thousands a second; what it gives is made when it
    is asked for, which most runs never do.
    """

    cancelled: bool
    """Whether it was asked to end."""

    def current(self) -> CurrentRun:
        """What the run is."""

    def open_sink(self) -> RunSink | None:
        """Where what it says is kept; None once it has ended. From any thread."""


_ACTIVE: ContextVar[RunHandle | None] = ContextVar("schedtui_run", default=None)


def current_run() -> CurrentRun:
    """The run this code executes for.

    Raises:
        RuntimeError: it executes for none.
    """
    active = _ACTIVE.get()
    if active is None:
        raise RuntimeError(
            "there is no current run here: current_run() works inside a function that schedtui "
            "runs, and not in threads that the function starts itself; "
            "use current_run_or_none() where the code is also called directly"
        )
    return active.current()


def current_run_or_none() -> CurrentRun | None:
    """The run this code executes for, or None."""
    active = _ACTIVE.get()
    return None if active is None else active.current()


def current_sink() -> RunSink | None:
    """Where what this code writes is kept; None outside of a run, and after its end."""
    active = _ACTIVE.get()
    return None if active is None else active.open_sink()


def ask_to_end(context: Context) -> None:
    """Show the run of a context that it was asked to end. From any thread."""
    active = context.get(_ACTIVE)
    if active is not None:
        active.cancelled = True


@contextmanager
def within(run: RunHandle) -> Iterator[None]:
    """Make ``run`` the current run of this very context; for code that others call."""
    token = _ACTIVE.set(run)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def run_context(run: RunHandle, base: Context | None = None) -> Context:
    """A context in which ``run`` is the current run.

    Args:
        run: The run.
        base: The context to copy; None for the caller's own.
    """
    context = copy_context() if base is None else base.copy()
    context.run(_ACTIVE.set, run)
    return context
