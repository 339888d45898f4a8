"""The two sides of the storm, each in processes of its own: an engine, and consoles that watch it.

    python tests/benchmarks/storm_parts.py engine STORE JOBS EVERY_S EXTRA
    python tests/benchmarks/storm_parts.py consoles COUNT URL TOKEN
    python tests/benchmarks/storm_parts.py decoders COUNT URL TOKEN

The first two read commands from standard input, a line each, and answer each with a line of JSON.
The last one does a console's work with an engine's frames, and asks the engine nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sys
import time
from bisect import bisect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schedtui import Engine, Group, current_run
from schedtui.api import Listen, start_server
from schedtui.api.answers import changes_lines
from schedtui.api.tokens import create_token
from schedtui.client.beat import beat_s
from schedtui.client.http import HttpClient
from schedtui.client.http_codec import decode_changes
from schedtui.client.local import LocalClient
from schedtui.models import Changes, JobSpec, JobSummary, RunState
from schedtui.models.wire import to_wire
from schedtui.store import open_store

TESTS = str(Path(__file__).resolve().parents[1])
sys.path.insert(0, TESTS)

from benchmarks.memory import BLOCKS_PER_MIB, in_use, resident_mib  # noqa: E402 - found only now

PHASES = 10
"""The jobs of one interval are due at so many moments of it, evenly."""
BEAT_S = 0.01
"""Extra changes are made so often."""
PATIENCE_S = 30
"""A console that has not got to the end by then is wrong."""
Answer = dict[str, Any]


class Storm:
    """An engine with a store on disk whose jobs are due all the time.

    Args:
        store: The path of its store.
        jobs: How many.
        every_s: Their interval.
        extra: Changes a second that are told to the hub of events beside those of the runs.
    """

    def __init__(self, store: Path, *, jobs: int, every_s: float, extra: int) -> None:
        self._group = Group("storm")
        self._group.function()(self.work)
        self._store = f"sqlite:///{store}"
        self._engine = Engine(groups=[self._group], store=self._store, echo=False)
        self._jobs = jobs
        self._every_s = every_s
        self._extra = extra
        self._late_us: list[int] = []

    async def work(self) -> None:
        """What each job does: it notes how late it is."""
        due = current_run().scheduled_for
        if due is not None:
            self._late_us.append(time.time_ns() // 1000 - round(due.timestamp() * 1e6))

    async def run(self) -> None:
        """Serve, and do as told until standard input ends."""
        token = self._token()
        await self._engine.start()
        await self._engine.pause_engine(reason="not yet")
        await self._create()
        server = await start_server(self._engine, listen=Listen(port=0))
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 50)  # as `schedtui serve`
        sys.setswitchinterval(0.0005)
        extra = asyncio.create_task(self._blow())
        say({"url": server.url, "token": token})
        try:
            await answer({"go": self._go, "rest": self._rest, "measure": self._measure})
        finally:
            extra.cancel()
            await server.stop()
            await self._engine.stop(grace_s=2)

    def _token(self) -> str:
        store = open_store(self._store)
        store.open(None)
        try:
            return create_token(store, "consoles", "viewer")
        finally:
            store.close()

    async def _create(self) -> None:
        client = LocalClient(self._engine)
        begin = datetime(2026, 1, 1, tzinfo=UTC)

        async def create(number: int) -> None:
            phase = timedelta(seconds=number % PHASES * self._every_s / PHASES)
            trigger = {
                "type": "every",
                "seconds": self._every_s,
                "anchor": (begin + phase).isoformat(),
            }
            spec = JobSpec(function="storm/work", trigger=trigger, name=f"job-{number:05}")
            await client.create_job(spec)

        for first in range(0, self._jobs, 500):
            some = range(first, min(first + 500, self._jobs))
            await asyncio.gather(*(create(number) for number in some))

    async def _go(self) -> Answer:
        await self._engine.resume_engine()
        return {}

    async def _rest(self) -> Answer:
        """Nothing more is due, and all that was has ended: where the changes end."""
        await self._engine.pause_engine(reason="a rest")
        await self._engine.running.supervisor.idle.wait()
        await asyncio.sleep(BEAT_S * 5)
        used = in_use()
        mib = used["blocks"] / BLOCKS_PER_MIB + used.get("malloc_mib", 0.0)
        return {"cursor": self._engine.running.core.hub.cursor, "used_mib": mib}

    async def _measure(self, seconds: str) -> Answer:
        hub, self._late_us = self._engine.running.core.hub, []
        place, cpu, began = (
            int(hub.cursor.rpartition(":")[2]),
            time.process_time(),
            time.monotonic(),
        )
        await asyncio.sleep(float(seconds))
        took, cpu = time.monotonic() - began, time.process_time() - cpu
        changes = int(hub.cursor.rpartition(":")[2]) - place
        late = sorted(self._late_us)
        return {
            "changes": changes / took,
            "runs": len(late) / took,
            "cost": 1e6 * cpu / changes,
            "p50_ms": late[len(late) // 2] / 1e3,
            "p99_ms": late[len(late) * 99 // 100] / 1e3,
            "rss_mib": resident_mib(),
        }

    async def _blow(self) -> None:
        """Tell the hub of changes that no run made; they tell watchers of states that are true."""
        running = self._engine.running
        hub, jobs = running.core.hub, [live.job for live in running.core.jobs]
        made, began = 0, time.monotonic()
        while self._extra:
            await asyncio.sleep(BEAT_S)
            if running.info().paused:
                made, began = 0, time.monotonic()
                continue
            for number in range(made, int((time.monotonic() - began) * self._extra)):
                job = jobs[number % len(jobs)]
                hub.run(number + 1, job.id, RunState.SUCCEEDED, job.group)
                made = number + 1


class Console:
    """What a console knows of an engine, and how often it was told.

    Args:
        client: Its connection.
    """

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._rows: dict[int, JobSummary] = {}
        self._times: list[float] = []
        self._cursor = ""
        self._ready = asyncio.Event()
        self._task = asyncio.create_task(self._watch())

    async def ready(self) -> None:
        """It has read all jobs, and follows."""
        await self._ready.wait()

    async def _watch(self) -> None:
        snapshot = await self._client.snapshot()
        self._rows = {row.id: row for row in snapshot.jobs}
        self._ready.set()
        async for changes in self._client.changes(snapshot.cursor):
            self._times.append(time.monotonic())
            self._rows |= {row.id: row for row in changes.jobs}
            self._cursor = changes.cursor

    async def told(self, cursor: str) -> Answer:
        """What it was told, up to ``cursor``, where the storm is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self._cursor != cursor:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(BEAT_S)
        times = self._times
        last = times[-1] if times else 0.0
        most = [bisect(times, at + 1) - first for first, at in enumerate(times)]
        snapshot = await self._client.snapshot()
        wrong = sum(self._rows.get(row.id) != row for row in snapshot.jobs)
        self._task.cancel()
        await self._client.aclose()
        return {
            "most": max(most, default=0),
            "rate": len(times) / (last - times[0]) if len(times) > 1 else 0.0,
            "wrong": wrong,
        }


