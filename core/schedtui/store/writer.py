"""The one thread that writes: it gathers what waits into one transaction (group commit).

Three lanes: claims and commands first, then outcomes, then logs; the second and third get a few
milliseconds of each transaction, so that a flood of log lines cannot make a firing late. Nothing
lingers: a transaction begins as soon as anything waits and the last one is through.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from schedtui.errors import (
    EngineStoppedError,
    SchedtuiError,
    StoreDataError,
    StoreUnavailableError,
)
from schedtui.models.tally import COMMIT_S, Tally
from schedtui.protocols import Store, StoreTx

logger = logging.getLogger("schedtui.writer")

OTHERS_BUDGET_S = 0.005
"""Time that outcomes and logs may take of a transaction once a claim is in it, or waits."""
ALONE_BUDGET_S = 0.1
"""Time of a transaction without any, so that a flood of lines cannot keep one open."""
MAX_LOG_BYTES = 64 * 1024 * 1024
"""Log lines that wait for a store that does not answer; above it the oldest are dropped."""
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0)


class Lane(IntEnum):
    """What kind of write it is; a lower lane goes first."""

    CLAIM = 0
    """Claims and commands: fail at once when the store is unavailable."""
    OUTCOME = 1
    """Outcomes: wait until the store is back; never dropped."""
    LOG = 2
    """Log lines: wait too, and are dropped first."""


class Write:
    """Something to do in a transaction.

    ``done`` or ``failed`` is called once, on the engine's loop. A write of many rows gives its
    ``halves`` so that one bad row does not take the others with it.
    """

    __slots__ = ("apply", "bytes", "done", "failed", "halves", "lane")

    def __init__(
        self,
        lane: Lane,
        apply: Callable[[StoreTx], Any],
        *,
        done: Callable[[Any], object],
        failed: Callable[[SchedtuiError], object],
        halves: Callable[[], Sequence[Write]] | None = None,
        size: int = 0,
    ) -> None:
        self.lane = lane
        self.apply = apply
        self.done = done
        self.failed = failed
        self.halves = halves
        self.bytes = size


class Writer:
    """The writer's thread and its lanes.

    Args:
        store: An open store.
        deliver: Runs a list of calls on the engine's loop; called once per transaction, from the
            writer's thread.
        on_health: Called on the loop with the error when the store stops answering, with None when
            it answers again.
    """

    def __init__(
        self,
        store: Store,
        *,
        deliver: Callable[[list[Callable[[], object]]], None],
        on_health: Callable[[StoreUnavailableError | None], object],
    ) -> None:
        self._store = store
        self._deliver = deliver
        self._on_health = on_health
        self._lanes: tuple[deque[Write], ...] = (deque(), deque(), deque())
        self._wake = threading.Condition()
        self._stopping = False
        self._deadline = float("inf")
        self._failures = 0
        self.failures = 0
        """How many transactions have failed because the store did not answer."""
        self.commits = Tally(COMMIT_S)
        """How long transactions took, in seconds; those that were committed."""
        self._failing_since = 0.0
        self._at_work = 0
        """0: no transaction is open; 1: one without claims; 2: one with claims."""
        self._unwritten = 0
        self._log_bytes = 0
        self._thread = threading.Thread(target=self._run, name="schedtui-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, write: Write) -> None:
        """Put a write into its lane; from any thread, never blocks on the store."""
        dropped: list[Write] = []
        with self._wake:
            if self._stopping:
                dropped.append(write)
            else:
                self._lanes[write.lane].append(write)
                if write.lane is Lane.LOG:
                    self._log_bytes += write.bytes
                    while self._log_bytes > MAX_LOG_BYTES and len(self._lanes[Lane.LOG]) > 1:
                        oldest = self._lanes[Lane.LOG].popleft()
                        self._log_bytes -= oldest.bytes
                        dropped.append(oldest)
            self._wake.notify()
        if dropped:
            stopped = EngineStoppedError("the engine is stopping; nothing was written")
            full = StoreUnavailableError("the store does not answer and its log lines do not fit")
            self._deliver(
                [lambda w=w: w.failed(stopped if w is write else full) for w in dropped]  # type: ignore[misc]
            )

    @property
    def waiting(self) -> dict[str, int]:
        """How many writes wait in each lane."""
        return {lane.name.lower(): len(self._lanes[lane]) for lane in Lane}

    @property
    def busy(self) -> bool:
        """Whether there are writes that will be answered soon.

        While the store does not answer those are claims and commands alone: they fail at once.
        """
        if self._failures:
            return self._at_work > 1 or bool(self._lanes[Lane.CLAIM])
        return self._at_work > 0 or any(self._lanes)

    def stop(self, flush_s: float) -> bool:
        """Write what waits, for at most ``flush_s`` seconds, and end. Blocks.

        Returns:
            Whether everything was written.
        """
        with self._wake:
            self._stopping = True
            self._deadline = time.monotonic() + flush_s
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join(flush_s + 10)
        return not self._unwritten and not any(self._lanes)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not any(self._lanes) and not self._stopping:
                    self._wake.wait()
                if self._stopping and (not any(self._lanes) or time.monotonic() > self._deadline):
                    break
                claims = list(self._lanes[Lane.CLAIM])
                self._at_work = 2 if claims else 1
                self._lanes[Lane.CLAIM].clear()
            self._commit(claims)
            self._at_work = 0
            if self._failures:
                with self._wake:
                    pause = BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1]
                    if not self._stopping:
                        self._wake.wait_for(lambda: self._stopping, pause)
                    else:
                        self._wake.wait(min(pause, max(0.0, self._deadline - time.monotonic())))
        self._give_up()

    def _give_up(self) -> None:
        """At the end of a stop: whoever still waits is told."""
        with self._wake:
            left = [write for lane in self._lanes for write in lane]
            self._unwritten = len(left)
            for lane in self._lanes:
                lane.clear()
        if left:
            error = EngineStoppedError("the engine has stopped and the store did not answer")
            self._deliver([_call(write.failed, error) for write in left])

    def _others(self, began: float, hurried: bool) -> Write | None:
        """The next outcome or log write that still fits, off its lane."""
        with self._wake:
            hurried = hurried or bool(self._lanes[Lane.CLAIM])
            budget_s = OTHERS_BUDGET_S if hurried else ALONE_BUDGET_S
            if time.monotonic() - began > budget_s:
                return None
            for lane in (Lane.OUTCOME, Lane.LOG):
                if self._lanes[lane]:
                    write = self._lanes[lane].popleft()
                    self._log_bytes -= write.bytes
                    return write
        return None

    def _commit(self, claims: list[Write]) -> None:
        """One transaction with all claims, and as much of the rest as there is time for."""
        taken: list[Write] = []
        calls: list[Callable[[], object]] = []
        opened = time.monotonic()
        try:
            with self._store.transaction() as tx:
                for write in claims:
                    taken.append(write)
                    calls.append(_call(write.done, write.apply(tx)))
                began = time.monotonic()
                while (other := self._others(began, bool(claims))) is not None:
                    taken.append(other)
                    calls.append(_call(other.done, other.apply(tx)))
        except StoreUnavailableError as error:
            self._unavailable(claims, taken, error)
            return
        except Exception as error:  # noqa: BLE001 - one bad write must not end the writer
            logger.debug("a transaction of %d writes is taken apart: %s", len(taken), error)
            rest = [write for write in claims if write not in taken]
            if not taken:
                taken, rest = rest, []
            self._drop_connection()
            self._one_by_one([*taken, *rest], error)
            return
        self.commits.add(time.monotonic() - opened)
        if self._failures:
            self._failures = 0
            gone_s = time.monotonic() - self._failing_since
            logger.info("the store answers again after %.1f s", gone_s)
            calls.append(_call(self._on_health, None))
        if calls:
            self._deliver(calls)

    def _unavailable(
        self, claims: list[Write], taken: list[Write], error: StoreUnavailableError
    ) -> None:
        """Nothing was written: claims fail, the rest goes back to the front of its lane."""
        self._drop_connection()
        self._failures += 1
        self.failures += 1
        with self._wake:
            for write in reversed(taken):
                if write.lane is not Lane.CLAIM:
                    self._lanes[write.lane].appendleft(write)
                    self._log_bytes += write.bytes
        calls = [_call(write.failed, error) for write in claims]
        if self._failures == 1:
            self._failing_since = time.monotonic()
            logger.warning("the store is unavailable: %s", error)
            calls.append(_call(self._on_health, error))
        if calls:
            self._deliver(calls)

    def _one_by_one(self, writes: Sequence[Write], cause: Exception) -> None:
        """Find the write that cannot be written: each alone, then its halves."""
        pending = deque(writes)
        while pending:
            write = pending.popleft()
            try:
                with self._store.transaction() as tx:
                    result = write.apply(tx)
            except StoreUnavailableError as error:
                rest = [write, *pending]
                self._unavailable([w for w in rest if w.lane is Lane.CLAIM], rest, error)
                return
            except SchedtuiError as error:
                halves = _halves(write) if isinstance(error, StoreDataError) else ()
                if not halves and isinstance(error, StoreDataError):
                    self._drop_connection()
                    logger.error("the store refused data: %s", error)
                pending.extendleft(reversed(halves))
                if not halves:
                    self._deliver([_call(write.failed, error)])
            except Exception as error:
                halves = _halves(write)
                pending.extendleft(reversed(halves))
                if not halves:
                    logger.exception("a write failed unexpectedly (first seen: %s)", cause)
                    self._drop_connection()
                    told = StoreDataError(f"{type(error).__name__}: {error}")
                    self._deliver([_call(write.failed, told)])
            else:
                self._deliver([_call(write.done, result)])

    def _drop_connection(self) -> None:
        try:
            self._store.drop_connection()
        except Exception:  # the writer goes on, whatever becomes of the connection
            logger.exception("a failed connection could not be thrown away")


def _halves(write: Write) -> Sequence[Write]:
    return write.halves() if write.halves is not None else ()


def _call(function: Callable[[Any], object], argument: Any) -> Callable[[], object]:
    return lambda: function(argument)
