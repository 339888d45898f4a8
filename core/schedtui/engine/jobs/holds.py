"""Jobs that a command has to itself while it writes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from schedtui.engine.core import Core
from schedtui.engine.jobs.pauses import Pauses, is_over
from schedtui.engine.live.job import LiveJob
from schedtui.engine.tick.claim import Claims
from schedtui.errors import ConflictError, StoreUnavailableError, VersionConflictError

ENGINE = "engine"
"""The actor of what the engine does to jobs of its own accord."""


class Holds:
    """Keeps claims and other commands away from jobs; on the engine's loop."""

    def __init__(self, core: Core, claims: Claims, pauses: Pauses) -> None:
        self._core = core
        self._claims = claims
        self._pauses = pauses

    @asynccontextmanager
    async def hold(
        self, name: str, expect_id: int | None, version: int | None = None
    ) -> AsyncIterator[LiveJob]:
        """A job that no claim and no other command touches, what is due of it claimed.

        A pause whose end has passed is ended first.

        A job that is due again by the time its claim is written is not claimed once more (one that
        is due each millisecond would never be let go): the command accounts for those due times.

        Raises:
            JobNotFoundError, ConflictError: see `find`.
            VersionConflictError: it has another version than ``version``.
            StoreUnavailableError: what is due of it could not be claimed, or its pause not ended.
        """
        settled = False
        while True:
            live = self.find(name, expect_id)
            if live.busy:
                await self.released(live)
                continue
            if await self.end_pause(live):
                continue
            due_us = live.next_due_us
            due = due_us is not None and due_us <= self._core.clock.now_us()
            if not due or not live.fires or settled:
                break
            if self._claims.rests:
                await self._claims.rested()
                continue
            await self._settle(live)
            settled = True
        check_version(live, version)
        with self._alone(live):
            yield live

    async def end_pause(self, live: LiveJob) -> bool:
        """End the pause of a job that nobody holds, where its end has passed; whether it had.

        A trigger that fails keeps neither the pause from ending nor a command from its job.

        Raises:
            StoreUnavailableError: it could not be written.
        """
        if not is_over(live, self._core.clock.now_us()):
            return False
        with self._alone(live):
            await self._pauses.end(live, ENGINE)
        return True

    @contextmanager
    def _alone(self, live: LiveJob) -> Iterator[None]:
        live.busy = True
        self._core.heap.drop(live)
        try:
            yield
        finally:
            live.release()
            if not live.removed:
                self._core.heap.push(live)
                self._core.wakeup()

    async def released(self, live: LiveJob) -> None:
        """Wait until whoever is writing a job lets it go."""
        waiter: asyncio.Future[None] = self._core.loop.create_future()
        live.waiters.append(waiter)
        await waiter

    async def _settle(self, live: LiveJob) -> None:
        """Claim what is due of a job; raises where the store does not take it."""
        before = live.next_due_us
        self._claims.claim_now(live)
        await self.released(live)
        if live.next_due_us == before and live.fires and not live.busy:
            raise StoreUnavailableError(
                f"{live.full_name} is due and its claim could not be written; nothing was changed, "
                "try again"
            )

    def find(self, name: str, expect_id: int | None) -> LiveJob:
        """A living job by its name.

        Raises:
            JobNotFoundError: there is none.
            ConflictError: it is not the one that was meant.
        """
        live = self._core.jobs.named(name)
        if expect_id is not None and live.id != expect_id:
            raise ConflictError(
                f"{name} is not the job it was: that one (id {expect_id}) was deleted and this one "
                f"(id {live.id}) has its name; nothing was done"
            )
        return live


def check_version(live: LiveJob, version: int | None) -> None:
    """Refuse where a job is not as it was read.

    Raises:
        VersionConflictError: it has another version than ``version``.
    """
    if version is not None and live.version != version:
        raise VersionConflictError(
            f"{live.full_name} has version {live.version}, not {version}: it was changed "
            "meanwhile; read it again and repeat the call on what it is now"
        )