async def watch(count: int, url: str, token: str) -> None:
    """Consoles that do as told until standard input ends."""
    consoles = [Console(HttpClient(url, token=token)) for _ in range(count)]
    for console in consoles:
        await console.ready()
    say({})

    async def end(cursor: str) -> Answer:
        told = (console.told(cursor) for console in consoles)
        return {"consoles": await asyncio.gather(*told)}

    await answer({"end": end})


async def decode(count: int, url: str, token: str) -> None:
    """The work of as many consoles, without an engine: frames that they have already."""
    client = HttpClient(url, token=token)
    snapshot = await client.snapshot()
    await client.aclose()
    data = b"\n".join(changes_lines(Changes(cursor=snapshot.cursor, jobs=snapshot.jobs)))

    async def go_on() -> None:
        while True:
            for _ in range(count):
                decode_changes(data)
                await asyncio.sleep(0)
            await asyncio.sleep(beat_s(Changes(cursor="", jobs=snapshot.jobs)))

    working = asyncio.create_task(go_on())
    say({})
    await answer({})
    working.cancel()


async def answer(commands: dict[str, Callable[..., Awaitable[Answer]]]) -> None:
    """Do what standard input says, and answer each line."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        name, *arguments = line.split()
        say(await commands[name](*arguments))


def say(words: Answer) -> None:
    """One line of JSON."""
    print(json.dumps(to_wire(words)), flush=True)


def pin(*, others: bool) -> None:
    """The engine has a processor of its own, for the consoles stand for other machines."""
    first, *rest = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, rest or {first} if others else {first})


def main() -> None:
    """One of the two sides."""
    side, *arguments = sys.argv[1:]
    if side != "engine":
        work = watch if side == "consoles" else decode
        pin(others=True)
        count, url, token = arguments
        asyncio.run(work(int(count), url, token))
        return
    pin(others=False)
    with contextlib.suppress(PermissionError):
        os.nice(-15)  # what else this machine has to do is the same for both, and would hide it
    store, jobs, every_s, extra = arguments
    asyncio.run(Storm(Path(store), jobs=int(jobs), every_s=float(every_s), extra=int(extra)).run())


if __name__ == "__main__":
    main()
