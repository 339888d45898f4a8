"""One run, from the thread of the application in which its function executes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from schedtui.capture import CurrentRun, RunSink
from schedtui.clock import Clock, to_us
from schedtui.execution.ended import ended_cancelled, ended_error, ended_ok
from schedtui.models import Source

if TYPE_CHECKING:
    from schedtui.engine.live.run import LiveRun
    from schedtui.integrations.apscheduler.inside import Key
    from schedtui.integrations.apscheduler.ledger import Ledger
    from schedtui.protocols import Ended

logger = logging.getLogger("schedtui.apscheduler")

_SINKS = threading.Lock()


class Handle:
    """A run that has begun. Nothing here raises, whatever becomes of the observation.

    Args:
        ledger: Where it is written down.
        key: Its job.
        due: Its due time; None for a run that was asked for.
        run_id: The run that was written before; None: it is new.
    """

    __slots__ = (
        "cancelled",
        "due_us",
        "id",
        "key",
        "ledger",
        "live",
        "manual",
        "over",
        "sink",
        "started_us",
    )

    def __init__(
        self, ledger: Ledger, key: Key, due: datetime | None, run_id: int | None = None
    ) -> None:
        self.ledger = ledger
        self.key = key
        self.due_us = None if due is None or run_id is not None else to_us(due)
        self.manual = run_id is not None
        self.id = ledger.next_id() if run_id is None else run_id
        self.started_us = ledger.clock.now_us()
        self.cancelled = False
        self.over = False
        self.sink: RunSink | None = None
        self.live: LiveRun | None = None
        """The run in the engine's memory; set on its loop."""

    def current(self) -> CurrentRun:
        """What `current_run()` gives within it."""
        live = self.live
        due_us = self.due_us
        return CurrentRun(
            id=self.id,
            job=live.job.full_name if live is not None else "/".join(self.key),
            scheduled_for=None if due_us is None else self.ledger.moment(due_us),
            attempt=1,
            source=Source.MANUAL if self.manual else Source.SCHEDULE,
            handle=self,
        )

    def open_sink(self) -> RunSink | None:
        """Where what it says is kept; None after its end."""
        if self.sink is None and not self.over:
            with _SINKS:  # two threads of one run may say their first word at once
                if self.sink is None:
                    self.sink = RunSink(
                        run_id=self.id, attempt=1, clock=self.ledger.clock, on_dirty=self._dirty
                    )
        return None if self.over else self.sink

    def returned(self, value: object) -> None:
        """Its function has returned."""
        self._end_with(lambda clock: ended_ok(value, clock))

    def raised(self, error: BaseException) -> None:
        """Its function has raised."""
        if isinstance(error, asyncio.CancelledError):
            reason = "cancelled by the application, as when APScheduler shuts down"
            self._end_with(lambda clock: ended_cancelled(clock, error, reason=reason))
        else:
            self._end_with(lambda clock: ended_error(error, clock))

    def end(self, ended: Ended) -> None:
        """It has ended; what is told of it later does not count."""
        if self.over:
            return
        self.over = True
        if self.sink is not None:
            self.sink.close()
        self.ledger.tell(self.ledger.record.ended, self, ended)

    def _end_with(self, make: Callable[[Clock], Ended]) -> None:
        try:
            if not self.over:
                self.end(make(self.ledger.clock))
        except Exception:
            logger.exception("the end of run %d cannot be observed", self.id)

    def _dirty(self, sink: RunSink) -> None:
        if self.live is not None:
            self.live.sink = sink
        self.ledger.said(sink)
