"""Functions in processes of their own.

Not `pebble`: it sends functions, arguments, results and exceptions as pickles, has no way back for
lines and progress while a function runs, and kills one process where this kills its whole group.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from contextvars import Context, copy_context
from functools import partial

from schedtui.capture import ask_to_end
from schedtui.clock import Clock
from schedtui.errors import EngineStoppedError, InvalidError
from schedtui.execution.ended import ended_cancelled, ended_error
from schedtui.execution.process.memory import can_watch
from schedtui.execution.process.place import Place
from schedtui.execution.process.station import KILL_GRACE_S, Station
from schedtui.execution.report import report
from schedtui.protocols import Call, Ended

CPUS = os.cpu_count() or 1
"""Worker processes where nobody says how many."""
_LAST_S = 1.0


class ProcessExecutor:
    """Makes each call in one of up to ``slots`` worker processes.

    A worker is a fresh interpreter that imports the module of the function, finds the function by
    its name, and speaks JSON over a socket. It makes one call at a time, and then another one,
    unless the call was asked to end, left a child behind or changed the working directory. While
    calls are made, one more worker than they need is kept ready, within ``slots``.

    Args:
        clock: For the time of an end.
        slots: How many calls it makes at once.
        max_runs: A worker that has made so many calls ends.
        idle_s: So does one that had nothing to do for so many seconds.
    """

    def __init__(
        self, clock: Clock, *, slots: int = CPUS, max_runs: int = 100, idle_s: float = 60.0
    ) -> None:
        self._clock = clock
        self._slots = slots
        self._max_runs = max_runs
        self._idle_s = idle_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = Context()
        self._waiting: deque[Call] = deque()
        self._stations: list[Station] = []
        self._empty = asyncio.Event()
        self._closed = False

    @property
    def kind(self) -> str:
        """``process``."""
        return "process"

    @property
    def slots(self) -> int:
        """How many calls it makes at once."""
        return self._slots

    @property
    def stuck(self) -> int:
        """Calls that were let go and whose process is not gone yet."""
        return sum(station.stuck for station in self._stations)

    def start(self) -> None:
        """Serve the event loop that is running. Workers are started when there is work."""
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._closed = False

    def submit(self, call: Call) -> None:
        """Make the call in a worker, the next one that is free.

        Raises:
            EngineStoppedError: not started, or closed.
        """
        if self._loop is None or self._closed:
            raise EngineStoppedError("the process executor is not running: start it first")
        refusal = _refusal(call)
        if refusal is not None:
            self._report_soon(call, ended_error(refusal, self._clock))
            return
        self._waiting.append(call)
        self._hand_out()

    def cancel(self, call_id: int) -> bool:
        """Ask a call to end with SIGTERM, and kill it with all that it started in a moment.

        One that no worker has begun is taken back.
        """
        station = self._station_of(call_id)
        if station is not None and station.call is not None:
            ask_to_end(station.call.context)
            station.ask()
            return True
        call = self._take_back(call_id)
        if call is None:
            return False
        ask_to_end(call.context)
        self._report_soon(call, ended_cancelled(self._clock))
        return True

    def abandon(self, call_id: int) -> bool:
        """Kill a call with all that it started, without hearing of its end."""
        station = self._station_of(call_id)
        if station is None:
            return self._take_back(call_id) is not None
        station.let_go()
        self._hand_out()
        return True

    def renew(self) -> None:
        """Make no further call in the workers of now: what they have imported is out of date."""
        for station in self._stations:
            station.retire()

    def kill(self) -> None:
        """End every worker at once, from any thread: for when the loop has died."""
        for station in list(self._stations):
            station.let_go()

    async def close(self) -> None:
        """Take back what waits, ask what runs to end, kill what does not, and end every worker."""
        for call in list(self._waiting):
            self.cancel(call.id)
        for station in list(self._stations):
            if station.call is not None:
                self.cancel(station.call.id)
            else:
                station.retire()
        if not await self._all_gone(KILL_GRACE_S + _LAST_S):
            self.kill()
            await self._all_gone(_LAST_S)
        await asyncio.sleep(0)  # lets what was taken back be reported
        self._closed = True

    async def _all_gone(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while self._stations:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            return False
        return True

    # --- who makes which call -----------------------------------------------------------------

    def _hand_out(self) -> None:
        place = Place.now() if self._waiting else None
        while self._waiting and place is not None:
            call = self._waiting[0]
            station = self._idle(place, call.memory_limit_mb) or self._new(place)
            if station is None:
                return
            self._waiting.popleft()
            try:
                station.take(call)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this call's end
                station.rest(self._idle_s)
                self._report_soon(call, ended_error(error, self._clock))
                continue
            self._keep_ready(place, call)

    def _idle(self, place: Place, limit_mb: int | None) -> Station | None:
        """A worker to make a call in; those that would not do are sent home."""
        for station in list(self._stations):
            if station.is_idle:
                full = limit_mb is not None and station.runs and 2 * station.used_mb > limit_mb
                if station.place == place and not full:
                    return station
                station.retire()
        return None

    def _new(self, place: Place) -> Station | None:
        if self._loop is None or sum(not one.ending for one in self._stations) >= self._slots:
            return None
        station = Station(place, self, clock=self._clock, loop=self._loop)
        self._stations.append(station)
        station.start()
        return station

    def _keep_ready(self, place: Place, call: Call) -> None:
        if any(station.is_idle for station in self._stations):
            return
        spare = self._new(place)
        if spare is not None and call.origin is not None:
            spare.warm(call.origin)
            spare.rest(self._idle_s)

    def _station_of(self, call_id: int) -> Station | None:
        for station in self._stations:
            if station.call is not None and station.call.id == call_id:
                return station
        return None

    def _take_back(self, call_id: int) -> Call | None:
        for call in self._waiting:
            if call.id == call_id:
                self._waiting.remove(call)
                return call
        return None

    # --- what the stations tell ---------------------------------------------------------------

    def ended(self, station: Station, call: Call, ended: Ended | None) -> None:
        """A call has ended; None where it never began, and may be made again."""
        if station.is_idle:
            if station.runs >= self._max_runs:
                station.retire()
            else:
                station.rest(self._idle_s)
        if ended is None:
            self._waiting.appendleft(call)
        else:
            self._report(call, ended)
        self._hand_out()

    def gone(self, station: Station) -> None:
        """A worker has ended."""
        self._stations.remove(station)
        if not self._stations:
            self._empty.set()
        self._hand_out()

    def _report_soon(self, call: Call, ended: Ended) -> None:
        if self._loop is not None:
            self._loop.call_soon(partial(self._report, call, ended))

    def _report(self, call: Call, ended: Ended) -> None:
        if not self._closed:
            self._context.run(report, call, ended)


def _refusal(call: Call) -> Exception | None:
    if call.origin is None:
        return InvalidError(f"call {call.id}: nothing says where another process finds it")
    if call.memory_limit_mb is not None and not can_watch():
        return InvalidError(
            "memory_limit_mb needs Linux: this system does not tell how much a process uses; "
            "remove the limit here"
        )
    return None
