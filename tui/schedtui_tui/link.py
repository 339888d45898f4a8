"""The connection to an engine: a snapshot, then its changes, and again after every failure.

It posts messages and touches no widget. Whatever goes wrong on the way is shown and tried again;
only the very first connection may fail for good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from schedtui.clock import to_us
from schedtui.errors import EventGapError, RefusedError, SchedtuiError, UnreachableError
from schedtui.models import Changes, EngineInfo, Snapshot

if TYPE_CHECKING:
    from schedtui.protocols import EngineClient

BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 15.0)
PING_S = 5.0
_ANSWER_S = 10.0  # an engine that takes longer over its own health is as good as gone
_SNAPSHOT_S = 30.0
_STEADY_S = 10.0  # a stream that lived this long was a success


@dataclass
class Linked(Message):
    """The client is there; nothing was read yet."""

    client: EngineClient


@dataclass
class SnapshotRead(Message):
    """All jobs, as of now."""

    snapshot: Snapshot
    generation: int
    latency_s: float


@dataclass
class ChangesRead(Message):
    """What changed since the snapshot of the same generation."""

    changes: Changes
    generation: int


@dataclass
class Pinged(Message):
    """The engine answered."""

    info: EngineInfo
    latency_s: float


@dataclass
class LinkLost(Message):
    """The engine does not answer any more; it will be tried again."""

    error: BaseException
    retry_s: float


@dataclass
class LinkFailed(Message):
    """There never was a connection, and trying again would not help."""

    error: BaseException


class Link:
    """One connection to one engine, kept up until it is cancelled."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[EngineClient]],
        post: Callable[[Message], object],
    ) -> None:
        self.client: EngineClient | None = None
        self.generation = 0
        """Grows with every snapshot; what belongs to an earlier one is stale."""
        self._connect = connect
        self._post = post
        self._wake = asyncio.Event()

    def retry_now(self) -> None:
        """Do not wait for the next try; when connected, read everything anew."""
        self._wake.set()

    async def run(self) -> None:
        """Connect, and stay connected until cancelled."""
        try:
            client = self.client = await self._connect()
        except Exception as error:  # noqa: BLE001 - the command line prints it, whatever it is
            self._post(LinkFailed(error))
            return
        try:
            self._post(Linked(client))
            await self._keep_up(client)
        finally:
            with suppress(Exception):  # nobody is left to be told
                await asyncio.wait_for(client.aclose(), 2)

    async def _keep_up(self, client: EngineClient) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                cursor = await self._read_all(client)
                await self._follow(client, cursor)
            except EventGapError:
                # a second gap at once must not turn into a storm of snapshots
                await asyncio.sleep(0 if time.monotonic() - began > 1 else 0.5)
            except Exception as error:  # noqa: BLE001 - a remote engine may answer anything
                if self.generation == 0 and isinstance(error, RefusedError):
                    self._post(LinkFailed(error))
                    return
                if time.monotonic() - began > _STEADY_S:
                    failures = 0
                delay = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                failures += 1
                self._post(LinkLost(error, delay))
                await self._pause(delay)

    async def _read_all(self, client: EngineClient) -> str:
        began = time.monotonic()
        snapshot = await asyncio.wait_for(client.snapshot(), _SNAPSHOT_S)
        self.generation += 1
        self._post(SnapshotRead(snapshot, self.generation, time.monotonic() - began))
        return snapshot.cursor

    async def _follow(self, client: EngineClient, cursor: str) -> None:
        """Pass changes on until the stream, or the engine's answer to a ping, fails."""
        self._wake.clear()
        tasks = [
            asyncio.create_task(self._stream(client, cursor)),
            asyncio.create_task(self._ping(client)),
            asyncio.create_task(self._woken()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _stream(self, client: EngineClient, cursor: str) -> None:
        generation = self.generation
        async for changes in client.changes(cursor):
            self._post(ChangesRead(changes, generation))
        raise UnreachableError("the engine ended its stream of changes")

    async def _ping(self, client: EngineClient) -> None:
        while True:
            began = time.monotonic()
            info = await asyncio.wait_for(client.info(), _ANSWER_S)
            self._post(Pinged(info, time.monotonic() - began))
            await asyncio.sleep(PING_S)

    async def _woken(self) -> None:
        await self._wake.wait()
        raise EventGapError("asked to read everything anew")

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)


class EngineTime:
    """The engine's wall clock, as seen from here."""

    def __init__(self) -> None:
        self._offset_us = 0

    def now_us(self) -> int:
        """Microseconds since 1970 on the engine's clock."""
        return time.time_ns() // 1000 + self._offset_us

    def learn(self, info: EngineInfo, latency_s: float) -> None:
        """Take over the engine's clock where it differs by more than an answer's delay explains."""
        offset = to_us(info.now) + int(latency_s * 500_000) - time.time_ns() // 1000
        if abs(offset - self._offset_us) > 250_000 + latency_s * 1_000_000:
            self._offset_us = offset


def explain(error: BaseException) -> str:
    """An error in one line, for a person."""
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    text = str(error) or type(error).__name__
    return text if isinstance(error, SchedtuiError) else f"{type(error).__name__}: {text}"
