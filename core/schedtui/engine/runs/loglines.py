"""Lines of runs on their way to the store, and whoever reads along.

Lines are readable from the moment they are written: first from the run's sink, then from the store,
and in between from both, told apart by their number. Lines that the store never takes are counted
in their run's row, as long as its outcome is not written, and in the engine's health until others
can be kept again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from schedtui.capture import RunSink
from schedtui.engine.core import Core
from schedtui.errors import SchedtuiError, StoreDataError
from schedtui.models import LogLine
from schedtui.protocols import LogChunk
from schedtui.store.chunks import encode
from schedtui.store.writer import Lane, Write

logger = logging.getLogger("schedtui.runs")

FLUSH_S = 0.2
"""Lines wait so long for company before they are compressed and handed to the writer."""


class LogLines:
    """The sinks of runs that said something and whose lines are not all in the store.

    A run that never says anything never comes here. On the loop, but for `dirty`.
    """

    def __init__(self, core: Core, job_of: Callable[[int], int | None]) -> None:
        self._core = core
        self._job_of = job_of
        self._sinks: dict[int, RunSink] = {}
        self._ended: set[int] = set()
        self._on_way: dict[int, dict[int, bool]] = {}
        """Of each run its chunks, oldest first: their last line, and whether they have arrived."""
        self._lost = 0
        self._refused = False
        """Whether the newest lines could not be kept."""
        self._encoding = asyncio.Lock()
        self._dirty: deque[RunSink] = deque()
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._draining = False
        self._followers: dict[int, list[asyncio.Future[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def close(self, run_id: int) -> None:
        """A run's outcome is committed; its sink goes when its last line is."""
        if self._followers:
            self._wake(run_id)
        sink = self._sinks.get(run_id)
        if sink is not None:
            self._ended.add(run_id)
            self._release(sink)

    def sink(self, run_id: int) -> RunSink | None:
        """The sink of a run, while it holds lines that the store may not have yet."""
        return self._sinks.get(run_id)

    def dirty(self, sink: RunSink) -> None:
        """A sink has new lines or progress. From any thread; cheap."""
        self._sinks[sink.run_id] = sink
        self._dirty.append(sink)
        if not self._scheduled:
            self._scheduled = True
            self._core.deliver([self._noticed])

    async def changed(self, run_id: int, timeout_s: float) -> None:
        """Wait until a run has new lines or has ended; at most ``timeout_s`` seconds."""
        waiter: asyncio.Future[None] = self._core.loop.create_future()
        self._followers.setdefault(run_id, []).append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            pass
        finally:
            waiting = self._followers.get(run_id, [])
            if waiter in waiting:
                waiting.remove(waiter)
            if not waiting:
                self._followers.pop(run_id, None)

    async def drain(self) -> None:
        """Hand every line to the writer now; at a stop."""
        self._draining = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._noticed()
        for sink in list(self._sinks.values()):
            sink.flush_partial()
        await self._write(list(self._sinks.values()))
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def busy(self) -> bool:
        """Whether lines are being made ready for the writer."""
        return bool(self._tasks)

    def _noticed(self) -> None:
        self._scheduled = False
        for run_id in {sink.run_id for sink in list(self._dirty)}:
            self._wake(run_id)
            job_id = self._job_of(run_id)
            if job_id is not None:
                self._core.hub.job(job_id)
        if self._dirty and self._timer is None and not self._draining:
            self._timer = self._core.loop.call_later(FLUSH_S, self._flush)

    def _flush(self) -> None:
        self._timer = None
        sinks: dict[int, RunSink] = {}
        while self._dirty:
            sink = self._dirty.popleft()
            sinks[sink.run_id] = sink
        task = self._core.loop.create_task(self._write(list(sinks.values())))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, sinks: Sequence[RunSink]) -> None:
        async with self._encoding:  # a chunk that is ready sooner must not overtake the one before
            pending = [(sink, lines) for sink in sinks if (lines := sink.take())]
            if not pending:
                return
            for sink, lines in pending:
                self._on_way.setdefault(sink.run_id, {})[lines[-1].seq] = False
            chunks = await self._core.off_loop(_encode_all, pending)
            for (sink, lines), chunk in zip(pending, chunks, strict=True):
                if isinstance(chunk, SchedtuiError):
                    self._dropped(sink, lines, chunk)
                    continue
                self._core.writer.submit(
                    Write(
                        Lane.LOG,
                        lambda tx, chunk=chunk: tx.append_logs([chunk]),  # type: ignore[misc]
                        done=partial(self._written, sink, chunk.last_seq),
                        failed=partial(self._dropped, sink, lines),
                        size=chunk.raw_bytes,
                    )
                )

    def _written(self, sink: RunSink, upto: int, _result: None = None) -> None:
        if self._refused:
            self._refused = False
            self._core.problem("logs", None)
        self._arrived(sink, upto)

    def _dropped(self, sink: RunSink, lines: list[LogLine], error: SchedtuiError) -> None:
        if sink.run_id in self._ended:  # too late for its row to say so
            logger.warning("%d log lines of run %d are lost: %s", len(lines), sink.run_id, error)
        sink.dropped += len(lines)
        if not error.retryable:
            self._lost += len(lines)
            self._refused = True
            text = f"{self._lost} log lines since the start could not be kept"
            self._core.problem("logs", f"{text}; the last ones of run {sink.run_id}: {error}")
        self._arrived(sink, lines[-1].seq)

    def _arrived(self, sink: RunSink, upto: int) -> None:
        """A chunk is in the store or lost; its lines go when those before them may."""
        chunks = self._on_way[sink.run_id]
        chunks[upto] = True
        while chunks and chunks[oldest := next(iter(chunks))]:
            del chunks[oldest]
            sink.forget(oldest)
        if not chunks:
            del self._on_way[sink.run_id]
        self._release(sink)

    def _release(self, sink: RunSink) -> None:
        """Let go of a sink whose run has ended and whose lines are all in the store."""
        run_id = sink.run_id
        if run_id in self._ended and run_id not in self._on_way:
            if sink.lines_after(0):
                self.dirty(sink)
                return
            self._ended.discard(run_id)
            self._sinks.pop(run_id, None)

    def _wake(self, run_id: int) -> None:
        for waiter in self._followers.pop(run_id, []):
            if not waiter.done():
                waiter.set_result(None)


def _encode_all(
    pending: Sequence[tuple[RunSink, list[LogLine]]],
) -> list[LogChunk | StoreDataError]:
    return [_encoded(sink.run_id, lines) for sink, lines in pending]


def _encoded(run_id: int, lines: list[LogLine]) -> LogChunk | StoreDataError:
    try:
        return encode(run_id, lines)
    except Exception as error:  # one run's lines must not take the others' with them
        logger.exception("the log lines of run %d cannot be encoded", run_id)
        return StoreDataError(f"they cannot be encoded: {type(error).__name__}: {error}")
