"""What the tests of capture and execution share: a clock to set, sinks, calls, and their ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import replace
from typing import Any

from schedtui.capture import CurrentRun, RunSink, run_context
from schedtui.clock import Timer
from schedtui.models import Source
from schedtui.protocols import Call, Ended, Executor, Origin


class SetClock:
    """A clock that shows what it is told to."""

    def __init__(self, now_us: int = 1_000_000) -> None:
        self.us = now_us

    def now_us(self) -> int:
        return self.us

    def monotonic(self) -> float:
        return self.us / 1e6

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        raise AssertionError(f"nothing here waits (asked for {delay_s} s, then {callback})")


def make_sink(run_id: int = 1, **options: Any) -> RunSink:
    """A sink for the first attempt of a run."""
    return RunSink(run_id=run_id, attempt=1, clock=options.pop("clock", SetClock()), **options)


def make_run(run_id: int = 1) -> CurrentRun:
    """The run of that id."""
    return CurrentRun(
        id=run_id, job="Reports/daily", scheduled_for=None, attempt=1, source=Source.MANUAL
    )


class Handle:
    """A run with a sink that is there from the beginning."""

    def __init__(self, run: CurrentRun, sink: RunSink) -> None:
        self._run = run
        self._sink = sink
        self.cancelled = False

    def current(self) -> CurrentRun:
        return replace(self._run, handle=self)

    def open_sink(self) -> RunSink | None:
        return None if self._sink.closed else self._sink


def context_of(sink: RunSink) -> Context:
    """A context in which the sink's run is the current one."""
    return run_context(Handle(make_run(sink.run_id), sink))


def texts(sink: RunSink) -> list[str]:
    """The text of every line."""
    return [line.text for line in sink.lines_after(0)]


def origin_of(function: Callable[..., Any]) -> Origin:
    """Where a worker process finds a function, if it can."""
    name = getattr(function, "__qualname__", "")
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    return Origin(f"p/{name}", function.__module__, name, file)


class Calls:
    """Makes calls on an executor and waits for their ends."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.ended: dict[int, Ended] = {}
        self.sinks: dict[int, RunSink] = {}
        self.handles: dict[int, Handle] = {}
        self.memory_limit_mb: int | None = None
        self._last_id = 0
        self._news = asyncio.Event()

    def submit(self, function: Callable[..., Any], /, **kwargs: Any) -> int:
        """Submit a call; its run's id."""
        self._last_id += 1
        run_id = self._last_id
        sink = self.sinks[run_id] = make_sink(run_id)

        def done(ended: Ended) -> None:
            assert run_id not in self.ended, "reported twice"
            self.ended[run_id] = ended
            self._news.set()

        handle = self.handles[run_id] = Handle(make_run(run_id), sink)
        context, origin = run_context(handle), origin_of(function)
        limit_mb = self.memory_limit_mb
        self.executor.submit(Call(run_id, function, kwargs, context, done, origin, limit_mb))
        return run_id

    async def line(self, run_id: int, text: str) -> None:
        """Wait until the run has said something."""
        async with asyncio.timeout(20):
            while text not in texts(self.sinks[run_id]):  # noqa: ASYNC110 - said elsewhere
                await asyncio.sleep(0.002)

    async def end(self, run_id: int) -> Ended:
        """Wait until the run has ended."""
        async with asyncio.timeout(20):
            while run_id not in self.ended:
                self._news.clear()
                await self._news.wait()
        return self.ended[run_id]

    async def run(self, function: Callable[..., Any], /, **kwargs: Any) -> Ended:
        """Make a call and wait for its end."""
        return await self.end(self.submit(function, **kwargs))

    async def all(self) -> dict[int, Ended]:
        """Wait until every run has ended."""
        for run_id in range(1, self._last_id + 1):
            await self.end(run_id)
        return self.ended
