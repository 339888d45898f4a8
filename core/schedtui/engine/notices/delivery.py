"""Bringing notices to where they go: at least once, in order, again and again where it fails.

A thread for each target, so that one that hangs holds up neither the others nor the engine.
"""

from __future__ import annotations

import asyncio
import logging

from schedtui.alerts import send
from schedtui.clock import Timer
from schedtui.engine.core import Core
from schedtui.engine.daemons import DaemonThreads
from schedtui.engine.jobs.writes import JobWrites
from schedtui.engine.notices.alerting import Alerts
from schedtui.errors import SchedtuiError
from schedtui.models.alert import Alert
from schedtui.protocols import Posted

logger = logging.getLogger("schedtui.alerts")

BACKOFF_S = (5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0)
GIVE_UP_S = 3 * 86_400.0
"""What could not be delivered for so long is dropped."""
AT_ONCE = 100
"""Notices that are read together."""
STORE_S = 5.0
"""Before a store that did not answer is asked again."""


class Delivery:
    """Delivers what is in the outbox; on the engine's loop.

    Args:
        core: The engine's parts.
        writes: Writes to the store.
        alerts: Makes the notices.
    """

    def __init__(self, core: Core, writes: JobWrites, alerts: Alerts) -> None:
        self._core = core
        self._writes = writes
        self._alerts = alerts
        self._threads = DaemonThreads(max(1, len(alerts.targets)), "schedtui-alerts")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        """Targets for which something came while they were at work."""
        self._timers: dict[str, Timer] = {}
        """Targets that failed, until they are tried again."""
        self._closed = True
        self._tidying: asyncio.Task[None] | None = None
        alerts.on_post = self.kick

    @property
    def busy(self) -> bool:
        """Whether something is being delivered."""
        return bool(self._tasks)

    def open(self) -> None:
        """Begin, with what earlier engines have left."""
        self._closed = False
        known = {alert.name for alert in self._alerts.targets}
        self._tidying = self._core.loop.create_task(self._tidy(known))
        self.kick()

    def close(self) -> None:
        """Begin nothing more; what is left is delivered after the next start."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        if self._tidying is not None:
            self._tidying.cancel()
        for task in self._tasks.values():
            task.cancel()
        self._threads.shutdown(wait=False)

    def kick(self) -> None:
        """There may be something to deliver."""
        if self._closed:
            return
        for alert in self._alerts.targets:
            self._tell_dropped(alert)
            if alert.name in self._tasks:
                self._again.add(alert.name)
            elif alert.name not in self._timers:
                self._begin(alert)

    def _begin(self, alert: Alert) -> None:
        name = alert.name

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.pop(name, None)
            if not task.cancelled() and (error := task.exception()) is not None:
                logger.error("alerts to %s stopped: %s", name, error, exc_info=error)
                self._later(alert, STORE_S)
            elif name in self._again and name not in self._timers and not self._closed:
                self._begin(alert)

        self._again.discard(name)
        self._timers.pop(name, None)
        self._tasks[name] = task = self._core.loop.create_task(self._work(alert))
        task.add_done_callback(over)

    def _later(self, alert: Alert, delay_s: float) -> None:
        if not self._closed:
            self._timers[alert.name] = self._core.clock.call_later(
                delay_s, lambda: self._begin(alert)
            )

    async def _tidy(self, known: set[str]) -> None:
        """Drop what is for a target that there is no more."""
        try:
            gone = await self._writes.write(lambda tx: tx.undeliverable(sorted(known)))
            if gone:
                logger.warning("%d alerts are dropped: where they go to is gone", gone)
        except SchedtuiError as error:
            logger.warning("old alerts are left for the next start: %s", error)

    async def _work(self, alert: Alert) -> None:
        try:
            outbox = self._core.store.outbox
            while held := await self._core.off_loop(outbox, alert.name, AT_ONCE):
                for posted in held:
                    if not await self._deliver(alert, posted):
                        return
        except SchedtuiError as error:
            logger.warning("alerts to %s wait: %s", alert.name, error)
            self._later(alert, STORE_S)

    async def _deliver(self, alert: Alert, posted: Posted) -> bool:
        """Deliver one. Returns whether the next one may be tried."""
        now_us = self._core.clock.now_us()
        message_id = f"{self._core.store_id}.{posted.id}"
        try:
            await self._threads.call(send, alert, message_id, posted.body, now_us // 1_000_000)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            return await self._failed(alert, posted, error, (now_us - posted.at_us) / 1e6)
        self._alerts.dropped.pop(alert.name, None)
        self._core.problem(f"alerts {alert.name}", None)
        self._core.problem(f"dropped alerts {alert.name}", None)
        await self._writes.write(lambda tx: tx.delivered([posted.id]))
        return True

    async def _failed(self, alert: Alert, posted: Posted, error: Exception, age_s: float) -> bool:
        tries = posted.tries + 1
        text = f"alerts to {alert.name} are not delivered: {error}"
        if tries == 1:
            logger.warning("%s; it is tried again", text)
        self._core.problem(f"alerts {alert.name}", text)
        if age_s > GIVE_UP_S:
            logger.error("%s; one of %.0f days ago is given up", text, age_s / 86_400)
            await self._writes.write(lambda tx: tx.delivered([posted.id]))
        else:
            delay_s = BACKOFF_S[min(tries, len(BACKOFF_S)) - 1]
            next_us = self._core.clock.now_us() + round(delay_s * 1e6)
            self._later(alert, delay_s)
            await self._writes.write(lambda tx: tx.postpone([posted.id], next_us))
            return False
        return True

    def _tell_dropped(self, alert: Alert) -> None:
        count = self._alerts.dropped.get(alert.name, 0)
        if count:
            text = f"{count} alerts to {alert.name} were dropped: too many wait to be delivered"
            self._core.problem(f"dropped alerts {alert.name}", text)
