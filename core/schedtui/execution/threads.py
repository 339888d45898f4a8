"""Plain functions, in a bounded pool of threads.

The threads are daemons of our own: those of `concurrent.futures` are joined when the interpreter
exits, so that one stuck function would keep the whole process alive.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue

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

_BATCH = 500
"""Ends that are reported at a time, so that thousands of them do not hold the loop."""


class ThreadExecutor:
    """Makes each call in one of up to ``slots`` threads, which are started as they are needed.

    A function that is running cannot be ended from outside: it is asked, and may look. One that is
    let go keeps its thread until it ends, and another thread takes its place.
    ``input()`` and ``sys.exit()`` in a function are ordinary failures: `SystemExit` is caught, and
    where standard input is ``/dev/null``, as below the console, ``input()`` raises `EOFError`.

    Args:
        clock: For the time of an end.
        slots: How many calls it makes at once.
    """

    def __init__(self, clock: Clock, *, slots: int = 32) -> None:
        self._clock = clock
        self._slots = slots
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = Context()
        self._queue: SimpleQueue[int | None] = SimpleQueue()
        # Whoever pops a call from here has it: the thread that will make it, or cancel().
        self._waiting: dict[int, Call] = {}
        # Likewise: the thread that made it reports it, abandon() has it never reported.
        self._running: dict[int, Call] = {}
        self._asked: set[int] = set()
        self._stuck: set[int] = set()
        self._ended: deque[tuple[Call, Ended]] = deque()
        self._delivering = False
        self._unreported = 0
        self._threads = 0
        self._closed = False

    @property
    def kind(self) -> str:
        """``thread``."""
        return "thread"

    @property
    def slots(self) -> int:
        """How many calls it makes at once."""
        return self._slots

    @property
    def stuck(self) -> int:
        """Calls that were let go and still have a thread."""
        return len(self._stuck)

    def start(self) -> None:
        """Serve the event loop that is running."""
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._closed = False

    def submit(self, call: Call) -> None:
        """Make the call in a thread, the next one that is free.

        Raises:
            EngineStoppedError: not started, or closed.
        """
        if self._loop is None or self._closed:
            raise EngineStoppedError("the thread executor is not running: start it first")
        self._unreported += 1
        self._waiting[call.id] = call
        self._queue.put(call.id)
        if self._threads < min(self._slots, self._unreported):
            self._start_thread(call)

    def cancel(self, call_id: int) -> bool:
        """Take back a call that no thread has begun; ask one that runs to end by itself."""
        call = self._waiting.pop(call_id, None)
        if call is not None:
            ask_to_end(call.context)
            self._hand_over(call, ended_cancelled(self._clock))
            return True
        call = self._running.get(call_id)
        if call is None:
            return False
        self._asked.add(call_id)
        ask_to_end(call.context)
        return True

    def abandon(self, call_id: int) -> bool:
        """Let go of a call. Its thread is one of the pool no more, and ends with the function."""
        if self._waiting.pop(call_id, None) is not None:
            self._unreported -= 1
            return True
        if call_id not in self._running:
            return False
        self._stuck.add(call_id)  # before its thread could look for it there
        if self._running.pop(call_id, None) is None:
            self._stuck.discard(call_id)
            return False
        self._unreported -= 1
        self._threads -= 1
        waiting = next(iter(list(self._waiting.values())), None)
        if waiting is not None:
            self._start_thread(waiting)
        return True

    def renew(self) -> None:
        """Threads call what they are given: nothing is kept."""

    async def close(self) -> None:
        """Take back what has not begun, report what has ended, abandon what still runs."""
        for call_id in list(self._waiting):
            self.cancel(call_id)
        for call_id in list(self._running):
            self.abandon(call_id)
        while self._ended:
            self._deliver()
        self._closed = True
        for _ in range(self._threads):
            self._queue.put(None)
        # A new one, so that a thread which still runs finds that it is no longer waited for.
        self._queue = SimpleQueue()
        self._threads = 0
        self._unreported = 0

    def _start_thread(self, call: Call) -> None:
        thread = threading.Thread(
            target=self._work,
            args=(self._queue,),
            name=f"schedtui-{self._threads + 1}",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError as error:
            # The machine has no thread left: those that are there will do, if there are any.
            if self._threads == 0 and self._waiting.pop(call.id, None) is not None:
                self._hand_over(call, ended_error(error, self._clock))
            return
        self._threads += 1

    # --- in the threads ---------------------------------------------------------------------------

    def _work(self, queue: SimpleQueue[int | None]) -> None:
        # Other code may throw an exception into this thread at any point of it.
        while not self._serve(queue):
            pass

    def _serve(self, queue: SimpleQueue[int | None]) -> bool:
        """Make calls until the queue ends; False where an accident cut that short."""
        call: Call | None = None
        try:
            while (call_id := queue.get()) is not None:
                call = self._taken(call_id)
                if call is not None and not self._end(call, self._make(call), queue):
                    return True
                # It is not to live until the next call comes.
                call = None
        except BaseException as error:  # noqa: BLE001 - the thread, its slot and its call would be lost
            return call is not None and not self._end(call, ended_error(error, self._clock), queue)
        return True

    def _taken(self, call_id: int) -> Call | None:
        call = self._waiting.get(call_id)
        if call is not None:
            # In this order it is known at every moment, to whoever asks for it to end.
            self._running[call_id] = call
            if self._waiting.pop(call_id, None) is None:
                del self._running[call_id]
                return None
        return call

    def _end(self, call: Call, ended: Ended, queue: SimpleQueue[int | None]) -> bool:
        """Report a call, once; False where it was let go, and the thread with it."""
        self._asked.discard(call.id)
        if self._running.pop(call.id, None) is None:
            if call.id not in self._stuck:
                return True
            self._stuck.discard(call.id)
            return False
        if queue is self._queue:
            self._hand_over(call, ended)
        return True

    def _make(self, call: Call) -> Ended:
        pid = os.getpid()
        try:
            value = call.context.run(call.function, **call.kwargs)
            leave_if_forked(pid)
            refusal = not_run(value)
            if refusal is not None:
                return ended_refused(refusal, self._clock)
            ended = ended_ok(value, self._clock)
            return ended._replace(reason=ASKED) if call.id in self._asked else ended
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a job must not end the thread
            leave_if_forked(pid, error)
            if isinstance(error, asyncio.CancelledError) and call.id in self._asked:
                return ended_cancelled(self._clock, error)
            return ended_error(error, self._clock)

    def _hand_over(self, call: Call, ended: Ended) -> None:
        """Have the end reported on the loop. One wake-up of the loop serves many ends."""
        self._ended.append((call, ended))
        if self._delivering or self._closed or self._loop is None:
            return
        self._delivering = True
        # The loop may be closed by now: this is then a late result that nobody waits for.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._deliver, context=self._context)

    # --- on the loop ------------------------------------------------------------------------------

    def _deliver(self) -> None:
        # Before the queue is read: an end that comes meanwhile asks for another delivery.
        self._delivering = False
        if self._closed:
            self._ended.clear()
            return
        for _ in range(_BATCH):
            if not self._ended:
                return
            call, ended = self._ended.popleft()
            self._unreported -= 1
            report(call, ended)
        if self._ended and not self._delivering and self._loop is not None:
            self._delivering = True
            self._loop.call_soon(self._deliver, context=self._context)
