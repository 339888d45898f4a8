"""A worker process and the call that it makes, on the engine's loop."""

from __future__ import annotations

import asyncio
from typing import Protocol

from schedtui.capture import RunSink, current_run
from schedtui.capture.current import current_sink
from schedtui.clock import Clock, to_us
from schedtui.errors import ProtocolError
from schedtui.execution.ended import ended_cancelled, ended_error
from schedtui.execution.process.child import Child
from schedtui.execution.process.frames import Message
from schedtui.execution.process.memory import CHECK_S, used_mb
from schedtui.execution.process.place import Place
from schedtui.execution.process.verdict import died, over_limit, read_ended, read_said, spoiled
from schedtui.models import RunState
from schedtui.protocols import Call, Ended, Origin

KILL_GRACE_S = 1.0
"""What a call that was asked to end has before it is killed."""
_FROM_ELSEWHERE = "its worker process was sent SIGTERM, and not by this engine"


class Owner(Protocol):
    """Who has the station."""

    def ended(self, station: Station, call: Call, ended: Ended | None) -> None:
        """A call has ended; None where it never began, and may be made again."""

    def gone(self, station: Station) -> None:
        """Its process has ended."""


class Station:
    """Makes one call at a time in one process."""

    def __init__(
        self, place: Place, owner: Owner, *, clock: Clock, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.call: Call | None = None
        """The call that it makes."""
        self.runs = 0
        """Calls that it has made."""
        self.stuck = False
        """Whether it was made to let go of a call, and its process is not gone yet."""
        self._ending = False
        self._asked = False
        self._begun = False
        self._spent = False
        self._verdict: Ended | None = None
        self._dropped = 0
        self._owner = owner
        self._clock = clock
        self._loop = loop
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._child = Child(place, self, loop)

    @property
    def place(self) -> Place:
        """Where its process finds its modules."""
        return self._child.place

    @property
    def ending(self) -> bool:
        """Whether it takes no call any more; what is killed does not, even before it is gone."""
        return self._ending or self._child.killed

    @property
    def is_idle(self) -> bool:
        """Whether it would take a call."""
        return self.call is None and not self.ending

    @property
    def used_mb(self) -> int:
        """MiB that its process uses; 0 before it is there."""
        pid = self._child.pid
        return 0 if pid is None else used_mb(pid)

    def start(self) -> None:
        """Start the process."""
        try:
            self._child.start()
        except RuntimeError as error:  # no thread is left
            self._child.failure = error
            self._loop.call_soon(self.gone, self._child)

    def warm(self, origin: Origin) -> None:
        """Have a function's module imported before it is needed."""
        self._child.send({"do": "warm", "origin": origin})

    def take(self, call: Call) -> None:
        """Make a call.

        Raises:
            Exception: it cannot be told to another process; nothing was sent.
        """
        message = _as_message(call, self.runs)
        self._stop_timer("idle")
        self._begun = False
        self._dropped = 0
        self._child.send(message)
        self.call = call
        if call.memory_limit_mb is not None:
            self._look(call.memory_limit_mb)

    def rest(self, seconds: float) -> None:
        """End unless a call comes within so many seconds."""
        self._stop_timer("idle")
        self._timers["idle"] = self._loop.call_later(seconds, self.retire)

    def retire(self) -> None:
        """Take no call any more, and end after the present one."""
        self._ending = True
        if self.call is None:
            self._leave()

    def ask(self) -> None:
        """Ask the call to end, and kill it if it has not in a moment."""
        if self._asked:
            return
        self._asked = True
        if self._child.pid is None:
            self._child.kill()  # it is not to begin at all
            return
        self._child.ask()
        self._kill_later()

    def let_go(self) -> None:
        """End the process now; its call never reports."""
        self.stuck = self.call is not None
        self.call = None
        self._ending = True
        self._child.kill()

    def _leave(self) -> None:
        self._child.send({"do": "end"})
        self._kill_later()

    def _kill_later(self) -> None:
        if "kill" not in self._timers:
            self._timers["kill"] = self._loop.call_later(KILL_GRACE_S, self._child.kill)

    def _look(self, limit_mb: int) -> None:
        used = self.used_mb
        if used > limit_mb:
            self._verdict = over_limit(used, limit_mb, self._clock)
            self._child.kill()
        else:
            self._timers["look"] = self._loop.call_later(CHECK_S, self._look, limit_mb)

    def _stop_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    # --- what the process tells ---------------------------------------------------------------

    def told(self, _child: Child, message: Message) -> None:
        """It sent a message."""
        kind = message.get("tell")
        if kind not in ("began", "said", "ended"):
            raise ProtocolError(f"a message that tells {kind!r:.50}")
        if self.call is None or message.get("call") != self.runs:
            return  # from a thread of a call that has ended, or was let go
        if kind == "began":
            self._begun = True
        elif kind == "said":
            self._said(read_said(message))
        else:
            self._told_end(message)

    def _told_end(self, message: Message) -> None:
        ended = read_ended(message.get("ended"), self._clock)
        self._child.drain()  # what it wrote by other ways came before this
        if ended.state is RunState.CANCELLED and not self._asked:
            ended = ended._replace(reason=_FROM_ELSEWHERE)
        if message.get("spent") is not False or self._asked:
            self._ending = True
        self._settle(self._verdict or ended)
        if self._ending:
            self._leave()

    def _said(self, said: tuple[list[tuple[str, str, str]], float | None, str, int]) -> None:
        lines, progress, progress_text, dropped = said
        sink = self._sink()
        if sink is None:
            return
        for level, stream, text in lines:
            sink.relay(level, stream, text)
        if (progress, progress_text) != (sink.progress, sink.progress_text):
            sink.set_progress(progress, progress_text)
        sink.dropped += max(0, dropped - self._dropped)
        self._dropped = max(dropped, self._dropped)

    def printed(self, _child: Child, stream: str, data: bytes) -> None:
        """Something was written to its stdout or stderr by other ways than `print` in the run."""
        sink = self._sink() if self._begun else None
        if sink is not None:
            sink.feed_bytes(stream, data)

    def gone(self, child: Child) -> None:
        """It has ended."""
        self._ending = True
        for name in list(self._timers):
            self._stop_timer(name)
        if self.call is not None:
            self._settle(self._last(child))
        self._owner.gone(self)

    def _last(self, child: Child) -> Ended | None:
        if self._verdict is not None:
            return self._verdict
        if self._asked:
            return ended_cancelled(self._clock)
        if child.failure is not None:
            return ended_error(child.failure, self._clock)
        if child.fault:
            return spoiled(child.fault, self._clock)
        if self.runs and not self._begun:
            return None  # it died idle, of whatever; the function has not seen anything of it
        words = child.last_words.decode("utf-8", "replace")
        return died(child.code, self._clock, begun=self._begun, last_words=words)

    def _settle(self, ended: Ended | None) -> None:
        call = self.call
        if call is None:
            return
        self._stop_timer("look")
        self.call = None
        self.runs += 1
        self._owner.ended(self, call, ended)

    def _sink(self) -> RunSink | None:
        return None if self.call is None else self.call.context.run(current_sink)


def _as_message(call: Call, number: int) -> Message:
    run = call.context.run(current_run)
    given = {
        "id": run.id,
        "job": run.job,
        "due_us": None if run.scheduled_for is None else to_us(run.scheduled_for),
        "attempt": run.attempt,
        "source": run.source.value,
        "parent_id": run.parent_id,
    }
    return {
        "do": "call",
        "call": number,
        "origin": call.origin,
        "kwargs": dict(call.kwargs),
        "run": given,
        "late_key": call.late_key.hex(),
    }
