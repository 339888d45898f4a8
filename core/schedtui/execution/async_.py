"""Coroutine functions, on the event loop that the engine runs on."""

from __future__ import annotations

import asyncio
import inspect
import os
from contextvars import Context, copy_context

from schedtui.capture import ask_to_end
from schedtui.clock import Clock
from schedtui.errors import EngineStoppedError
from schedtui.execution.ended import (
    ASKED,
    ended_cancelled,
    ended_error,
    ended_ok,
    ended_refused,
    not_run,
)
from schedtui.execution.forked import leave_if_forked
from schedtui.execution.report import report
from schedtui.protocols import Call, Ended

_CLOSE_GRACE_S = 0.5


class AsyncExecutor:
    """Makes each call as a task of its own.

    An end is reported once, in the context in which `start` was called. A function that swallows
    its cancellation is reported when it does end, as what it then is.

    Args:
        clock: For the time of an end.
        slots: How many calls it makes at once.
    """

    def __init__(self, clock: Clock, *, slots: int = 1_000) -> None:
        self._clock = clock
        self._slots = slots
        self._tasks: dict[int, tuple[asyncio.Task[None], Context]] = {}
        self._asked: set[int] = set()
        """Runs that were asked to end."""
        self._stuck: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = Context()
        self._closed = False

    @property
    def kind(self) -> str:
        """``async``."""
        return "async"

    @property
    def slots(self) -> int:
        """How many calls it makes at once."""
        return self._slots

    @property
    def stuck(self) -> int:
        """Calls that were let go and still run."""
        return len(self._stuck)

    def start(self) -> None:
        """Serve the event loop that is running."""
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._closed = False

    def submit(self, call: Call) -> None:
        """Make the call in a task.

        Raises:
            EngineStoppedError: not started, or closed.
        """
        if self._loop is None or self._closed:
            raise EngineStoppedError("the async executor is not running: start it first")
        context = call.context
        task = self._loop.create_task(
            self._run(call), name=f"schedtui call {call.id}", context=context
        )
        self._tasks[call.id] = task, context

    def cancel(self, call_id: int) -> bool:
        """Cancel the task of a call; one that has not begun yet will not."""
        known = self._tasks.get(call_id)
        if known is None:
            return False
        task, context = known
        self._asked.add(call_id)
        ask_to_end(context)
        # A task that is cancelled before its first step never reaches the code that reports.
        coroutine = task.get_coro()
        if inspect.iscoroutine(coroutine) and coroutine.cr_await is not None:
            task.cancel()
        return True

    def abandon(self, call_id: int) -> bool:
        """Let go of a call; one that has not begun yet will not."""
        if not self.cancel(call_id):
            return False
        task, _ = self._tasks.pop(call_id)
        self._stuck.add(task)
        task.add_done_callback(self._stuck.discard)
        return True

    def renew(self) -> None:
        """The loop calls what it is given: nothing is kept."""

    async def close(self) -> None:
        """Cancel every call and give them a moment; those that go on never report."""
        current = asyncio.current_task()
        tasks = []
        for call_id, (task, _) in list(self._tasks.items()):
            if task is not current:
                self.cancel(call_id)
                tasks.append(task)
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_GRACE_S)
        self._closed = True

    async def _run(self, call: Call) -> None:
        # All of it in one coroutine: each further one costs every run a microsecond.
        call_id = call.id
        pid = os.getpid()
        try:
            if call_id in self._asked:
                ended = ended_cancelled(self._clock)
            else:
                value = call.function(**call.kwargs)
                if inspect.isawaitable(value):
                    value = await value
                leave_if_forked(pid)
                ended = self._returned(value, call_id)
        except asyncio.CancelledError as error:
            leave_if_forked(pid, error)
            ended = self._cancelled(error, call_id)
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a job must not end the loop
            leave_if_forked(pid, error)
            ended = ended_error(error, self._clock)
        self._asked.discard(call_id)
        if self._tasks.pop(call_id, None) is None:
            return  # it was let go
        if not self._closed and self._loop is not None and not self._loop.is_closed():
            self._context.run(report, call, ended)

    def _returned(self, value: object, call_id: int) -> Ended:
        refusal = not_run(value)
        if refusal is not None:
            return ended_refused(refusal, self._clock)
        ended = ended_ok(value, self._clock)
        if call_id in self._asked:
            return ended._replace(reason=ASKED)
        return ended

    def _cancelled(self, error: asyncio.CancelledError, call_id: int) -> Ended:
        if call_id in self._asked:
            return ended_cancelled(self._clock, error)
        known = self._tasks.get(call_id)
        if known is not None and known[0].cancelling():
            reason = "its task was cancelled by other code of this process"
            return ended_cancelled(self._clock, error, reason=reason)
        ended = ended_error(error, self._clock)
        message = "it was cancelled from within, nobody had asked it to end"
        return ended if ended.error else ended._replace(error=message)
