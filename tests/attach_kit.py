"""Applications with an APScheduler, and what is asked of them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import attach_jobs
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from schedtui.errors import JobNotFoundError
from schedtui.integrations.apscheduler import Attached, attach
from schedtui.models import TERMINAL, Job, JobSummary, Run, RunFilter
from schedtui.protocols import EngineClient

T = TypeVar("T")

DEADLINE_S = 20.0
KINDS: dict[str, Any] = {
    "background": BackgroundScheduler,
    "asyncio": AsyncIOScheduler,
    "blocking": BlockingScheduler,
}


Makes = Callable[..., "Application"]


def now() -> datetime:
    return datetime.now(UTC)


def in_an_hour() -> datetime:
    return now() + timedelta(hours=1)


class Application:
    """A program with one scheduler, on a thread of its own where that blocks or has a loop.

    Args:
        kind: A key of `KINDS`.
        folder: Where its ``.schedtui`` is.
        options: Of the scheduler.
    """

    def __init__(self, kind: str, folder: Path, **options: Any) -> None:
        self.kind = kind
        self.folder = folder
        self.scheduler: Any = KINDS[kind](timezone="UTC", **options)
        self.attached: Attached | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    # --- the program

    def start(self) -> None:
        """Start the scheduler as its kind is started."""
        if self.kind == "background":
            self.scheduler.start()
            return
        work = self._serve if self.kind == "asyncio" else self.scheduler.start
        self._thread = threading.Thread(target=work, name="application", daemon=True)
        self._thread.start()
        self.wait(lambda: bool(self.scheduler.running))

    def _serve(self) -> None:
        async def main() -> None:
            self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
            self.scheduler.start()
            await self._end.wait()

        asyncio.run(main())

    def shutdown(self) -> None:
        """Shut the scheduler down as its kind is shut down."""
        if not self.scheduler.running:
            return
        self.scheduler.shutdown()
        if self._loop is not None and self._end is not None:
            self.wait(lambda: not self.scheduler.running)
            self._loop.call_soon_threadsafe(self._end.set)
        if self._thread is not None:
            self._thread.join(DEADLINE_S)

    def attach(self, **options: Any) -> Attached:
        self.attached = attach(self.scheduler, folder=self.folder, **options)
        return self.attached

    def close(self) -> None:
        attach_jobs.GATE.set()
        self.shutdown()
        if self.attached is not None:
            self.attached.detach()

    # --- what a person at the console does

    @property
    def client(self) -> EngineClient:
        assert self.attached is not None
        return self.attached.client("anna")

    def ask(self, question: Callable[[EngineClient], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run(question(self.client))

    def jobs(self) -> dict[str, JobSummary]:
        return {job.name: job for job in self.ask(lambda one: one.snapshot()).jobs}

    def job(self, name: str) -> Job:
        """A job, as soon as it is seen."""
        found: list[Job] = []

        def look() -> bool:
            with contextlib.suppress(JobNotFoundError):
                found[:] = [self.ask(lambda one: one.job(name))]
            return bool(found)

        self.wait(look)
        return found[0]

    def runs(self, job: str, count: int = 1) -> list[Run]:
        """The runs of a job, newest first, as soon as so many have ended."""
        found: list[Run] = []

        def look() -> bool:
            with contextlib.suppress(JobNotFoundError):
                page = self.ask(lambda one: one.runs(RunFilter(job=job)))
                found[:] = [run for run in page.items if run.state in TERMINAL]
            return len(found) >= count

        self.wait(look)
        return found

    def run(self, run_id: int) -> Run:
        """A run, as soon as it has ended."""
        found: list[Run] = []

        def look() -> bool:
            found[:] = [self.ask(lambda one: one.run(run_id))]
            return found[0].state in TERMINAL

        self.wait(look)
        return found[0]

    def lines(self, run_id: int) -> list[str]:
        page = self.ask(lambda one: one.logs(run_id))
        return [line.text for line in page.lines]

    def wait(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < until, "it did not come to be"
            time.sleep(0.01)


@contextlib.contextmanager
def application(kind: str, folder: Path, **options: Any) -> Iterator[Application]:
    attach_jobs.GATE.clear()
    attach_jobs.CALLS.clear()
    while attach_jobs.WAITING.acquire(blocking=False):
        pass
    app = Application(kind, folder, **options)
    try:
        yield app
    finally:
        app.close()
